//! Site products with the network's own weights.

use tch::Tensor;

use super::{BiasIndex, EmbeddingIndex, SiteProduct, SiteUse, tape::Forward};
use crate::network::Weights;

/// The network as it is: y = x W.
pub struct Dense<'a> {
    weights: &'a Weights,
}

impl<'a> Dense<'a> {
    pub fn new(weights: &'a Weights) -> Self {
        Self { weights }
    }

    /// The site's matrix as it is used, [replica, d_in, d_out] or its transpose.
    fn matrix(&self, site: SiteUse) -> Tensor {
        let matrix = &self.weights.sites[site.site];
        if site.transposed { matrix.mt() } else { matrix.shallow_clone() }
    }
}

impl SiteProduct for Dense<'_> {
    const MOVES_ALL: bool = true;
    type Saved = ();
    type Gradient = Weights;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, ()) {
        (input.bmm(&self.matrix(site)), ())
    }

    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, ()>,
        output_gradient: &Tensor,
        gradient: &mut Weights,
    ) -> Option<Tensor> {
        let (input, matrix_gradient) = (forward.input, &mut gradient.sites[site.site]);
        let _ = if site.transposed {
            matrix_gradient.baddbmm_(&output_gradient.mt(), input)
        } else {
            matrix_gradient.baddbmm_(&input.mt(), output_gradient)
        };
        forward.input_gradient_wanted.then(|| output_gradient.bmm(&self.matrix(site).mt()))
    }

    fn backward_embedding(
        &self,
        embedding: EmbeddingIndex,
        input: &Tensor,
        output_gradient: &Tensor,
        gradient: &mut Weights,
    ) {
        let _ = gradient.embeddings[embedding.0].baddbmm_(&input.mt(), output_gradient);
    }

    fn backward_bias(&self, bias: BiasIndex, output_gradient: &Tensor, gradient: &mut Weights) {
        let sum = output_gradient.sum_dim_intlist([1].as_slice(), false, None);
        let _ = gradient.biases[bias.0].g_add_(&sum);
    }
}
