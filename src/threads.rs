//! Work spread over threads.
//!
//! Two pools share the cores: libtorch's and our own. libtorch's threads wait for their next product by spinning, which
//! takes the core from whoever works there, so for small tensors it is held to one.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Entries of a replica's largest arrays up to which they stay in a core's cache, so that loops over them beat libtorch's
/// operations on several threads.
const ENTRIES_OF_A_CORE: i64 = 1 << 18;

/// Below this many entries a second thread costs more than it saves.
const ENTRIES_WORTH_A_THREAD: usize = 1 << 15;

/// Threads of a loop of ours.
static LOOP_THREADS: AtomicUsize = AtomicUsize::new(1);

/// Threads of libtorch, in each thread that calls it.
static LIBTORCH_THREADS: AtomicUsize = AtomicUsize::new(1);

/// Whether work on arrays of so many entries is best done in loops on one core.
pub fn fits_a_core(entries: i64) -> bool {
    entries <= ENTRIES_OF_A_CORE
}

/// Says how many threads each of the lanes that work side by side may use; `small`: on tensors that libtorch had better
/// handle on one.
pub fn give_each_lane(threads: usize, small: bool) {
    let threads = threads.max(1);
    LOOP_THREADS.store(threads, Ordering::Relaxed);
    LIBTORCH_THREADS.store(if small { 1 } else { threads }, Ordering::Relaxed);
    settle();
}

/// libtorch keeps the number of its threads for each calling thread; a new one would take all cores.
fn settle() {
    tch::set_num_threads(LIBTORCH_THREADS.load(Ordering::Relaxed) as i32);
}

/// Calls `function` with every lane, each on its own thread; the results are in the order of the lanes.
pub fn side_by_side<Lane: Send, Result: Send>(
    lanes: &mut [Lane],
    function: impl Fn(&mut Lane) -> Result + Sync,
) -> Vec<Result> {
    let function = &function;
    std::thread::scope(|scope| {
        let (own, others) = lanes.split_first_mut().expect("there is a lane");
        let others: Vec<_> = others.iter_mut().map(|lane| scope.spawn(move || (settle(), function(lane)).1)).collect();
        let own = function(own);
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        std::iter::once(own).chain(others.into_iter().map(join)).collect()
    })
}

/// On how many threads work on so many entries is best spread.
pub fn worth_having(entries: usize) -> usize {
    LOOP_THREADS.load(Ordering::Relaxed).min(entries / ENTRIES_WORTH_A_THREAD).max(1)
}

/// Calls `function` with every part, each on its own thread.
pub fn for_each_part<Part: Send>(parts: impl IntoIterator<Item = Part>, function: impl Fn(Part) + Sync) {
    let function = &function;
    std::thread::scope(|scope| {
        let mut parts = parts.into_iter();
        let own = parts.next();
        for part in parts {
            scope.spawn(move || function(part));
        }
        own.into_iter().for_each(function);
    });
}

/// Calls `function` with the number of every row of `entries` and the row, on so many threads. What a row gets does not
/// depend on their number.
pub fn for_each_row(entries: &mut [f32], width: usize, threads: usize, function: impl Fn(usize, &mut [f32]) + Sync) {
    let rows_each = (entries.len() / width).div_ceil(threads).max(1);
    for_each_part(entries.chunks_mut(rows_each * width).enumerate(), |(part, entries)| {
        let rows = entries.chunks_exact_mut(width).enumerate();
        rows.for_each(|(row, entries)| function(part * rows_each + row, entries));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_does_its_work_and_the_results_keep_their_order() {
        let mut lanes = [1, 2, 3];
        assert_eq!(side_by_side(&mut lanes, |lane| std::mem::replace(lane, 0) * 10), [10, 20, 30]);
        assert_eq!(lanes, [0, 0, 0]);
    }

    #[test]
    fn every_row_is_visited_once_with_its_number() {
        for (rows, threads) in [(0, 1), (1, 2), (7, 2), (7, 3), (1_000, 4)] {
            let mut entries = vec![0.0; rows * 3];
            for_each_row(&mut entries, 3, threads, |row, entries| {
                entries.iter_mut().for_each(|entry| *entry += row as f32)
            });
            let expected = (0..rows).flat_map(|row| [row as f32; 3]);
            assert!(entries.into_iter().eq(expected), "{rows} rows on {threads} threads");
        }
    }
}
