//! Scrubbing: does a component matter on the inputs whose features it serves, and on no others (Braun et al. 2025, section 3.2)?

use rand::{RngExt, rngs::ChaCha8Rng};
use tch::Tensor;

use super::{Partial, Serving, partial::squared_errors};
use crate::slices::{slice, tensor_from};

/// Mean squared errors over the outputs, a number for every sample with an active feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Scrubbing {
    /// The target's output against the labels.
    pub target_to_labels: Vec<f64>,
    /// Half of the components ablated, sparing those that serve an active feature; against the target's output.
    pub scrubbed: Vec<f64>,
    /// Half of the components ablated, those that serve an active feature among them; against the target's output.
    pub anti_scrubbed: Vec<f64>,
    /// As `scrubbed`, against the labels.
    pub scrubbed_to_labels: Vec<f64>,
    /// As `anti_scrubbed`, against the labels.
    pub anti_scrubbed_to_labels: Vec<f64>,
}

/// Ablates half of the components of every sample of `input` [1, sample, feature] that has an active feature, drawn anew for
/// each; `labels` maps inputs to labels. `None` where no sample has an active feature.
pub fn scrub(
    partial: &Partial,
    serving: &Serving,
    input: &Tensor,
    labels: impl Fn(&Tensor) -> Tensor,
    generator: &mut ChaCha8Rng,
) -> Option<Scrubbing> {
    let is_active = input.squeeze_dim(0).not_equal(0.0).any_dim(1, false);
    let input = input.index_select(1, &is_active.nonzero().squeeze_dim(1));
    let [_, samples, features] = input.size()[..] else { panic!("an input has three axes") };
    if samples == 0 {
        return None;
    }
    let candidates = partial.candidates() as usize;
    let on_cpu = input.to_device(tch::Device::Cpu).contiguous();
    let (mut scrubbed, mut anti_scrubbed) = (Vec::new(), Vec::new());
    for sample in slice(&on_cpu).chunks_exact(features as usize) {
        let of_active_features = serves_an_active_feature(serving, sample, candidates);
        for (masks, first) in [(&mut scrubbed, false), (&mut anti_scrubbed, true)] {
            masks.extend(ablate_half(&of_active_features, first, generator));
        }
    }
    let mask = |entries: Vec<f32>| {
        tensor_from(&[1, samples, candidates as i64], entries.into_iter()).to_device(input.device())
    };
    let (target, labels) = (partial.target_output(&input), labels(&input));
    let outputs = [mask(scrubbed), mask(anti_scrubbed)].map(|mask| partial.output(&mask, &input));
    let errors = |output: &Tensor, reference: &Tensor| {
        Vec::<f64>::try_from(squared_errors(output, reference)).expect("one axis")
    };
    Some(Scrubbing {
        target_to_labels: errors(&target, &labels),
        scrubbed: errors(&outputs[0], &target),
        anti_scrubbed: errors(&outputs[1], &target),
        scrubbed_to_labels: errors(&outputs[0], &labels),
        anti_scrubbed_to_labels: errors(&outputs[1], &labels),
    })
}

/// For every component whether it serves a feature that is active on `sample` `[feature]`.
pub(super) fn serves_an_active_feature(serving: &Serving, sample: &[f32], candidates: usize) -> Vec<bool> {
    let mut serves = vec![false; candidates];
    let active = sample.iter().zip(&serving.by_feature).filter(|(value, _)| **value != 0.0);
    let components = active.flat_map(|(_, serving)| serving).map(|(component, _)| *component);
    components.filter(|component| *component < candidates).for_each(|component| serves[component] = true);
    serves
}

/// Zeros for half of the components and ones for the others: those `of_active_features` are all among the ablated if `first`, and
/// none of them otherwise; the rest are drawn. Where there are not enough others, fewer than half are ablated; where those of
/// the active features are more than half, all of them.
pub(super) fn ablate_half(of_active_features: &[bool], first: bool, generator: &mut ChaCha8Rng) -> Vec<f32> {
    let half = of_active_features.len() / 2;
    let with = |wanted: bool| of_active_features.iter().enumerate().filter(move |(_, is)| **is == wanted);
    let mut others: Vec<usize> = with(false).map(|(component, _)| component).collect();
    let mut mask = vec![1.0; of_active_features.len()];
    let mut left = half;
    if first {
        with(true).for_each(|(component, _)| mask[component] = 0.0);
        left = half.saturating_sub(with(true).count());
    }
    for place in 0..left.min(others.len()) {
        let drawn = generator.random_range(place..others.len());
        others.swap(place, drawn);
        mask[others[place]] = 0.0;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metric::tiny,
        random::{Purpose, stream},
    };

    fn generator() -> ChaCha8Rng {
        stream(1, Purpose::Scrubbing, 0)
    }

    #[test]
    fn half_is_ablated_with_or_without_those_of_active_features() {
        let of_active = [true, false, false, true, false, false, false, false];
        let mut generator = generator();
        let scrubbed = ablate_half(&of_active, false, &mut generator);
        assert_eq!((scrubbed[0], scrubbed[3], scrubbed.iter().sum::<f32>()), (1.0, 1.0, 4.0));
        let mut ablated = [0.0; 8];
        for _ in 0..600 {
            let anti_scrubbed = ablate_half(&of_active, true, &mut generator);
            assert_eq!((anti_scrubbed[0], anti_scrubbed[3], anti_scrubbed.iter().sum::<f32>()), (0.0, 0.0, 4.0));
            ablated.iter_mut().zip(anti_scrubbed).for_each(|(count, kept)| *count += 1.0 - kept);
        }
        // Two of the six others: binomial(600, 1/3) has standard deviation 11.5.
        assert!(of_active.iter().zip(ablated).all(|(is, count)| *is || (count - 200.0).abs() < 50.0), "{ablated:?}");
    }

    #[test]
    fn what_is_not_there_is_not_ablated() {
        assert_eq!(ablate_half(&[true, true, true, false], false, &mut generator()), [1.0, 1.0, 1.0, 0.0]);
        assert_eq!(ablate_half(&[true, true, true, false], true, &mut generator()), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn sparing_the_components_of_active_features_costs_nothing_and_ablating_them_all() {
        let tiny = tiny::residual_mlp();
        let serving = Serving { by_feature: vec![vec![(0, 1.0)], vec![(1, 0.75), (2, 0.25)]] };
        let input = Tensor::from_slice2(&[[0.0_f32, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]).unsqueeze(0);
        let labels = |input: &Tensor| input + input.relu();
        let errors = scrub(&tiny.partial(), &serving, &input, labels, &mut generator()).unwrap();
        // The first sample has no active feature. y = x + 2 relu(x) against x + relu(x).
        assert_eq!(errors.target_to_labels, [0.5, 0.5, 0.0]);
        assert_eq!(errors.scrubbed, [0.0, 0.0, 0.0]);
        assert_eq!(errors.scrubbed_to_labels, errors.target_to_labels);
        assert_eq!(errors.anti_scrubbed, [2.0, 2.0, 0.0]);
        assert_eq!(errors.anti_scrubbed_to_labels, [0.5, 0.5, 0.0]);
        let nothing = input.zeros_like();
        assert_eq!(scrub(&tiny.partial(), &serving, &nothing, labels, &mut generator()), None);
    }
}
