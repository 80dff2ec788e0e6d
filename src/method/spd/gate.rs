//! From what an importance function puts out to a causal importance.

use schemars::JsonSchema;
use serde::Serialize;
use tch::Tensor;

use crate::settings::{Choice, Variant};

/// What passes outside of [0, 1].
const LEAK: f64 = 0.01;

/// How the output z of an importance function becomes the causal importance g of masks: between 0 and 1 it is z, above 1 it
/// is 1, and the gate says what happens below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// 0; of the derivative a hundredth passes where it asks for a larger importance.
    #[default]
    LeakBackward,
    /// 0.01 z, so that masks go below 0 (arXiv:2506.20790).
    Leaky,
    /// 0, and no derivative passes.
    Hard,
}

impl Choice for Gate {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("leak_backward", Self::LeakBackward),
        Variant::Word("leaky", Self::Leaky),
        Variant::Word("hard", Self::Hard),
    ];
}

impl Gate {
    /// g, of the same shape as `logits`.
    pub fn importances(self, logits: &Tensor) -> Tensor {
        match self {
            Gate::LeakBackward | Gate::Hard => logits.clamp(0.0, 1.0),
            Gate::Leaky => logits.clamp_max(1.0).maximum(&(logits * LEAK)),
        }
    }

    /// The derivative with respect to `logits`, given that of all weighted losses together with respect to g: the rule of
    /// [`Gate::LeakBackward`] depends on the sign of the sum.
    pub fn backward(self, logits: &Tensor, gradient: &Tensor) -> Tensor {
        let nothing = gradient.zeros_like();
        match self {
            Gate::LeakBackward => {
                let leaked = gradient.clamp_max(0.0) * LEAK;
                leaked.where_self(&logits.le(0.0), &gradient.where_self(&logits.le(1.0), &nothing))
            }
            Gate::Leaky => {
                (gradient * LEAK).where_self(&logits.le(0.0), &gradient.where_self(&logits.le(1.0), &nothing))
            }
            Gate::Hard => gradient.where_self(&logits.ge(0.0).logical_and(&logits.le(1.0)), &nothing),
        }
    }
}

/// The importance that the penalty is of: z between 0 and 1, 0 below, and 1 + 0.01 (z - 1) above, so that one above 1 is
/// still drawn down.
pub fn upper(logits: &Tensor) -> Tensor {
    logits.clamp(0.0, 1.0) + (logits - 1.0).clamp_min(0.0) * LEAK
}

/// The derivative of [`upper`], 1 at exactly 0 and at exactly 1.
pub fn upper_slope(logits: &Tensor) -> Tensor {
    let inside = logits.ge(0.0).to_kind(logits.kind());
    inside - logits.gt(1.0).to_kind(logits.kind()) * (1.0 - LEAK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor).unwrap()
    }

    #[test]
    fn below_zero_a_gate_lets_through_what_it_says() {
        let logits = Tensor::from_slice(&[-2.0, 0.0, 0.5, 1.0, 3.0]);
        assert_eq!(numbers(&Gate::LeakBackward.importances(&logits)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!(numbers(&Gate::Hard.importances(&logits)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!(numbers(&Gate::Leaky.importances(&logits)), [-0.02, 0.0, 0.5, 1.0, 1.0]);

        let up = Tensor::from_slice(&[1.0; 5]);
        assert_eq!(numbers(&Gate::LeakBackward.backward(&logits, &up)), [0.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(numbers(&Gate::LeakBackward.backward(&logits, &-&up)), [-0.01, -0.01, -1.0, -1.0, 0.0]);
        assert_eq!(numbers(&Gate::Leaky.backward(&logits, &up)), [0.01, 0.01, 1.0, 1.0, 0.0]);
        assert_eq!(numbers(&Gate::Hard.backward(&logits, &up)), [0.0, 1.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn the_penalised_importance_leaks_above_one() {
        let logits = Tensor::from_slice(&[-1.0, 0.0, 1.0, 3.0]);
        assert_eq!(numbers(&upper(&logits)), [0.0, 0.0, 1.0, 1.02]);
        let slopes = numbers(&upper_slope(&logits));
        assert!(slopes.iter().zip([0.0, 1.0, 1.0, 0.01]).all(|(slope, expected)| (slope - expected).abs() < 1e-12));
    }
}
