//! The elementwise functions of networks, each with its derivative, for tensors and for single entries.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use schemars::JsonSchema;
use serde::Serialize;
use tch::Tensor;

use super::{Form, Function};
use crate::{
    graph::Value,
    settings::{Choice, Variant},
};

/// libtorch's name for the gelu that is no approximation.
const EXACT: &str = "none";

/// f(x) of every entry x of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activate {
    pub activation: Activation,
    pub input: Value,
}

impl Activate {
    pub(super) fn form(&self) -> Form<'_> {
        Form::Function { inputs: std::slice::from_ref(&self.input), function: &self.activation }
    }
}

impl Function for Activation {
    fn value(&self, inputs: &[&Tensor]) -> Tensor {
        self.of(inputs[0])
    }

    fn backward(&self, inputs: &[&Tensor], output_gradient: &Tensor) -> Vec<Tensor> {
        vec![self.times_slope(inputs[0], output_gradient)]
    }

    /// Chain rule: d(f(x)) = f'(x) dx.
    fn tangents(&self, inputs: &[&Tensor], input_tangents: &[Option<Tensor>]) -> Option<Tensor> {
        input_tangents[0].as_ref().map(|tangents| tangents * self.slope(inputs[0]).unsqueeze(1))
    }

    fn of_entries(&self) -> Option<Activation> {
        Some(*self)
    }
}

/// An elementwise function of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x Phi(x) with the normal distribution Phi(x) = (1 + erf(x / sqrt 2)) / 2 (Hendrycks and Gimpel 2016).
    Gelu,
}

impl Choice for Activation {
    const VARIANTS: &'static [Variant<Self>] = &[Variant::Word("relu", Self::Relu), Variant::Word("gelu", Self::Gelu)];
}

impl Activation {
    /// f(x).
    pub fn of(self, input: &Tensor) -> Tensor {
        match self {
            Activation::Relu => input.relu(),
            Activation::Gelu => input.gelu(EXACT),
        }
    }

    /// f'(x) times the derivative with respect to f(x).
    pub(crate) fn times_slope(self, input: &Tensor, output_gradient: &Tensor) -> Tensor {
        match self {
            Activation::Relu => input.threshold_backward(output_gradient, 0.0),
            Activation::Gelu => input.gelu_backward(output_gradient, EXACT),
        }
    }

    /// f'(x).
    fn slope(self, input: &Tensor) -> Tensor {
        self.times_slope(input, &input.ones_like())
    }

    /// f of one entry.
    pub fn of_entry(self, x: f32) -> f32 {
        match self {
            Activation::Relu => x.max(0.0),
            Activation::Gelu => (f64::from(x) * normal_distribution(x.into())) as f32,
        }
    }

    /// f' of one entry.
    pub fn slope_of_entry(self, x: f32) -> f32 {
        match self {
            Activation::Relu => f32::from(x > 0.0),
            Activation::Gelu => {
                let x = f64::from(x);
                let density = 0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * libm::exp(-0.5 * x * x);
                (normal_distribution(x) + x * density) as f32
            }
        }
    }
}

fn normal_distribution(x: f64) -> f64 {
    0.5 * (1.0 + libm::erf(x * FRAC_1_SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_tensors_agree() {
        let inputs = [-3.0, -0.5, 0.0, 0.25, 2.0_f32];
        let tensor = Tensor::from_slice(&inputs);
        for activation in [Activation::Relu, Activation::Gelu] {
            let (values, slopes) = (activation.of(&tensor), activation.slope(&tensor));
            for (index, &x) in inputs.iter().enumerate() {
                let at = |tensor: &Tensor| tensor.double_value(&[index as i64]) as f32;
                assert!((at(&values) - activation.of_entry(x)).abs() < 1e-6, "{activation:?}({x})");
                assert!((at(&slopes) - activation.slope_of_entry(x)).abs() < 1e-6, "{activation:?}'({x})");
            }
        }
    }
}
