//! The L_p form (Braun et al. 2025, appendix): nothing is selected; A_c(x)^p takes the place of s_c(x), and
//! L_m = mean_b sum_c (A_c^2 + 1e-16)^{p/2}.
//!
//! The gradient flows through P_c and not through J. It is the only one that libtorch works out, not we: the form is a
//! variant for comparison.

use tch::Tensor;

use crate::{
    components::{Components, Factors},
    execute::Tangent,
    network::Network,
    weights::Weights,
};

/// Keeps the power differentiable where an attribution vanishes.
const FLOOR: f64 = 1e-16;

/// (A_c^2 + 1e-16)^{p/2}, [replica, sample, component], of `attributions` A_c^2 and `powers` p `[replica]`.
pub fn powers(attributions: &Tensor, powers: &Tensor) -> Tensor {
    (attributions + FLOOR).pow(&(powers * 0.5).view([-1, 1, 1]))
}

/// L_m, `[replica]`, of the [`powers`].
pub fn minimality(powers: &Tensor) -> Tensor {
    powers.sum_dim_intlist([2].as_slice(), false, None).mean_dim([1].as_slice(), false, None)
}

/// Adds to that of the factors the derivative of sum_{b,c} `slope`_c (A_c^2 + 1e-16)^{p/2}, `slope` [replica, component].
#[allow(clippy::too_many_arguments, reason = "all that a derivative is made of")]
pub fn backward(
    network: &Network,
    weights: &Weights,
    components: &Components,
    input: &Tensor,
    attributions: &Tensor,
    powers: &Tensor,
    slope: &Tensor,
    gradient: &mut Components,
) {
    let leaves = components.map(|factor| factor.detach().set_requires_grad(true));
    let tangents = Tangent::new(weights, &leaves).run(&network.graph(), input);
    let half = (powers * 0.5).view([-1, 1, 1]);
    let of_squares = (attributions + FLOOR).pow(&(&half - 1.0)) * half * slope.unsqueeze(1);
    let squares = tangents.square().mean_dim([-1].as_slice(), false, None);
    let total = (squares * of_squares.transpose(1, 2)).sum(None);
    let factors = |components: &Components| -> Vec<Tensor> {
        let both = components.factors.iter().flat_map(|Factors { a, b }| [a, b]);
        both.map(Tensor::shallow_clone).collect()
    };
    let derivatives = Tensor::run_backward(&[total], &factors(&leaves), false, false);
    for (mut sum, derivative) in factors(gradient).into_iter().zip(derivatives) {
        let _ = sum.g_add_(&derivative);
    }
}
