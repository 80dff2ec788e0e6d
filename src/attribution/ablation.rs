//! Attributions by taking one component away.

use tch::Tensor;

use crate::{
    components::Components,
    execute::{Masked, Tape},
    network::Network,
    weights::Weights,
};

/// A_c(x)^2 = mean_o (f_o(x | sum_c' P_c') - f_o(x | sum_{c' != c} P_c'))^2, [replica, sample, component]: what the output
/// of all components loses with c. One pass a component.
pub fn ablation_attributions(network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
    let [replicas, samples, _] = input.size()[..] else { panic!("an input has three axes") };
    let ones = Tensor::ones([replicas, samples, components.number()], (input.kind(), input.device()));
    let output = |mask: &Tensor| {
        Tape::new(network.graph(), Masked::new(components, mask), weights, input).output().shallow_clone()
    };
    let all = output(&ones);
    let lost = |component: i64| {
        let mask = ones.copy();
        let _ = mask.select(2, component).zero_();
        (output(&mask) - &all).square().mean_dim([-1].as_slice(), false, None)
    };
    Tensor::stack(&(0..components.number()).map(lost).collect::<Vec<_>>(), 2)
}
