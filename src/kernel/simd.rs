//! Loops over long rows of numbers, for the widest vectors that the processor has.
//!
//! The program is compiled for any processor of its kind; inside [`widest`] the compiler may use what this one can. None
//! of it changes a result: sums are taken in a fixed number of lanes, whatever the width of a vector.

use std::sync::atomic::{AtomicU32, Ordering};

use pulp::Arch;

use super::{Kernel, threads};

/// Lanes of a sum: as many as the widest vector has.
pub const LANES: usize = 16;

/// Rows shorter than this are summed in turn: they are over before lanes pay.
const LONG: usize = 64;

/// Columns that one thread sums at least.
const COLUMNS_TOGETHER: usize = 256;

/// Neighbouring numbers of a row. Of a row of blocks the last is filled up, so that loops over it have a length that the
/// compiler knows.
pub type Block = [f32; BLOCK];

/// Numbers of a [`Block`].
pub const BLOCK: usize = 8;

/// Blocks that are summed side by side, in registers.
pub const BLOCKS_TOGETHER: usize = 4;

/// Runs loops with the widest vectors. What they call has to be inlined to profit.
#[inline(always)]
pub fn widest<Result>(loops: impl FnOnce() -> Result) -> Result {
    let arch = if Kernel::WidestVectors.is_on() { Arch::new() } else { Arch::Scalar };
    arch.dispatch(loops)
}

/// Whether the processor multiplies and adds with one rounding in one instruction inside [`widest`]. Where it does not,
/// [`f32::mul_add`] is a slow function with the same result.
pub fn fuses() -> bool {
    !matches!(Arch::new(), Arch::Scalar)
}

/// sum += factor * row.
#[inline(always)]
pub fn add_scaled(sum: &mut [f32], factor: f32, row: &[f32]) {
    for (sum, entry) in sum.iter_mut().zip(row) {
        *sum += factor * entry;
    }
}

/// sum += factor * row, for the first blocks of the row.
#[inline(always)]
pub fn add_scaled_blocks<const BLOCKS: usize>(sum: &mut [Block; BLOCKS], factor: f32, row: &[Block]) {
    let row: &[Block; BLOCKS] = row[..BLOCKS].try_into().expect("so many");
    for block in 0..BLOCKS {
        for lane in 0..BLOCK {
            sum[block][lane] += factor * row[block][lane];
        }
    }
}

/// The sum of the products of two rows' entries.
#[inline(always)]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    if left.len() < LONG {
        return in_turn(left, right);
    }
    let mut lanes = [0.0; LANES];
    let (left, right) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest = in_turn(left.remainder(), right.remainder());
    for (left, right) in left.zip(right) {
        lanes.iter_mut().zip(left.iter().zip(right)).for_each(|(lane, (left, right))| *lane += left * right);
    }
    lanes.iter().sum::<f32>() + rest
}

#[inline(always)]
fn in_turn(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// For every row of two equal matrices with rows of `width`, the sum of the products of its entries.
pub fn row_dots(left: &[f32], right: &[f32], width: usize, sums: &mut [f32]) {
    let threads = threads::worth_having(left.len());
    let rows = sums.len().div_ceil(threads).max(1);
    let blocks = left.chunks(rows * width).zip(right.chunks(rows * width)).zip(sums.chunks_mut(rows));
    threads::for_each_part(blocks, |((left, right), sums)| {
        widest(|| {
            let rows = left.chunks_exact(width).zip(right.chunks_exact(width));
            rows.zip(sums).for_each(|((left, right), sum)| *sum = dot(left, right));
        });
    });
}

/// For every column of two equal matrices with rows of `sums.len()`, the sum of the products of its entries.
pub fn column_dots(left: &[f32], right: &[f32], sums: &mut [f32]) {
    let width = sums.len();
    let threads = threads::worth_having(left.len());
    let columns = width.div_ceil(threads).max(COLUMNS_TOGETHER);
    let blocks = sums.chunks_mut(columns).enumerate();
    threads::for_each_part(blocks, |(block, sums)| {
        widest(|| {
            sums.fill(0.0);
            let columns = block * columns..block * columns + sums.len();
            for (left, right) in left.chunks_exact(width).zip(right.chunks_exact(width)) {
                let products = left[columns.clone()].iter().zip(&right[columns.clone()]);
                sums.iter_mut().zip(products).for_each(|(sum, (left, right))| *sum += left * right);
            }
        });
    });
}

/// The bits of an entry's magnitude: ordered as magnitudes are, what is no number above them all.
#[inline(always)]
pub fn magnitude_bits(entry: f32) -> u32 {
    entry.to_bits() & !(1 << 31)
}

/// The largest magnitude of any entry; not a number if an entry is none.
pub fn largest_magnitude(entries: &[f32]) -> f32 {
    let part = entries.len().div_ceil(threads::worth_having(entries.len())).max(1);
    let largest = AtomicU32::new(0);
    threads::for_each_part(entries.chunks(part), |entries| {
        let bits = widest(|| entries.iter().map(|&entry| magnitude_bits(entry)).fold(0, u32::max));
        largest.fetch_max(bits, Ordering::Relaxed);
    });
    f32::from_bits(largest.into_inner())
}

/// Multiplies every column of a matrix with rows of `factors.len()` by its factor.
pub fn scale_columns(matrix: &mut [f32], factors: &[f32]) {
    let width = factors.len();
    let rows = (matrix.len() / width).div_ceil(threads::worth_having(matrix.len())).max(1);
    threads::for_each_part(matrix.chunks_mut(rows * width), |rows| {
        widest(|| {
            for row in rows.chunks_exact_mut(width) {
                row.iter_mut().zip(factors).for_each(|(entry, factor)| *entry *= factor);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows by columns, large enough for two threads, with entries that sum exactly.
    fn matrix(rows: usize, width: usize, step: usize) -> Vec<f32> {
        (0..rows * width).map(|index| (index * step % 7) as f32 - 3.0).collect()
    }

    #[test]
    fn rows_and_columns_are_summed_like_matrices_of_whole_numbers() {
        threads::give_each_lane(2, true);
        for (rows, width) in [(3, 5), (700, 131), (151, 700), (1, 1)] {
            let (left, right) = (matrix(rows, width, 3), matrix(rows, width, 5));
            let product = |row: usize, column: usize| left[row * width + column] * right[row * width + column];
            let mut sums = vec![f32::NAN; rows];
            row_dots(&left, &right, width, &mut sums);
            let of_row = |row| (0..width).map(|column| product(row, column)).sum::<f32>();
            assert!(sums.iter().copied().eq((0..rows).map(of_row)), "rows of {rows} x {width}");
            let mut sums = vec![f32::NAN; width];
            column_dots(&left, &right, &mut sums);
            let of_column = |column| (0..rows).map(|row| product(row, column)).sum::<f32>();
            assert!(sums.iter().copied().eq((0..width).map(of_column)), "columns of {rows} x {width}");
        }
    }

    #[test]
    fn the_largest_magnitude_is_found_on_any_number_of_threads_and_nothing_hides_what_is_no_number() {
        threads::give_each_lane(2, true);
        let mut entries = matrix(1_000, 100, 3);
        assert_eq!(largest_magnitude(&entries), 3.0);
        entries[99_000] = -7.0;
        assert_eq!(largest_magnitude(&entries), 7.0);
        entries[10] = f32::NEG_INFINITY;
        assert_eq!(largest_magnitude(&entries), f32::INFINITY);
        entries[20] = f32::NAN;
        assert!(largest_magnitude(&entries).is_nan());
        assert_eq!(largest_magnitude(&[]), 0.0);
    }

    #[test]
    fn every_column_has_its_own_factor() {
        threads::give_each_lane(2, true);
        let mut scaled = matrix(30_001, 3, 2);
        scale_columns(&mut scaled, &[1.0, 0.0, -2.0]);
        for (row, original) in scaled.chunks_exact(3).zip(matrix(30_001, 3, 2).chunks_exact(3)) {
            assert_eq!(row, [original[0], 0.0, -2.0 * original[2]]);
        }
    }
}
