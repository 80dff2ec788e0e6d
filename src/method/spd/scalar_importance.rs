//! Causal-importance functions of one number with one hidden layer, by a loop that stores no hidden activations.

use tch::{Device, Kind, Tensor};

use super::Layer;
use crate::{
    kernel::{Kernel, ScalarMlpGradients, ScalarMlps, simd},
    slices::{slice, slice_mut},
};

/// Whether the loop can run these layers on such numbers of their own, [replica, sample, subcomponent].
pub(super) fn claims(layers: &[Layer], input: &Tensor) -> bool {
    let suits = layers.len() == 2 && input.kind() == Kind::Float && input.device() == Device::Cpu;
    suits && simd::fuses() && Kernel::ScalarMlps.is_on()
}

/// The logits [replica, subcomponent, sample, 1] for such an input, which is contiguous.
pub(super) fn forward(layers: &[Layer], input: &Tensor) -> Tensor {
    let mut logits = input.empty_like();
    perceptrons(layers).forward(slice(input), slice_mut(&mut logits));
    logits
}

/// Adds the derivative with respect to weights and biases to `gradient`; returns that with respect to the input. All are
/// [replica, subcomponent, sample, 1].
pub(super) fn backward(layers: &[Layer], input: &Tensor, logits_gradient: &Tensor, gradient: &mut [Layer]) -> Tensor {
    let mut input_gradient = input.empty_like();
    let [first, second] = gradient else { panic!("there are two layers") };
    let gradients = ScalarMlpGradients {
        first_weight: slice_mut(&mut first.weight),
        first_bias: slice_mut(&mut first.bias),
        second_weight: slice_mut(&mut second.weight),
        second_bias: slice_mut(&mut second.bias),
    };
    let logits_gradient = logits_gradient.contiguous();
    perceptrons(layers).backward(slice(input), slice(&logits_gradient), gradients, slice_mut(&mut input_gradient));
    input_gradient
}

fn perceptrons(layers: &[Layer]) -> ScalarMlps<'_> {
    let [first, second] = layers else { panic!("there are two layers") };
    ScalarMlps {
        width: first.weight.size()[3] as usize,
        first_weight: slice(&first.weight),
        first_bias: slice(&first.bias),
        second_weight: slice(&second.weight),
        second_bias: slice(&second.bias),
    }
}
