//! Attributions by the size of what each component computes.

use tch::Tensor;

use crate::{
    components::{Components, Factors},
    execute::{Masked, Tape},
    network::Network,
    weights::Weights,
};

/// A_c(x)^2 = sum over the uses of sites of |v P_c|^2, with v what enters the site in the pass with all components;
/// [replica, sample, component].
pub fn activation_attributions(
    network: &Network,
    weights: &Weights,
    components: &Components,
    input: &Tensor,
) -> Tensor {
    let tape = Tape::new(network.graph(), Masked::all(components, input), weights, input);
    let squares = tape.site_uses().map(|(site, input)| {
        let Factors { a, b } = &components.factors[site.site];
        // The factors as [replica, component, width of v, rank] and [replica, component, rank, width of v P].
        let (left, right) = (a.transpose(1, 2), b);
        let (left, right) = if site.transposed { (right.mt(), left.mt()) } else { (left, right.shallow_clone()) };
        // |u R|^2 = u (R R^T) u^T with u = v L: nothing is as wide as v P.
        let inner = input.unsqueeze(1).matmul(&left);
        let squares = inner.matmul(&right.matmul(&right.mt())) * inner;
        squares.sum_dim_intlist([-1].as_slice(), false, None).transpose(1, 2)
    });
    squares.reduce(|sum, squares| sum + squares).expect("a network applies a site")
}
