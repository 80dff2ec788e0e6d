//! Site products with components weighted by numbers: the form that is a few large products whatever the mask.

use tch::Tensor;

use super::{SiteProduct, tape::Forward};
use crate::{
    components::{Components, Factors},
    graph::SiteUse,
};

/// Components weighted sample by sample: y = sum_c mask_c(x) x A_c B_c. Shapes do not depend on the mask.
pub struct Masked<'a> {
    pub(super) components: &'a Components,
    /// [replica, sample, component].
    mask: Tensor,
}

/// A component's factors in the order of their use: y = (x L) R. Both are views.
pub(super) struct Ordered {
    /// [replica, width of x, component * rank]
    pub left: Tensor,
    /// [replica, component * rank, width of y]
    pub right: Tensor,
}

impl<'a> Masked<'a> {
    /// The same `mask` [replica, sample, component] at every use of a site.
    pub fn new(components: &'a Components, mask: &Tensor) -> Self {
        Self { components, mask: mask.shallow_clone() }
    }

    /// All components at full weight on every sample of `input` [replica, sample, feature].
    pub fn all(components: &'a Components, input: &Tensor) -> Self {
        let shape = [input.size()[0], input.size()[1], components.number()];
        Self { components, mask: Tensor::ones(shape, (input.kind(), input.device())) }
    }

    pub(super) fn ordered(&self, site: SiteUse) -> Ordered {
        let Factors { a, b } = &self.components.factors[site.site];
        let (a, b) = (a.flatten(2, 3), b.flatten(1, 2));
        if site.transposed { Ordered { left: b.mt(), right: a.mt() } } else { Ordered { left: a, right: b } }
    }

    /// Inner products [replica, sample, component * rank] of those that live at the site, times their mask.
    pub(super) fn mask(&self, site: SiteUse, inner: Tensor) -> Tensor {
        let mask = self.components.mask_at(site.site, &self.mask);
        let by_component = inner.unflatten(2, [mask.size()[2], -1]);
        (by_component * mask.unsqueeze(-1)).flatten(2, 3)
    }
}

impl SiteProduct for Masked<'_> {
    /// The masked inner products.
    type Saved = Tensor;
    type Gradient = Components;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Tensor) {
        let Ordered { left, right } = self.ordered(site);
        let inner = self.mask(site, input.bmm(&left));
        (inner.bmm(&right), inner)
    }

    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Tensor>,
        output_gradient: &Tensor,
        gradient: &mut Components,
    ) -> Option<Tensor> {
        let Ordered { left, right } = self.ordered(site);
        let (input, inner) = (forward.input, forward.saved);
        let inner_gradient = self.mask(site, output_gradient.bmm(&right.mt()));
        let Factors { a, b } = &mut gradient.factors[site.site];
        let (mut a, mut b) = (a.flatten(2, 3), b.flatten(1, 2));
        if site.transposed {
            let _ = b.baddbmm_(&inner_gradient.mt(), input);
            let _ = a.baddbmm_(&output_gradient.mt(), inner);
        } else {
            let _ = a.baddbmm_(&input.mt(), &inner_gradient);
            let _ = b.baddbmm_(&inner.mt(), output_gradient);
        }
        forward.input_gradient_wanted.then(|| inner_gradient.bmm(&left.mt()))
    }
}
