//! Site products with selected components, touching only the active (sample, component) pairs.
//!
//! A decomposition selects about one component a sample out of dozens: the loops below do that share of the work that
//! [`super::Masked`] does. They run over pairs grouped by component and skip numbers that are zero.

mod packed;
mod streamed;

use tch::Tensor;

use super::{SiteProduct, SiteUse, tape::Forward};
use crate::{
    components::{Components, Factors},
    memory::{slice, slice_mut},
    selection::{ActivePairs, Group},
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

/// One site's factors as memory, and the pairs that use them. Of a product's two sides, the rows of the input side have d_in
/// numbers, those of the output side d_out, one row a sample of all replicas; in a transposed product they change places.
struct Loops<'a> {
    groups: Vec<Group<'a>>,
    d_in: usize,
    d_out: usize,
    components: usize,
    rank: usize,
    transposed: bool,
    /// A.
    a: &'a [f32],
    /// B.
    b: &'a [f32],
}

/// What a backward pass reads.
struct Read<'a> {
    input: &'a [f32],
    /// What the forward pass has saved of every pair.
    inner: &'a [f32],
    output_gradient: &'a [f32],
}

/// What it adds to.
struct Written<'a> {
    input_gradient: Option<&'a mut [f32]>,
    a_gradient: &'a mut [f32],
    b_gradient: &'a mut [f32],
}

impl<'a> Loops<'a> {
    fn new(factors: &'a Factors, pairs: &'a ActivePairs, transposed: bool) -> Self {
        let [_, d_in, components, rank] = factors.a.size()[..] else { panic!("A has four axes") };
        let d_out = factors.b.size()[3];
        let [d_in, d_out, components, rank] = [d_in, d_out, components, rank].map(|length| length as usize);
        let (a, b) = (slice(&factors.a), slice(&factors.b));
        Self { groups: pairs.groups().collect(), d_in, d_out, components, rank, transposed, a, b }
    }

    /// Where in A the row `index` of a component begins.
    #[inline(always)]
    fn a_row(&self, group: &Group, index: usize) -> usize {
        ((group.replica * self.d_in + index) * self.components + group.component) * self.rank
    }

    /// Where in B a component begins, rank rows of d_out.
    #[inline(always)]
    fn b_start(&self, group: &Group) -> usize {
        (group.replica * self.components + group.component) * self.rank * self.d_out
    }
}

impl SiteProduct for Selected<'_> {
    /// The inner products, `rank` or more for every pair.
    type Saved = Vec<f32>;
    type Gradient = Components;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Vec<f32>) {
        let loops = Loops::new(&self.components.factors[site.site], self.pairs, site.transposed);
        let width = if site.transposed { loops.d_in } else { loops.d_out };
        let [replicas, samples, _] = input.size()[..] else { panic!("a value has three axes") };
        let mut output = Tensor::zeros([replicas, samples, width as i64], (input.kind(), input.device()));
        let (entries, pairs) = (slice_mut(&mut output), self.pairs.len());
        let inner = match packed::blocks(&loops) {
            Some(blocks) => packed::forward(&loops, blocks, pairs, slice(input), entries),
            None => streamed::forward(&loops, pairs, slice(input), entries),
        };
        (output, inner)
    }

    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Vec<f32>>,
        output_gradient: &Tensor,
        gradient: &mut Components,
    ) -> Option<Tensor> {
        let loops = Loops::new(&self.components.factors[site.site], self.pairs, site.transposed);
        let mut input_gradient = forward.input_gradient_wanted.then(|| Tensor::zeros_like(forward.input));
        let read = Read { input: slice(forward.input), inner: forward.saved, output_gradient: slice(output_gradient) };
        let Factors { a, b } = &mut gradient.factors[site.site];
        let written = Written {
            input_gradient: input_gradient.as_mut().map(slice_mut),
            a_gradient: slice_mut(a),
            b_gradient: slice_mut(b),
        };
        match packed::blocks(&loops) {
            Some(blocks) => packed::backward(&loops, blocks, read, written),
            None => streamed::backward(&loops, read, written),
        }
        input_gradient
    }
}
