//! Site products with selected components, touching only the active (sample, component) pairs.
//!
//! A decomposition selects about one component a sample out of dozens: the loops below do that share of the work that
//! [`super::Masked`] does. They run over pairs grouped by component and skip inputs that are zero.

use tch::Tensor;

use super::{SiteProduct, SiteUse, tape::Forward};
use crate::{
    components::{Components, Factors},
    memory::{slice, slice_mut},
    selection::ActivePairs,
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

/// sum += factor * row.
fn add_scaled(sum: &mut [f32], factor: f32, row: &[f32]) {
    for (sum, entry) in sum.iter_mut().zip(row) {
        *sum += factor * entry;
    }
}

/// Long rows are summed in lanes, which a processor does side by side; a short one is over before that pays.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    const LANES: usize = 16;
    const LONG: usize = 64;
    let in_turn =
        |left: &[f32], right: &[f32]| -> f32 { left.iter().zip(right).map(|(left, right)| left * right).sum() };
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
        for (pair, replica, component, row) in self.pairs.iter() {
            let input = &input[row * width_in..][..width_in];
            let output = &mut output_entries[row * width_out..][..width_out];
            let inner = &mut inner[pair * rank..][..rank];
            let b_rows = b[layout.b(replica, component)].chunks_exact(d_out);
            if site.transposed {
                inner.iter_mut().zip(b_rows).for_each(|(inner, b_row)| *inner = dot(input, b_row));
                for (index, output) in output.iter_mut().enumerate() {
                    *output += dot(&a[layout.a_row(replica, index, component)], inner);
                }
            } else {
                for (index, &entry) in input.iter().enumerate().filter(|(_, entry)| **entry != 0.0) {
                    add_scaled(inner, entry, &a[layout.a_row(replica, index, component)]);
                }
                inner.iter().zip(b_rows).for_each(|(&inner, b_row)| add_scaled(output, inner, b_row));
            }
        }
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
        let mut inner_gradient = vec![0.0; rank];
        for (pair, replica, component, row) in self.pairs.iter() {
            let input = &input[row * width_in..][..width_in];
            let output_gradient = &output_gradient[row * width_out..][..width_out];
            let inner = &forward.saved[pair * rank..][..rank];
            let b_range = layout.b(replica, component);
            let b_rows = b[b_range.clone()].chunks_exact(d_out);
            let b_gradient_rows = b_gradient[b_range].chunks_exact_mut(d_out);
            if site.transposed {
                inner_gradient.fill(0.0);
                for (index, &slope) in output_gradient.iter().enumerate().filter(|(_, slope)| **slope != 0.0) {
                    let range = layout.a_row(replica, index, component);
                    add_scaled(&mut inner_gradient, slope, &a[range.clone()]);
                    add_scaled(&mut a_gradient[range], slope, inner);
                }
                for (&slope, b_gradient_row) in inner_gradient.iter().zip(b_gradient_rows) {
                    add_scaled(b_gradient_row, slope, input);
                }
                if let Some(entries) = &mut input_gradient_entries {
                    let row = &mut entries[row * width_in..][..width_in];
                    inner_gradient.iter().zip(b_rows).for_each(|(&slope, b_row)| add_scaled(row, slope, b_row));
                }
            } else {
                for ((slope, b_row), (&inner, b_gradient_row)) in
                    inner_gradient.iter_mut().zip(b_rows).zip(inner.iter().zip(b_gradient_rows))
                {
                    *slope = dot(output_gradient, b_row);
                    add_scaled(b_gradient_row, inner, output_gradient);
                }
                for (index, &entry) in input.iter().enumerate().filter(|(_, entry)| **entry != 0.0) {
                    add_scaled(&mut a_gradient[layout.a_row(replica, index, component)], entry, &inner_gradient);
                }
                if let Some(entries) = &mut input_gradient_entries {
                    for (index, slope) in entries[row * width_in..][..width_in].iter_mut().enumerate() {
                        *slope += dot(&a[layout.a_row(replica, index, component)], &inner_gradient);
                    }
                }
            }
        }
        input_gradient
    }
}
