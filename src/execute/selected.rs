//! Site products with selected components, touching only the active (sample, component) pairs.
//!
//! A decomposition selects about one component a sample out of dozens: the loops of [`crate::kernel`] do that share of the work
//! that [`super::Masked`] does.

use tch::Tensor;

use super::{SiteProduct, tape::Forward};
use crate::{
    components::{Components, Factors},
    graph::SiteUse,
    kernel::pairs::{Loops, Read, Written},
    selection::ActivePairs,
    slices::{slice, slice_mut},
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

    fn loops(&self, site: SiteUse) -> Loops<'_> {
        let Factors { a, b } = &self.components.factors[site.site];
        Loops::new(a, b, self.pairs, site.transposed)
    }
}

impl SiteProduct for Selected<'_> {
    /// The inner products, `rank` or more for every pair.
    type Saved = Vec<f32>;
    type Gradient = Components;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Vec<f32>) {
        let loops = self.loops(site);
        let [replicas, samples, _] = input.size()[..] else { panic!("a value has three axes") };
        let shape = [replicas, samples, loops.output_width() as i64];
        let mut output = Tensor::zeros(shape, (input.kind(), input.device()));
        let inner = loops.forward(slice(input), slice_mut(&mut output));
        (output, inner)
    }

    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Vec<f32>>,
        output_gradient: &Tensor,
        gradient: &mut Components,
    ) -> Option<Tensor> {
        let mut input_gradient = forward.input_gradient_wanted.then(|| Tensor::zeros_like(forward.input));
        let read = Read { input: slice(forward.input), inner: forward.saved, output_gradient: slice(output_gradient) };
        let Factors { a, b } = &mut gradient.factors[site.site];
        let written = Written {
            input_gradient: input_gradient.as_mut().map(slice_mut),
            a_gradient: slice_mut(a),
            b_gradient: slice_mut(b),
        };
        self.loops(site).backward(read, written);
        input_gradient
    }
}
