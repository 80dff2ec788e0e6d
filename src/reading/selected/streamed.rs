//! Loops for large factors.
//!
//! Where a component's factors lie in memory decides the order: A is walked through row by row, each with all components in
//! it, B component by component, so that both come from memory in one sweep. Of every pair `rank` inner numbers are saved.

use std::ops::Range;

use super::{Loops, Read, Written};
use crate::{
    selection::Group,
    vectors::{self, add_scaled, dot},
};

/// Adds y = x A_c B_c to the outputs of all pairs; returns the inner numbers x A_c.
pub(super) fn forward(loops: &Loops, pairs: usize, input: &[f32], output: &mut [f32]) -> Vec<f32> {
    let mut inner = vec![0.0; pairs * loops.rank];
    vectors::widest(
        #[inline(always)]
        || {
            if loops.transposed {
                loops.times_b_transposed(input, &mut inner);
                loops.times_a_transposed(&inner, output);
            } else {
                loops.times_a(input, &mut inner);
                loops.times_b(&inner, output);
            }
        },
    );
    inner
}

/// Adds the derivatives with respect to factors and inputs.
pub(super) fn backward(loops: &Loops, read: Read, written: Written) {
    let Read { input, inner, output_gradient } = read;
    let Written { input_gradient, a_gradient, b_gradient } = written;
    let mut inner_gradient = vec![0.0; inner.len()];
    vectors::widest(
        #[inline(always)]
        || {
            if loops.transposed {
                loops.add_to_a(output_gradient, inner, a_gradient);
                loops.times_a(output_gradient, &mut inner_gradient);
                loops.add_to_b(&inner_gradient, input, b_gradient);
                input_gradient.into_iter().for_each(|entries| loops.times_b(&inner_gradient, entries));
            } else {
                loops.add_to_b(inner, output_gradient, b_gradient);
                loops.times_b_transposed(output_gradient, &mut inner_gradient);
                loops.add_to_a(input, &inner_gradient, a_gradient);
                input_gradient.into_iter().for_each(|entries| loops.times_a_transposed(&inner_gradient, entries));
            }
        },
    );
}

impl Loops<'_> {
    /// Where in A the row `index` of a component lies.
    #[inline(always)]
    fn a_row_range(&self, group: &Group, index: usize) -> Range<usize> {
        let start = self.a_row(group, index);
        start..start + self.rank
    }

    /// Where in B a component lies.
    #[inline(always)]
    fn b_range(&self, group: &Group) -> Range<usize> {
        let start = self.b_start(group);
        start..start + self.rank * self.d_out
    }

    /// Where in the inner numbers those of a component's pairs lie.
    #[inline(always)]
    fn inner(&self, group: &Group) -> Range<usize> {
        group.pairs.start * self.rank..group.pairs.end * self.rank
    }

    /// inner += x A_c for rows x of the input side.
    #[inline(always)]
    fn times_a(&self, input_side: &[f32], inner: &mut [f32]) {
        for index in 0..self.d_in {
            for group in &self.groups {
                let a_row = &self.a[self.a_row_range(group, index)];
                for (row, inner) in group.rows().zip(inner[self.inner(group)].chunks_exact_mut(self.rank)) {
                    let entry = input_side[row * self.d_in + index];
                    if entry != 0.0 {
                        add_scaled(inner, entry, a_row);
                    }
                }
            }
        }
    }

    /// x += inner A_c^T for rows x of the input side.
    #[inline(always)]
    fn times_a_transposed(&self, inner: &[f32], input_side: &mut [f32]) {
        for index in 0..self.d_in {
            for group in &self.groups {
                let a_row = &self.a[self.a_row_range(group, index)];
                for (row, inner) in group.rows().zip(inner[self.inner(group)].chunks_exact(self.rank)) {
                    input_side[row * self.d_in + index] += dot(a_row, inner);
                }
            }
        }
    }

    /// dA_c += x^T inner for rows x of the input side.
    #[inline(always)]
    fn add_to_a(&self, input_side: &[f32], inner: &[f32], a_gradient: &mut [f32]) {
        for index in 0..self.d_in {
            for group in &self.groups {
                let gradient_row = &mut a_gradient[self.a_row_range(group, index)];
                for (row, inner) in group.rows().zip(inner[self.inner(group)].chunks_exact(self.rank)) {
                    let entry = input_side[row * self.d_in + index];
                    if entry != 0.0 {
                        add_scaled(gradient_row, entry, inner);
                    }
                }
            }
        }
    }

    /// y += inner B_c for rows y of the output side.
    #[inline(always)]
    fn times_b(&self, inner: &[f32], output_side: &mut [f32]) {
        for group in &self.groups {
            let inner = &inner[self.inner(group)];
            for (index, b_row) in self.b[self.b_range(group)].chunks_exact(self.d_out).enumerate() {
                for (row, inner) in group.rows().zip(inner.chunks_exact(self.rank)) {
                    add_scaled(&mut output_side[row * self.d_out..][..self.d_out], inner[index], b_row);
                }
            }
        }
    }

    /// inner = y B_c^T for rows y of the output side.
    #[inline(always)]
    fn times_b_transposed(&self, output_side: &[f32], inner: &mut [f32]) {
        for group in &self.groups {
            let inner = &mut inner[self.inner(group)];
            for (index, b_row) in self.b[self.b_range(group)].chunks_exact(self.d_out).enumerate() {
                for (row, inner) in group.rows().zip(inner.chunks_exact_mut(self.rank)) {
                    inner[index] = dot(&output_side[row * self.d_out..][..self.d_out], b_row);
                }
            }
        }
    }

    /// dB_c += inner^T y for rows y of the output side.
    #[inline(always)]
    fn add_to_b(&self, inner: &[f32], output_side: &[f32], b_gradient: &mut [f32]) {
        for group in &self.groups {
            let inner = &inner[self.inner(group)];
            for (index, gradient_row) in b_gradient[self.b_range(group)].chunks_exact_mut(self.d_out).enumerate() {
                for (row, inner) in group.rows().zip(inner.chunks_exact(self.rank)) {
                    add_scaled(gradient_row, inner[index], &output_side[row * self.d_out..][..self.d_out]);
                }
            }
        }
    }
}
