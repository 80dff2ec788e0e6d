//! Whether inactive components are inactive: what it costs to switch them on and off (the scrubbing of Braun et al. 2025,
//! section 3.2, without a word on which features a component serves).

use rand::{RngExt, rngs::ChaCha8Rng};
use tch::{Kind, Tensor};

use super::{Partial, partial::squared_errors};
use crate::slices::tensor_from;

/// Mean squared errors to the target's output with the active components and some of the inactive ones, as shares of the
/// error without any component. If inactive components do nothing where they are inactive, both are as small as the error
/// with the active ones alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ablation {
    /// Every inactive component is ablated with probability 1/2, drawn for each sample.
    pub random: f64,
    /// On each sample the inactive components are ablated or kept by the sign of the error's derivative with respect to
    /// their weights, all of them at 1/2: as a linear approximation does most harm. A lower bound of the worst case.
    pub by_gradient: f64,
}

/// `active` [1, sample, candidate] names the active components on each sample of `input` [1, sample, feature] by ones. `None`
/// where the error without components is zero or no number.
pub fn ablate_inactive(
    partial: &Partial,
    input: &Tensor,
    active: &Tensor,
    generator: &mut ChaCha8Rng,
) -> Option<Ablation> {
    let target = partial.target_output(input);
    let error = |output: &Tensor| squared_errors(output, &target).mean(Kind::Double).double_value(&[]);
    let none = error(&partial.output_without(input));
    if !(none.is_finite() && none > 0.0) {
        return None;
    }
    let share = |mask: &Tensor| error(&partial.output(mask, input)) / none;
    let coins = (0..active.numel()).map(|_| if generator.random::<bool>() { 1.0_f32 } else { 0.0 });
    let drawn = tensor_from(&active.size(), coins).to_device(active.device());
    let halfway = active + (1.0 - active) * 0.5;
    let derivative = partial.error_derivative(&halfway, input, &target);
    let harmful = derivative.gt(0.0).to_kind(active.kind());
    Some(Ablation { random: share(&active.maximum(&drawn)), by_gradient: share(&active.maximum(&harmful)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metric::tiny,
        random::{Purpose, stream},
    };

    fn ablation(active: [f32; 4], input: [f32; 2]) -> Option<Ablation> {
        let tiny = tiny::residual_mlp();
        let active = Tensor::from_slice(&active).view([1, 1, 4]).repeat([1, 64, 1]);
        let input = Tensor::from_slice(&input).view([1, 1, 2]).repeat([1, 64, 1]);
        ablate_inactive(&tiny.partial(), &input, &active, &mut stream(1, Purpose::Scrubbing, 0))
    }

    #[test]
    fn components_of_other_features_may_be_on_or_off() {
        // On feature 0 alone component 0 does all, and the others do nothing.
        assert_eq!(ablation([1.0, 0.0, 0.0, 0.0], [1.0, 0.0]), Some(Ablation { random: 0.0, by_gradient: 0.0 }));
    }

    #[test]
    fn an_inactive_component_that_is_needed_harms_by_its_absence() {
        // Without component 0, 2 relu(x) of feature 0 is lost altogether: in the worst case always, else in half of the draws.
        let found = ablation([0.0; 4], [1.0, 0.0]).unwrap();
        assert_eq!(found.by_gradient, 1.0);
        assert!((0.25..0.75).contains(&found.random), "{found:?}");
    }

    #[test]
    fn a_part_of_a_mechanism_in_another_component_is_found() {
        // Component 1 alone gives 1.5 of 2 for feature 1; component 2 has the rest and is inactive.
        let found = ablation([0.0, 1.0, 0.0, 0.0], [0.0, 1.0]).unwrap();
        assert_eq!(found.by_gradient, 0.0625);
        assert!((0.0..0.0625).contains(&found.random), "{found:?}");
    }

    #[test]
    fn where_nothing_is_lost_without_components_there_is_no_share() {
        assert_eq!(ablation([0.0; 4], [0.0, 0.0]), None);
    }
}
