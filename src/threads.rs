//! Loops spread over the threads that libtorch was given.

/// Below this many entries a second thread costs more than it saves.
const ENTRIES_WORTH_A_THREAD: usize = 1 << 15;

/// Calls `function` with the number of every row of `entries` and the row. What a row gets does not depend on the
/// number of threads.
pub fn for_each_row(entries: &mut [f32], width: usize, function: impl Fn(usize, &mut [f32]) + Sync) {
    let threads = (tch::get_num_threads().max(1) as usize).min(entries.len() / ENTRIES_WORTH_A_THREAD).max(1);
    let rows_each = (entries.len() / width).div_ceil(threads);
    let run = |first: usize, entries: &mut [f32]| {
        entries.chunks_exact_mut(width).enumerate().for_each(|(row, entries)| function(first + row, entries));
    };
    std::thread::scope(|scope| {
        let mut parts = entries.chunks_mut((rows_each * width).max(1)).enumerate();
        let own = parts.next();
        for (part, entries) in parts {
            scope.spawn(move || run(part * rows_each, entries));
        }
        own.into_iter().for_each(|(_, entries)| run(0, entries));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_visited_once_with_its_number() {
        for rows in [0, 1, 7, 3 * ENTRIES_WORTH_A_THREAD] {
            let mut entries = vec![0.0; rows * 3];
            for_each_row(&mut entries, 3, |row, entries| entries.iter_mut().for_each(|entry| *entry += row as f32));
            let expected = (0..rows).flat_map(|row| [row as f32; 3]);
            assert!(entries.into_iter().eq(expected), "{rows} rows");
        }
    }
}
