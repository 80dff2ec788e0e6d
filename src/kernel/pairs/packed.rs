//! Loops for small factors.
//!
//! A component's factors are copied next to each other, the rank-one parts innermost and filled up with zeros to whole blocks:
//! then all it takes for a pair stays in the nearest cache, and loops over parts have a length that the compiler knows. So
//! packed, both factors are alike, and a transposed product is the plain one with the two exchanged. Of every pair whole blocks
//! of inner numbers are saved.

use super::{Loops, Read, Written};
use crate::{
    kernel::{
        Kernel,
        simd::{BLOCK, BLOCKS_TOGETHER, Block, add_scaled_blocks, widest},
    },
    selection::Group,
};

/// Blocks of packed factors that stay in the nearest cache beside their derivatives and a few rows.
const BLOCKS_IN_CACHE: usize = 256;

/// How many blocks a component's rank-one parts fill, if its factors are small.
pub(super) fn blocks(loops: &Loops) -> Option<usize> {
    let blocks = loops.rank.div_ceil(BLOCK);
    let is_small = blocks <= BLOCKS_TOGETHER && (loops.d_in + loops.d_out) * blocks <= BLOCKS_IN_CACHE;
    (is_small && Kernel::PackedFactors.is_on()).then_some(blocks)
}

/// Adds y = x A_c B_c to the outputs of all pairs; returns the inner numbers x A_c.
pub(super) fn forward(loops: &Loops, blocks: usize, input: &[f32], output: &mut [f32]) -> Vec<f32> {
    let mut inner = vec![0.0; loops.pairs * blocks * BLOCK];
    widest(
        #[inline(always)]
        || match blocks {
            1 => forward_of::<1>(loops, input, &mut inner, output),
            2 => forward_of::<2>(loops, input, &mut inner, output),
            3 => forward_of::<3>(loops, input, &mut inner, output),
            _ => forward_of::<BLOCKS_TOGETHER>(loops, input, &mut inner, output),
        },
    );
    inner
}

/// Adds the derivatives with respect to factors and inputs.
pub(super) fn backward(loops: &Loops, blocks: usize, read: Read, written: Written) {
    widest(
        #[inline(always)]
        || match blocks {
            1 => backward_of::<1>(loops, read, written),
            2 => backward_of::<2>(loops, read, written),
            3 => backward_of::<3>(loops, read, written),
            _ => backward_of::<BLOCKS_TOGETHER>(loops, read, written),
        },
    );
}

#[inline(always)]
fn forward_of<const BLOCKS: usize>(loops: &Loops, input: &[f32], inner: &mut [f32], output: &mut [f32]) {
    let mut packed = Packed::<BLOCKS>::zeros(loops);
    for group in &loops.groups {
        packed.read(loops, group);
        let (first, second) = packed.sides(loops.transposed);
        for (row, pair) in group.rows().zip(group.pairs.clone()) {
            let x = &input[row * first.len()..][..first.len()];
            let sum = sum_of_rows(x, first);
            inner[pair * BLOCKS * BLOCK..][..BLOCKS * BLOCK].copy_from_slice(sum.as_flattened());
            let y = &mut output[row * second.len()..][..second.len()];
            for (y, row) in y.iter_mut().zip(second) {
                *y += product(&sum, row);
            }
        }
    }
}

#[inline(always)]
fn backward_of<const BLOCKS: usize>(loops: &Loops, read: Read, mut written: Written) {
    let Read { input, inner, output_gradient } = read;
    let (mut packed, mut gradient) = (Packed::<BLOCKS>::zeros(loops), Packed::<BLOCKS>::zeros(loops));
    for group in &loops.groups {
        packed.read(loops, group);
        gradient.clear();
        let (first, second) = packed.sides(loops.transposed);
        let (first_gradient, second_gradient) = gradient.sides_mut(loops.transposed);
        for (row, pair) in group.rows().zip(group.pairs.clone()) {
            let dy = &output_gradient[row * second.len()..][..second.len()];
            let (inner, _) = inner[pair * BLOCKS * BLOCK..][..BLOCKS * BLOCK].as_chunks();
            add_outer(dy, inner, second_gradient);
            let inner_gradient = sum_of_rows(dy, second);
            let x = &input[row * first.len()..][..first.len()];
            add_outer(x, &inner_gradient, first_gradient);
            if let Some(input_gradient) = &mut written.input_gradient {
                let dx = &mut input_gradient[row * first.len()..][..first.len()];
                for (dx, row) in dx.iter_mut().zip(first) {
                    *dx += product(&inner_gradient, row);
                }
            }
        }
        gradient.add_to(loops, group, &mut written);
    }
}

/// x times a matrix of so many rows.
#[inline(always)]
fn sum_of_rows<const BLOCKS: usize>(x: &[f32], rows: &[[Block; BLOCKS]]) -> [Block; BLOCKS] {
    let mut sum = [[0.0; BLOCK]; BLOCKS];
    for (&x, row) in x.iter().zip(rows) {
        if x != 0.0 {
            add_scaled_blocks(&mut sum, x, row);
        }
    }
    sum
}

/// Adds the outer product of a column and a row.
#[inline(always)]
fn add_outer<const BLOCKS: usize>(column: &[f32], row: &[Block], sums: &mut [[Block; BLOCKS]]) {
    for (&entry, sum) in column.iter().zip(sums) {
        if entry != 0.0 {
            add_scaled_blocks(sum, entry, row);
        }
    }
}

/// The inner product of two rows.
#[inline(always)]
fn product<const BLOCKS: usize>(left: &[Block; BLOCKS], right: &[Block; BLOCKS]) -> f32 {
    let mut lanes = [0.0; BLOCK];
    for block in 0..BLOCKS {
        for lane in 0..BLOCK {
            lanes[lane] += left[block][lane] * right[block][lane];
        }
    }
    // By halves, so that few of the sums wait for each other.
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// A component's factors at a site, or their derivatives: A [d_in, rank] and B^T [d_out, rank].
struct Packed<const BLOCKS: usize> {
    a: Vec<[Block; BLOCKS]>,
    b: Vec<[Block; BLOCKS]>,
}

impl<const BLOCKS: usize> Packed<BLOCKS> {
    fn zeros(loops: &Loops) -> Self {
        let rows = |width| vec![[[0.0; BLOCK]; BLOCKS]; width];
        Self { a: rows(loops.d_in), b: rows(loops.d_out) }
    }

    fn clear(&mut self) {
        self.a.as_flattened_mut().fill([0.0; BLOCK]);
        self.b.as_flattened_mut().fill([0.0; BLOCK]);
    }

    /// What an input meets first and what next.
    #[inline(always)]
    fn sides(&self, transposed: bool) -> (&[[Block; BLOCKS]], &[[Block; BLOCKS]]) {
        if transposed { (&self.b, &self.a) } else { (&self.a, &self.b) }
    }

    /// The same, for writing.
    #[inline(always)]
    fn sides_mut(&mut self, transposed: bool) -> (&mut [[Block; BLOCKS]], &mut [[Block; BLOCKS]]) {
        if transposed { (&mut self.b, &mut self.a) } else { (&mut self.a, &mut self.b) }
    }

    #[inline(always)]
    fn read(&mut self, loops: &Loops, group: &Group) {
        for (index, packed) in self.a.iter_mut().enumerate() {
            let row = &loops.a[loops.a_row(group, index)..][..loops.rank];
            packed.as_flattened_mut().iter_mut().zip(row).for_each(|(packed, entry)| *packed = *entry);
        }
        let parts = loops.b[loops.b_start(group)..][..loops.rank * loops.d_out].chunks_exact(loops.d_out);
        for (part, row) in parts.enumerate() {
            self.b.iter_mut().zip(row).for_each(|(packed, entry)| packed.as_flattened_mut()[part] = *entry);
        }
    }

    #[inline(always)]
    fn add_to(&self, loops: &Loops, group: &Group, written: &mut Written) {
        for (index, packed) in self.a.iter().enumerate() {
            let row = &mut written.a_gradient[loops.a_row(group, index)..][..loops.rank];
            row.iter_mut().zip(packed.as_flattened()).for_each(|(entry, packed)| *entry += packed);
        }
        let b_gradient = &mut written.b_gradient[loops.b_start(group)..][..loops.rank * loops.d_out];
        for (part, row) in b_gradient.chunks_exact_mut(loops.d_out).enumerate() {
            row.iter_mut().zip(&self.b).for_each(|(entry, packed)| *entry += packed.as_flattened()[part]);
        }
    }
}
