//! Subcomponents as the uses of decomposed matrices see them.

use tch::Tensor;

use crate::{
    components::{Components, Factors},
    graph::SiteUse,
};

/// The subcomponents of one use: x W is about sum_c (x V_c) U_c. Both are views of factors that the components keep.
#[derive(Debug)]
pub struct UseFactors {
    /// [replica, d_in, subcomponent].
    pub v: Tensor,
    /// [replica, subcomponent, d_out].
    pub u: Tensor,
}

impl UseFactors {
    /// Those of `components` of rank one at `site_use`; transposed, V and U change places.
    pub fn new(components: &Components, site_use: SiteUse) -> Self {
        let Factors { a, b } = &components.factors[site_use.site];
        let (v, u) = (a.squeeze_dim(3), b.squeeze_dim(2));
        if site_use.transposed { Self { v: u.mt(), u: v.mt() } } else { Self { v, u } }
    }

    /// Number of subcomponents.
    pub fn number(&self) -> i64 {
        self.v.size()[2]
    }

    pub fn shallow_clone(&self) -> Self {
        Self { v: self.v.shallow_clone(), u: self.u.shallow_clone() }
    }
}
