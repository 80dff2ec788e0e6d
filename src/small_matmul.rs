//! Products of many rows with a small matrix.
//!
//! A library's product is made for large matrices: with a few numbers a row most of its time goes into packing them. The loops
//! here keep a row of the result in registers instead.

use tch::{Kind, Tensor};

use crate::{
    simd::{BLOCK, BLOCKS_TOGETHER, Block, add_scaled, add_scaled_blocks, widest},
    slices::{slice, slice_mut},
    threads,
};

/// Entries of a matrix up to which it is small.
const SMALL: i64 = 1 << 9;

/// The product of matrices, [replica, row, d_in] times [replica, d_in, d_out].
pub fn product(left: &Tensor, right: &Tensor) -> Tensor {
    let [replicas, rows, d_in] = left.size()[..] else { panic!("a product has three axes") };
    let d_out = right.size()[2];
    if !in_loops(left) || d_in * d_out > SMALL || !threads::fits_a_core(rows * d_in.max(d_out)) {
        return left.bmm(right);
    }
    let (left, right) = (left.contiguous(), right.contiguous());
    let mut output = Tensor::empty([replicas, rows, d_out], (left.kind(), left.device()));
    let [rows, d_in, d_out] = [rows, d_in, d_out].map(|length| length as usize);
    let replicas = slice(&left).chunks_exact(rows * d_in).zip(slice(&right).chunks_exact(d_in * d_out));
    for ((left, right), output) in replicas.zip(slice_mut(&mut output).chunks_exact_mut(rows * d_out)) {
        let blocks = d_out.div_ceil(BLOCK);
        let mut matrix = vec![[0.0; BLOCK]; d_in * blocks];
        for (filled, row) in matrix.chunks_exact_mut(blocks).zip(right.chunks_exact(d_out)) {
            filled.as_flattened_mut()[..d_out].copy_from_slice(row);
        }
        widest(
            #[inline(always)]
            || {
                let mut start = 0;
                for row in left.chunks_exact(d_in) {
                    row_times(row, &matrix, blocks, &mut output[start..], d_out);
                    start += d_out;
                }
            },
        );
    }
    output
}

/// Writes the product of a row with a matrix of rows of `blocks` to the first `d_out` entries of `output`. Entries behind them
/// may be written too: whole blocks are written faster than parts of them.
#[inline(always)]
fn row_times(row: &[f32], matrix: &[Block], blocks: usize, output: &mut [f32], d_out: usize) {
    let mut start = 0;
    while start < blocks {
        start += match blocks - start {
            1 => some_blocks::<1>(row, matrix, blocks, start, output, d_out),
            2 => some_blocks::<2>(row, matrix, blocks, start, output, d_out),
            3 => some_blocks::<3>(row, matrix, blocks, start, output, d_out),
            _ => some_blocks::<BLOCKS_TOGETHER>(row, matrix, blocks, start, output, d_out),
        };
    }
}

/// [`row_times`] for so many blocks from `start` on; returns their number.
#[inline(always)]
fn some_blocks<const BLOCKS: usize>(
    row: &[f32],
    matrix: &[Block],
    blocks: usize,
    start: usize,
    output: &mut [f32],
    d_out: usize,
) -> usize {
    let mut sums = [[0.0; BLOCK]; BLOCKS];
    for (&entry, matrix) in row.iter().zip(matrix.chunks_exact(blocks)) {
        add_scaled_blocks(&mut sums, entry, &matrix[start..]);
    }
    let (output, width) = (&mut output[start * BLOCK..], d_out - start * BLOCK);
    match output.as_chunks_mut().0.first_chunk_mut::<BLOCKS>() {
        Some(whole) => *whole = sums,
        None => output[..width].copy_from_slice(&sums.as_flattened()[..width]),
    }
    BLOCKS
}

/// A matrix with a row added to each of its own, [replica, row, d_out] and [replica, 1, d_out].
pub fn plus_row(matrix: &Tensor, row: &Tensor) -> Tensor {
    if !in_loops(matrix) {
        return matrix + row;
    }
    let mut sum = matrix.copy();
    add_row(&mut sum, row);
    sum
}

/// Adds a row to every row of a matrix, as [`plus_row`].
pub fn add_row(matrix: &mut Tensor, row: &Tensor) {
    let [_, rows, d_out] = matrix.size()[..] else { panic!("a value has three axes") };
    if !in_loops(matrix) || !matrix.is_contiguous() || !threads::fits_a_core(rows * d_out) {
        let _ = matrix.g_add_(row);
        return;
    }
    let row = row.contiguous();
    let [rows, d_out] = [rows, d_out].map(|length| length as usize);
    for (matrix, row) in slice_mut(matrix).chunks_exact_mut(rows * d_out).zip(slice(&row).chunks_exact(d_out)) {
        // Rows together that are as long as whole blocks.
        let rows = row.repeat(BLOCK);
        widest(
            #[inline(always)]
            || {
                for matrix in matrix.chunks_mut(rows.len()) {
                    add_scaled(matrix, 1.0, &rows);
                }
            },
        );
    }
}

/// Whether a tensor can be walked through in loops of ours.
fn in_loops(tensor: &Tensor) -> bool {
    !tensor.device().is_cuda() && tensor.kind() == Kind::Float
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slices::tensor_from;

    /// With entries that sum exactly.
    fn matrices(replicas: i64, rows: i64, width: i64) -> Tensor {
        let numbers = (0..replicas * rows * width).map(|index| (index * index % 7) as f32 - 3.0);
        tensor_from(&[replicas, rows, width], numbers)
    }

    #[test]
    fn products_are_those_of_the_library() {
        for d_out in [1, 2, 5, 8, 9, 17, 24, 40] {
            for (rows, d_in) in [(1, 1), (3, 5), (11, 12)] {
                let (left, right) = (matrices(2, rows, d_in), matrices(2, d_in, d_out));
                assert_eq!(product(&left, &right), left.bmm(&right), "{rows} x {d_in} x {d_out}");
                let transposed = right.mt().contiguous().mt();
                assert_eq!(product(&left, &transposed), left.bmm(&right), "{rows} x {d_in} x {d_out}, transposed");
            }
        }
    }

    #[test]
    fn a_row_is_added_to_every_row_of_its_replica() {
        for (rows, width) in [(1, 1), (3, 5), (40, 9)] {
            let (matrix, row) = (matrices(2, rows, width), matrices(2, 1, width));
            assert_eq!(plus_row(&matrix, &row), &matrix + &row, "{rows} x {width}");
        }
    }
}
