//! Site products with selected components, touching only the active (sample, component) pairs.
//!
//! A decomposition selects about one component a sample out of dozens: the loops below do that share of the work that
//! [`super::Masked`] does. They run over pairs grouped by component, so that a component's factors pass once from memory
//! for all its samples, and skip inputs that are zero.

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

/// Where one component's factors lie in the memory of a site's factors.
#[derive(Clone, Copy)]
struct Layout {
    d_in: usize,
    d_out: usize,
    components: usize,
    rank: usize,
}

impl Layout {
    fn of(factors: &Factors) -> Self {
        let [_, d_in, components, rank] = factors.a.size()[..] else { panic!("A has four axes") };
        let d_out = factors.b.size()[3];
        Self { d_in: d_in as usize, d_out: d_out as usize, components: components as usize, rank: rank as usize }
    }

    /// Row `input` of A_c.
    fn a_row(self, replica: usize, input: usize, component: usize) -> std::ops::Range<usize> {
        let start = ((replica * self.d_in + input) * self.components + component) * self.rank;
        start..start + self.rank
    }

    /// B_c, rank rows of d_out.
    fn b(self, replica: usize, component: usize) -> std::ops::Range<usize> {
        let size = self.rank * self.d_out;
        let start = (replica * self.components + component) * size;
        start..start + size
    }
}

impl SiteProduct for Selected<'_> {
    /// The inner products, `rank` for every pair.
    type Saved = Vec<f32>;
    type Gradient = Components;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Vec<f32>) {
        let factors = &self.components.factors[site.site];
        let layout @ Layout { d_in, d_out, rank, .. } = Layout::of(factors);
        let (width_in, width_out) = if site.transposed { (d_out, d_in) } else { (d_in, d_out) };
        let [replicas, samples, _] = input.size()[..] else { panic!("a value has three axes") };
        let mut output = Tensor::zeros([replicas, samples, width_out as i64], (input.kind(), input.device()));
        let mut inner = vec![0.0; self.pairs.len() * rank];
        let (a, b, input) = (slice(&factors.a), slice(&factors.b), slice(input));
        let output_entries = slice_mut(&mut output);
        let mut in_group = |group: Group| {
            let inner = &mut inner[group.pairs.start * rank..group.pairs.end * rank];
            let b_rows = b[layout.b(group.replica, group.component)].chunks_exact(d_out);
            let a_row = |index| &a[layout.a_row(group.replica, index, group.component)];
            if site.transposed {
                for (index, b_row) in b_rows.enumerate() {
                    let inputs = group.rows().map(|row| &input[row * width_in..][..width_in]);
                    for (inner, input) in inner.iter_mut().skip(index).step_by(rank).zip(inputs) {
                        *inner = dot(input, b_row);
                    }
                }
                for index in 0..d_in {
                    for (row, inner) in group.rows().zip(inner.chunks_exact(rank)) {
                        output_entries[row * width_out + index] += dot(a_row(index), inner);
                    }
                }
            } else {
                for index in 0..d_in {
                    let entries = group.rows().map(|row| input[row * width_in + index]);
                    for (inner, entry) in inner.chunks_exact_mut(rank).zip(entries) {
                        if entry != 0.0 {
                            add_scaled(inner, entry, a_row(index));
                        }
                    }
                }
                for (index, b_row) in b_rows.enumerate() {
                    for (row, inner) in group.rows().zip(inner.iter().skip(index).step_by(rank)) {
                        add_scaled(&mut output_entries[row * width_out..][..width_out], *inner, b_row);
                    }
                }
            }
        };
        vectors::widest(|| {
            // Not by for_each, which is compiled apart and so not for the widest vectors.
            for group in self.pairs.groups() {
                in_group(group);
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
        let layout @ Layout { d_in, d_out, rank, .. } = Layout::of(factors);
        let (width_in, width_out) = if site.transposed { (d_out, d_in) } else { (d_in, d_out) };
        let mut input_gradient = forward.input_gradient_wanted.then(|| Tensor::zeros_like(forward.input));
        let mut input_gradient_entries = input_gradient.as_mut().map(slice_mut);
        let (a, b, input) = (slice(&factors.a), slice(&factors.b), slice(forward.input));
        let output_gradient = slice(output_gradient);
        let Factors { a: a_gradient, b: b_gradient } = &mut gradient.factors[site.site];
        let (a_gradient, b_gradient) = (slice_mut(a_gradient), slice_mut(b_gradient));
        let mut inner_gradients = Vec::new();
        let mut in_group = |group: Group| {
            let inner = &forward.saved[group.pairs.start * rank..group.pairs.end * rank];
            inner_gradients.clear();
            inner_gradients.resize(inner.len(), 0.0);
            let b_range = layout.b(group.replica, group.component);
            let b_rows = b[b_range.clone()].chunks_exact(d_out);
            let b_rows = b_rows.zip(b_gradient[b_range].chunks_exact_mut(d_out)).enumerate();
            let a_range = |index| layout.a_row(group.replica, index, group.component);
            let in_row = |row: usize| row * width_in..(row + 1) * width_in;
            let out_row = |row: usize| row * width_out..(row + 1) * width_out;
            if site.transposed {
                for index in 0..d_in {
                    let range = a_range(index);
                    let inner = inner_gradients.chunks_exact_mut(rank).zip(inner.chunks_exact(rank));
                    for ((inner_gradient, inner), row) in inner.zip(group.rows()) {
                        let slope = output_gradient[row * width_out + index];
                        if slope != 0.0 {
                            add_scaled(inner_gradient, slope, &a[range.clone()]);
                            add_scaled(&mut a_gradient[range.clone()], slope, inner);
                        }
                    }
                }
                for (index, (b_row, b_gradient_row)) in b_rows {
                    let slopes = inner_gradients.iter().skip(index).step_by(rank);
                    for (row, &slope) in group.rows().zip(slopes) {
                        add_scaled(b_gradient_row, slope, &input[in_row(row)]);
                        if let Some(entries) = &mut input_gradient_entries {
                            add_scaled(&mut entries[in_row(row)], slope, b_row);
                        }
                    }
                }
            } else {
                for (index, (b_row, b_gradient_row)) in b_rows {
                    let inner = inner_gradients.iter_mut().zip(inner).skip(index).step_by(rank);
                    for (row, (slope, &inner)) in group.rows().zip(inner) {
                        *slope = dot(&output_gradient[out_row(row)], b_row);
                        add_scaled(b_gradient_row, inner, &output_gradient[out_row(row)]);
                    }
                }
                for index in 0..d_in {
                    let range = a_range(index);
                    for (row, inner_gradient) in group.rows().zip(inner_gradients.chunks_exact(rank)) {
                        let entry = input[row * width_in + index];
                        if entry != 0.0 {
                            add_scaled(&mut a_gradient[range.clone()], entry, inner_gradient);
                        }
                        if let Some(entries) = &mut input_gradient_entries {
                            entries[row * width_in + index] += dot(&a[range.clone()], inner_gradient);
                        }
                    }
                }
            }
        };
        vectors::widest(|| {
            for group in self.pairs.groups() {
                in_group(group);
            }
        });
        input_gradient
    }
}
