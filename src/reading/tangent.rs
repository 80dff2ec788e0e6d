//! The reading that carries, beside every value, its derivative along every component.
//!
//! J(x) P_c is the directional derivative of the network's output along component c: one forward sweep with a tangent a
//! component replaces one backward pass an output.

use std::cell::OnceCell;

use tch::Tensor;

use super::{Activation, BiasIndex, Reading, SiteUse};
use crate::{
    components::Components,
    network::Weights,
    site::{PerSite, SiteIndex},
};

/// A value and its derivatives along every component.
#[derive(Debug)]
pub struct WithTangents {
    /// [replica, sample, width].
    pub value: Tensor,
    /// [replica, sample, component, width]; `None` before the first site, where all are zero.
    pub tangents: Option<Tensor>,
}

impl WithTangents {
    /// A network's input, which no parameter moves.
    pub fn input(value: Tensor) -> Self {
        Self { value, tangents: None }
    }
}

/// The matrices P_c of every site, ready for one product over all components. Made once, used for every block of
/// samples.
pub struct TangentMatrices<'a> {
    weights: &'a Weights,
    components: &'a Components,
    plain: PerSite<OnceCell<Tensor>>,
    transposed: PerSite<OnceCell<Tensor>>,
}

impl<'a> TangentMatrices<'a> {
    /// Derivatives at `weights` along `components`.
    pub fn new(weights: &'a Weights, components: &'a Components) -> Self {
        let plain = components.factors.map(|_| OnceCell::new());
        let transposed = components.factors.map(|_| OnceCell::new());
        Self { weights, components, plain, transposed }
    }

    /// P_c side by side, [replica, d_in, component * d_out] as the site is used.
    fn side_by_side(&self, site: SiteUse) -> &Tensor {
        let cells = if site.transposed { &self.transposed } else { &self.plain };
        cells[site.site].get_or_init(|| {
            let matrices = self.components.factors[site.site].matrices();
            let order = if site.transposed { [0, 3, 1, 2] } else { [0, 2, 1, 3] };
            matrices.permute(order).flatten(2, 3).contiguous()
        })
    }

    fn matrix(&self, SiteUse { site, transposed }: SiteUse) -> Tensor {
        let matrix: &Tensor = &self.weights.sites[SiteIndex(site.0)];
        if transposed { matrix.mt() } else { matrix.shallow_clone() }
    }
}

/// Reads a forward pass as its derivatives along all components.
pub struct Tangent<'a> {
    matrices: &'a TangentMatrices<'a>,
}

impl<'a> Tangent<'a> {
    pub fn new(matrices: &'a TangentMatrices<'a>) -> Self {
        Self { matrices }
    }
}

impl Reading for Tangent<'_> {
    type Value = WithTangents;

    /// Product rule: d(x W) = x P_c + dx W.
    fn apply(&mut self, site: impl Into<SiteUse>, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let site = site.into();
        let matrix = self.matrices.matrix(site);
        let by_component =
            value.bmm(self.matrices.side_by_side(site)).unflatten(2, [self.matrices.components.number(), -1]);
        if let Some(tangents) = tangents {
            let _ = by_component.flatten(1, 2).baddbmm_(&tangents.flatten(1, 2), &matrix);
        }
        WithTangents { value: value.bmm(&matrix), tangents: Some(by_component) }
    }

    /// A bias is no component's.
    fn add_bias(&mut self, bias: BiasIndex, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        WithTangents { value: value + self.matrices.weights.biases[bias.0].unsqueeze(1), tangents }
    }

    /// Chain rule: d(f(x)) = f'(x) dx.
    fn activate(&mut self, activation: Activation, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let (value, slope) = match activation {
            Activation::Relu => (value.relu(), value.gt(0.0).to_kind(value.kind())),
        };
        WithTangents { value, tangents: tangents.map(|mut tangents| tangents.g_mul_(&slope.unsqueeze(2))) }
    }
}
