//! Site products with weighted components whose backward pass gives the derivative with respect to the weights.

use tch::{Kind, Tensor};

use super::{SiteProduct, masked::Masked, tape::Forward};
use crate::{components::Components, graph::SiteUse};

/// As [`Masked`], with the mask in the place of the components as what moves: its gradient is [replica, sample, component].
pub struct MaskDerivative<'a> {
    masked: Masked<'a>,
}

impl<'a> MaskDerivative<'a> {
    /// The same `mask` [replica, sample, component] at every use of a site.
    pub fn new(components: &'a Components, mask: &Tensor) -> Self {
        Self { masked: Masked::new(components, mask) }
    }
}

impl SiteProduct for MaskDerivative<'_> {
    /// The inner products without the mask.
    type Saved = Tensor;
    type Gradient = Tensor;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Tensor) {
        let ordered = self.masked.ordered(site);
        let inner = input.bmm(&ordered.left);
        (self.masked.mask(site, inner.shallow_clone()).bmm(&ordered.right), inner)
    }

    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Tensor>,
        output_gradient: &Tensor,
        gradient: &mut Tensor,
    ) -> Option<Tensor> {
        let ordered = self.masked.ordered(site);
        let inner_gradient = output_gradient.bmm(&ordered.right.mt());
        let mut gradient = self.masked.components.mask_at(site.site, gradient);
        let by_component = (forward.saved * &inner_gradient).unflatten(2, [gradient.size()[2], -1]);
        let _ = gradient.g_add_(&by_component.sum_dim_intlist([3].as_slice(), false, None::<Kind>));
        forward.input_gradient_wanted.then(|| self.masked.mask(site, inner_gradient).bmm(&ordered.left.mt()))
    }
}
