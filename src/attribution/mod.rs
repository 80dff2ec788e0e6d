//! Attributions: how much the network's output depends on each component.

mod ablation;
mod activation;
mod gradient;
mod loops;
mod quadrature;

pub use ablation::ablation_attributions;
pub use activation::activation_attributions;
pub use gradient::{by_block, gradient_attributions, integrated_gradient_attributions};
pub use loops::Loops;
pub use quadrature::gauss_legendre;
use schemars::JsonSchema;
use serde::Serialize;
use tch::Tensor;

use crate::{
    components::Components,
    network::Network,
    settings::{Choice, Variant},
    weights::Weights,
};

/// Every way to attribute that the spec can name, `method.apd.attribution`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// The derivative of the outputs along the component (Braun et al. 2025, equation 4).
    #[default]
    Gradient,
    /// What the output of all components loses without the component.
    Ablation,
    /// The size of what the component computes at its sites.
    Activation,
    /// The mean derivative along the component on the straight path from the network without decomposed weights (Braun et al.
    /// 2025, discussion).
    IntegratedGradient {
        /// Number of points of the Gauss-Legendre quadrature along the path.
        points: usize,
    },
}

impl Choice for Attribution {
    /// Eight points: the path is smooth but for the kinks of the activations.
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("gradient", Self::Gradient),
        Variant::Word("ablation", Self::Ablation),
        Variant::Word("activation", Self::Activation),
        Variant::Table("integrated_gradient", |table| Self::IntegratedGradient {
            points: table.number("points").at_least(1).at_most(64).or(8),
        }),
    ];
}

impl Attribution {
    /// A_c(x)^2, [replica, sample, component]. `weights` is where derivatives are taken, or what a path leads to.
    pub fn of(self, network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
        match self {
            Attribution::Gradient => gradient_attributions(network, weights, components, input),
            Attribution::Ablation => ablation_attributions(network, weights, components, input),
            Attribution::Activation => activation_attributions(network, weights, components, input),
            Attribution::IntegratedGradient { points } => {
                integrated_gradient_attributions(network, weights, components, input, points)
            }
        }
    }
}

/// At which weights derivatives are taken, `method.apd.attributions_at`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttributionsAt {
    /// The target's weights.
    #[default]
    Target,
    /// The current sum of the components (Braun et al. 2025, appendix on the toy model of superposition).
    Sum,
}

impl Choice for AttributionsAt {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("target", Self::Target), Variant::Word("sum", Self::Sum)];
}
