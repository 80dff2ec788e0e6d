//! Loops for large factors.
//!
//! Where a component's factors lie in memory decides the order: A is walked through row by row, each with all components in
//! it, B component by component, so that both come from memory in one sweep. Of every pair `rank` inner numbers are saved.
//!
//! Each loop is spread over threads by what it writes: no entry depends on their number.

use std::ops::Range;

use super::{Loops, Read, Written};
use crate::{
    kernel::{
        simd::{add_scaled, dot, widest},
        threads,
    },
    selection::Group,
};

/// Adds y = x A_c B_c to the outputs of all pairs; returns the inner numbers x A_c.
pub(super) fn forward(loops: &Loops, input: &[f32], output: &mut [f32]) -> Vec<f32> {
    let mut inner = vec![0.0; loops.pairs * loops.rank];
    if loops.transposed {
        loops.times_b_transposed(input, &mut inner);
        loops.times_a_transposed(&inner, output);
    } else {
        loops.times_a(input, &mut inner);
        loops.times_b(&inner, output);
    }
    inner
}

/// Adds the derivatives with respect to factors and inputs.
pub(super) fn backward(loops: &Loops, read: Read, written: Written) {
    let Read { input, inner, output_gradient } = read;
    let Written { input_gradient, a_gradient, b_gradient } = written;
    let mut inner_gradient = vec![0.0; inner.len()];
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
}

/// Some groups, and of an array the part that is theirs and where it begins.
struct Run<'a> {
    groups: &'a [Group<'a>],
    first: usize,
    entries: &'a mut [f32],
}

impl Loops<'_> {
    /// Where the inner numbers of a group's pairs begin.
    #[inline(always)]
    fn inner_start(&self, group: &Group) -> usize {
        group.pairs.start * self.rank
    }

    fn threads(&self) -> usize {
        threads::worth_having(self.groups.len() * self.rank * self.d_in.max(self.d_out))
    }

    /// A run of groups for each thread; `start` is where what a group writes begins.
    fn runs<'a>(&'a self, mut entries: &'a mut [f32], start: impl Fn(&Group) -> usize) -> Vec<Run<'a>> {
        let each = self.groups.len().div_ceil(self.threads()).max(1);
        let end = entries.len();
        let ends = self.groups.chunks(each).skip(1).map(|groups| start(&groups[0])).chain([end]);
        let mut first = 0;
        let runs = self.groups.chunks(each).zip(ends).map(|(groups, end)| {
            let (own, others) = std::mem::take(&mut entries).split_at_mut(end - first);
            entries = others;
            Run { groups, first: std::mem::replace(&mut first, end), entries: own }
        });
        runs.collect()
    }

    /// Cuts a side into as many runs of rows as there are threads, each with the number of its first row.
    fn rows<'a>(&self, side: &'a mut [f32], width: usize) -> impl Iterator<Item = (usize, &'a mut [f32])> {
        let each = (side.len() / width).div_ceil(self.threads()).max(1);
        side.chunks_mut(each * width).enumerate().map(move |(run, rows)| (run * each, rows))
    }

    /// The groups with those of their pairs whose rows lie in a range.
    fn groups_within(&self, rows: Range<usize>) -> Vec<Group<'_>> {
        self.groups.iter().map(|group| group.within(rows.clone())).collect()
    }

    /// inner += x A_c for rows x of the input side.
    fn times_a(&self, input_side: &[f32], inner: &mut [f32]) {
        threads::for_each_part(self.runs(inner, |group| self.inner_start(group)), |Run { groups, first, entries }| {
            widest(
                #[inline(always)]
                || {
                    for index in 0..self.d_in {
                        for group in groups {
                            let a_row = &self.a[self.a_row(group, index)..][..self.rank];
                            let inner = entries[self.inner_start(group) - first..].chunks_exact_mut(self.rank);
                            for (row, inner) in group.rows().zip(inner) {
                                let entry = input_side[row * self.d_in + index];
                                if entry != 0.0 {
                                    add_scaled(inner, entry, a_row);
                                }
                            }
                        }
                    }
                },
            );
        });
    }

    /// x += inner A_c^T for rows x of the input side.
    fn times_a_transposed(&self, inner: &[f32], input_side: &mut [f32]) {
        threads::for_each_part(self.rows(input_side, self.d_in), |(first, rows)| {
            let groups = self.groups_within(first..first + rows.len() / self.d_in);
            widest(
                #[inline(always)]
                || {
                    for index in 0..self.d_in {
                        for group in &groups {
                            let a_row = &self.a[self.a_row(group, index)..][..self.rank];
                            for (row, pair) in group.rows().zip(group.pairs.clone()) {
                                rows[(row - first) * self.d_in + index] += dot(a_row, self.inner_of(inner, pair));
                            }
                        }
                    }
                },
            );
        });
    }

    /// dA_c += x^T inner for rows x of the input side.
    fn add_to_a(&self, input_side: &[f32], inner: &[f32], a_gradient: &mut [f32]) {
        let width = self.components * self.rank;
        threads::for_each_part(self.rows(a_gradient, width), |(first, rows)| {
            widest(
                #[inline(always)]
                || {
                    for (number, gradient_row) in (first..).zip(rows.chunks_exact_mut(width)) {
                        let (replica, index) = (number / self.d_in, number % self.d_in);
                        for group in self.groups.iter().filter(|group| group.replica == replica) {
                            let gradient = &mut gradient_row[group.component * self.rank..][..self.rank];
                            for (row, pair) in group.rows().zip(group.pairs.clone()) {
                                let entry = input_side[row * self.d_in + index];
                                if entry != 0.0 {
                                    add_scaled(gradient, entry, self.inner_of(inner, pair));
                                }
                            }
                        }
                    }
                },
            );
        });
    }

    /// y += inner B_c for rows y of the output side.
    fn times_b(&self, inner: &[f32], output_side: &mut [f32]) {
        threads::for_each_part(self.rows(output_side, self.d_out), |(first, rows)| {
            let groups = self.groups_within(first..first + rows.len() / self.d_out);
            widest(
                #[inline(always)]
                || {
                    for group in &groups {
                        for (index, b_row) in self.b_rows(group).enumerate() {
                            for (row, pair) in group.rows().zip(group.pairs.clone()) {
                                let output = &mut rows[(row - first) * self.d_out..][..self.d_out];
                                add_scaled(output, inner[pair * self.rank + index], b_row);
                            }
                        }
                    }
                },
            );
        });
    }

    /// inner = y B_c^T for rows y of the output side.
    fn times_b_transposed(&self, output_side: &[f32], inner: &mut [f32]) {
        threads::for_each_part(self.runs(inner, |group| self.inner_start(group)), |Run { groups, first, entries }| {
            widest(
                #[inline(always)]
                || {
                    for group in groups {
                        for (index, b_row) in self.b_rows(group).enumerate() {
                            let inner = entries[self.inner_start(group) - first..].chunks_exact_mut(self.rank);
                            for (row, inner) in group.rows().zip(inner) {
                                inner[index] = dot(&output_side[row * self.d_out..][..self.d_out], b_row);
                            }
                        }
                    }
                },
            );
        });
    }

    /// dB_c += inner^T y for rows y of the output side.
    fn add_to_b(&self, inner: &[f32], output_side: &[f32], b_gradient: &mut [f32]) {
        threads::for_each_part(self.runs(b_gradient, |group| self.b_start(group)), |Run { groups, first, entries }| {
            widest(
                #[inline(always)]
                || {
                    for group in groups {
                        let of_component = &mut entries[self.b_start(group) - first..][..self.rank * self.d_out];
                        for (index, gradient_row) in of_component.chunks_exact_mut(self.d_out).enumerate() {
                            for (row, pair) in group.rows().zip(group.pairs.clone()) {
                                let output = &output_side[row * self.d_out..][..self.d_out];
                                add_scaled(gradient_row, inner[pair * self.rank + index], output);
                            }
                        }
                    }
                },
            );
        });
    }

    /// The inner numbers of a pair.
    #[inline(always)]
    fn inner_of<'a>(&self, inner: &'a [f32], pair: usize) -> &'a [f32] {
        &inner[pair * self.rank..][..self.rank]
    }

    /// B_c, row by row.
    #[inline(always)]
    fn b_rows(&self, group: &Group) -> impl Iterator<Item = &[f32]> {
        self.b[self.b_start(group)..][..self.rank * self.d_out].chunks_exact(self.d_out)
    }
}
