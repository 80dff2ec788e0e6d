//! Site products with selected components, touching only the active (sample, component) pairs.
//!
//! A decomposition selects about one component a sample out of dozens: the loops below do that share of the work that
//! [`super::Masked`] does. They run over pairs grouped by component and skip numbers that are zero. Where a component's
//! factors lie in memory decides their order: A is walked through row by row, each with all components in it, B component
//! by component, so that both come from memory in one sweep.

use std::ops::Range;

use tch::Tensor;

use super::{SiteProduct, SiteUse, tape::Forward};
use crate::{
    components::{Components, Factors},
    memory::{slice, slice_mut},
    selection::{ActivePairs, Group},
    vectors::{self, add_scaled, dot},
};

/// Components that are on or off: y = sum over the active c of x A_c B_c. For tensors in main memory.
pub struct Selected<'a> {
    components: &'a Components,
    pairs: &'a ActivePairs,
}

impl<'a> Selected<'a> {
    /// The same pairs at every use of a site.
    pub fn new(components: &'a Components, pairs: &'a ActivePairs) -> Self {
        Self { components, pairs }
    }
}

/// One site's factors as memory, and the pairs that use them. Of a product's two sides, the rows of `input_side` have d_in
/// numbers, those of `output_side` d_out, one row a sample of all replicas; `inner` has `rank` numbers a pair.
struct Loops<'a> {
    groups: Vec<Group<'a>>,
    d_in: usize,
    d_out: usize,
    components: usize,
    rank: usize,
}

impl<'a> Loops<'a> {
    fn new(factors: &Factors, pairs: &'a ActivePairs) -> Self {
        let [_, d_in, components, rank] = factors.a.size()[..] else { panic!("A has four axes") };
        let d_out = factors.b.size()[3];
        let [d_in, d_out, components, rank] = [d_in, d_out, components, rank].map(|length| length as usize);
        Self { groups: pairs.groups().collect(), d_in, d_out, components, rank }
    }

    /// Where in A the row `index` of a component lies.
    #[inline(always)]
    fn a_row(&self, group: &Group, index: usize) -> Range<usize> {
        let start = ((group.replica * self.d_in + index) * self.components + group.component) * self.rank;
        start..start + self.rank
    }

    /// Where in B a component lies, rank rows of d_out.
    #[inline(always)]
    fn b(&self, group: &Group) -> Range<usize> {
        let size = self.rank * self.d_out;
        let start = (group.replica * self.components + group.component) * size;
        start..start + size
    }

    /// Where in the inner numbers those of a component's pairs lie.
    #[inline(always)]
    fn inner(&self, group: &Group) -> Range<usize> {
        group.pairs.start * self.rank..group.pairs.end * self.rank
    }

    /// inner += x A_c for rows x of the input side.
    #[inline(always)]
    fn times_a(&self, a: &[f32], input_side: &[f32], inner: &mut [f32]) {
        for index in 0..self.d_in {
            for group in &self.groups {
                let a_row = &a[self.a_row(group, index)];
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
    fn times_a_transposed(&self, a: &[f32], inner: &[f32], input_side: &mut [f32]) {
        for index in 0..self.d_in {
            for group in &self.groups {
                let a_row = &a[self.a_row(group, index)];
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
                let gradient_row = &mut a_gradient[self.a_row(group, index)];
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
    fn times_b(&self, b: &[f32], inner: &[f32], output_side: &mut [f32]) {
        for group in &self.groups {
            let inner = &inner[self.inner(group)];
            for (index, b_row) in b[self.b(group)].chunks_exact(self.d_out).enumerate() {
                for (row, inner) in group.rows().zip(inner.chunks_exact(self.rank)) {
                    add_scaled(&mut output_side[row * self.d_out..][..self.d_out], inner[index], b_row);
                }
            }
        }
    }

    /// inner = y B_c^T for rows y of the output side.
    #[inline(always)]
    fn times_b_transposed(&self, b: &[f32], output_side: &[f32], inner: &mut [f32]) {
        for group in &self.groups {
            let inner = &mut inner[self.inner(group)];
            for (index, b_row) in b[self.b(group)].chunks_exact(self.d_out).enumerate() {
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
            for (index, gradient_row) in b_gradient[self.b(group)].chunks_exact_mut(self.d_out).enumerate() {
                for (row, inner) in group.rows().zip(inner.chunks_exact(self.rank)) {
                    add_scaled(gradient_row, inner[index], &output_side[row * self.d_out..][..self.d_out]);
                }
            }
        }
    }
}

impl SiteProduct for Selected<'_> {
    /// The inner products, `rank` for every pair.
    type Saved = Vec<f32>;
    type Gradient = Components;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Vec<f32>) {
        let factors = &self.components.factors[site.site];
        let loops = Loops::new(factors, self.pairs);
        let width = if site.transposed { loops.d_in } else { loops.d_out };
        let [replicas, samples, _] = input.size()[..] else { panic!("a value has three axes") };
        let mut output = Tensor::zeros([replicas, samples, width as i64], (input.kind(), input.device()));
        let mut inner = vec![0.0; self.pairs.len() * loops.rank];
        let (a, b, input, output_entries) =
            (slice(&factors.a), slice(&factors.b), slice(input), slice_mut(&mut output));
        vectors::widest(|| {
            if site.transposed {
                loops.times_b_transposed(b, input, &mut inner);
                loops.times_a_transposed(a, &inner, output_entries);
            } else {
                loops.times_a(a, input, &mut inner);
                loops.times_b(b, &inner, output_entries);
            }
        });
        (output, inner)
    }

    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Vec<f32>>,
        output_gradient: &Tensor,
        gradient: &mut Components,
    ) -> Option<Tensor> {
        let factors = &self.components.factors[site.site];
        let loops = Loops::new(factors, self.pairs);
        let mut input_gradient = forward.input_gradient_wanted.then(|| Tensor::zeros_like(forward.input));
        let input_entries = input_gradient.as_mut().map(slice_mut);
        let (a, b, input, inner) = (slice(&factors.a), slice(&factors.b), slice(forward.input), forward.saved);
        let output_gradient = slice(output_gradient);
        let Factors { a: a_gradient, b: b_gradient } = &mut gradient.factors[site.site];
        let (a_gradient, b_gradient) = (slice_mut(a_gradient), slice_mut(b_gradient));
        let mut inner_gradient = vec![0.0; inner.len()];
        vectors::widest(|| {
            if site.transposed {
                loops.add_to_a(output_gradient, inner, a_gradient);
                loops.times_a(a, output_gradient, &mut inner_gradient);
                loops.add_to_b(&inner_gradient, input, b_gradient);
                input_entries.into_iter().for_each(|entries| loops.times_b(b, &inner_gradient, entries));
            } else {
                loops.add_to_b(inner, output_gradient, b_gradient);
                loops.times_b_transposed(b, output_gradient, &mut inner_gradient);
                loops.add_to_a(input, &inner_gradient, a_gradient);
                input_entries.into_iter().for_each(|entries| loops.times_a_transposed(a, &inner_gradient, entries));
            }
        });
        input_gradient
    }
}
