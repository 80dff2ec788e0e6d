//! The largest entries of a table.

/// The indices of the `count` largest entries, or of all if there are fewer (a batch may have more active inputs than it has
/// pairs), ascending; of equal ones at the cut the lower indices. Entries are not negative, so that their bits are ordered as
/// they are.
pub(super) fn largest_entries(table: &[f32], count: usize) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    if count >= table.len() {
        return (0..table.len()).collect();
    }
    let (cut, above) = cut(table, count);
    let mut left_at_cut = count - above;
    let mut chosen = Vec::with_capacity(count);
    entries_where(
        table,
        |bits| bits >= cut,
        |index, bits| {
            if bits > cut {
                chosen.push(index);
            } else if left_at_cut > 0 {
                left_at_cut -= 1;
                chosen.push(index);
            }
        },
    );
    chosen
}

/// Calls `function` with index and bits of every entry whose bits fulfil a condition that few do.
fn entries_where(table: &[f32], condition: impl Fn(u32) -> bool, mut function: impl FnMut(usize, u32)) {
    const TOGETHER: usize = 32;
    for (chunk, entries) in table.chunks(TOGETHER).enumerate() {
        // All of them are looked at before anything depends on one.
        let mut found = 0_u32;
        for (place, entry) in entries.iter().enumerate() {
            found |= u32::from(condition(entry.to_bits())) << place;
        }
        while found != 0 {
            let place = found.trailing_zeros() as usize;
            function(chunk * TOGETHER + place, entries[place].to_bits());
            found &= found - 1;
        }
    }
}

/// The bits of the `count`th largest entry of at least so many, and how many entries are larger.
fn cut(table: &[f32], count: usize) -> (u32, usize) {
    let mut bits: Vec<u32> = table.iter().map(|entry| entry.to_bits()).collect();
    let (before, &mut cut, _) = bits.select_nth_unstable_by(count - 1, |left, right| right.cmp(left));
    (cut, before.iter().filter(|&&bits| bits > cut).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_at_the_cut_goes_to_the_lower_index() {
        assert_eq!(largest_entries(&[0.0, 5.0, 2.0, 2.0, 2.0, 1.0], 3), [1, 2, 3]);
    }

    #[test]
    fn of_a_long_table_the_same_entries_are_selected_as_by_sorting_it() {
        let entry = |index: usize| [0.0, 1e-30, 0.3, 1.0, 1.25, 2e9][index * index % 23 % 6] * (1 + index % 5) as f32;
        let table: Vec<f32> = (0..8_192).map(entry).collect();
        let mut sorted: Vec<usize> = (0..table.len()).collect();
        sorted.sort_by(|&left, &right| table[right].total_cmp(&table[left]));
        for count in [1, 2, 7, 500, 2_001, table.len() / 2, table.len() - 1] {
            let mut expected = sorted[..count].to_vec();
            expected.sort_unstable();
            assert_eq!(largest_entries(&table, count), expected, "{count} entries");
        }
    }
}
