//! Whether every feature has a component of its own.

use tch::Tensor;

use super::{Mechanisms, OneFeatureInputs, Partial, partial::squared_errors, represented::represented};

/// Below this share of the error without components a component does a feature's work.
const PASSES: f64 = 0.1;

/// What the components of a feature's mechanism do for it, on inputs with only that feature active at 0.01, 0.02 .. 1.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureWork {
    /// Its most attributed component.
    pub component: usize,
    /// Mean squared error to the target's output with the mechanism and the shared components alone.
    pub error_alone: f64,
    /// Mean squared error with the shared components alone.
    pub error_none: f64,
    /// Whether the target computes anything for the feature; nothing is said of the components of one for which it does not.
    pub represented: bool,
    /// The error alone is below 10 % of that without it, and so it is for no other feature with a component of this mechanism.
    pub own: bool,
}

/// One for every feature, whose `mechanisms` are grouped by what is active on `inputs`; `partial` keeps what they share. A feature is represented if both its neuron contributions, of these `lengths` `[feature]`,
/// and the root of its error without components are [`represented()`]: with weights that nothing reads there is nothing to
/// lose, and what a bias or another feature's neurons do is no function of this feature.
pub fn feature_work(
    partial: &Partial,
    inputs: &OneFeatureInputs,
    mechanisms: &Mechanisms,
    lengths: &[f64],
) -> Vec<FeatureWork> {
    let input = &inputs.input;
    let mask = partial.keeping(&inputs.of_samples(&mechanisms.of_features), input);
    let target = partial.target_output(input);
    let errors = |output: Tensor| inputs.means_by_feature(&squared_errors(&output, &target));
    let (alone, none) = (errors(partial.output(&mask, input)), errors(partial.output_without(input)));

    let answered = represented(&none.iter().map(|error| error.sqrt()).collect::<Vec<_>>());
    let represented: Vec<bool> =
        answered.iter().zip(represented(lengths)).map(|(answers, has)| *answers && has).collect();
    let passes: Vec<bool> =
        (0..none.len()).map(|feature| represented[feature] && alone[feature] < PASSES * none[feature]).collect();
    let shared = |feature: usize| {
        (0..passes.len()).any(|other| other != feature && passes[other] && mechanisms.overlap(feature, other))
    };
    let work = |feature: usize| FeatureWork {
        component: mechanisms.of_features[feature][0],
        error_alone: alone[feature],
        error_none: none[feature],
        represented: represented[feature],
        own: passes[feature] && !shared(feature),
    };
    (0..passes.len()).map(work).collect()
}

/// For every feature, that of the first `candidates` components with the largest mean attribution over the feature's values, of
/// equal ones the lowest: with the gradient of a relu network without biases it is the same at every value.
pub fn most_attributed(mean_attributions: &[Vec<f64>], candidates: usize) -> Vec<usize> {
    mean_attributions.iter().map(|row| first_of_the_largest(&row[..candidates])).collect()
}

fn first_of_the_largest(row: &[f64]) -> usize {
    // `max_by` would take the last of equals.
    (0..row.len()).rev().max_by(|&left, &right| row[left].total_cmp(&row[right])).expect("there is a component")
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::{
        attribution::gradient_attributions,
        components::{Components, Factors},
        metric::{Contributions, tiny},
        site::SiteIndex,
        slices::tensor_from,
    };

    fn work_of(tiny: &tiny::Tiny) -> Vec<FeatureWork> {
        let partial = tiny.partial();
        let inputs = OneFeatureInputs::new(2, &Tensor::zeros([1], (Kind::Float, tch::Device::Cpu)));
        let attributions = gradient_attributions(&tiny.network, &tiny.weights, &tiny.components, &inputs.input);
        let lengths = Contributions::new(tiny.mlp(), &tiny.weights, &tiny.components).lengths();
        let mechanisms = Mechanisms::new(
            &tiny.components,
            &inputs,
            &attributions,
            &inputs.mean_attributions(&attributions),
            partial.candidates() as usize,
        );
        feature_work(&partial, &inputs, &mechanisms, &lengths)
    }

    /// Mean over two outputs of (factor x)^2 over x = 0.01 .. 1.
    fn error(factor: f64) -> f64 {
        0.5 * factor * factor * 0.33835
    }

    #[test]
    fn a_feature_whose_component_does_its_work_has_its_own() {
        let work = work_of(&tiny::residual_mlp());
        assert_eq!((work[0].component, work[1].component), (0, 1));
        // Without components 2 relu(x) is lost, with component 1 alone a quarter of it.
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
        near(work[0].error_none, error(2.0));
        near(work[0].error_alone, 0.0);
        near(work[1].error_alone, error(0.5));
        assert!(work[0].own && work[1].own);
    }

    #[test]
    fn a_component_that_does_half_of_the_work_is_not_enough() {
        let tiny = tiny::residual_mlp();
        let _ = tiny.components.factors[SiteIndex(1)].b.select(1, 1).fill_(0.0);
        let _ = tiny.components.factors[SiteIndex(1)].b.select(1, 1).select(2, 1).fill_(1.0);
        let work = work_of(&tiny);
        assert!(work[0].own && !work[1].own);
    }

    #[test]
    fn a_component_that_does_the_work_of_two_features_is_neithers_own() {
        let mut tiny = tiny::residual_mlp();
        // One component of rank two, the whole network.
        let whole = |matrix: &Tensor| {
            let a = Tensor::eye(2, (Kind::Float, tch::Device::Cpu)).view([1, 2, 1, 2]);
            crate::components::Factors { a, b: matrix.unsqueeze(1) }
        };
        tiny.components.factors = tiny.weights.sites.map(whole);
        let work = work_of(&tiny);
        assert!(work.iter().all(|work| work.component == 0 && work.error_alone < 1e-12 && !work.own));
    }

    #[test]
    fn where_components_live_at_one_site_what_all_features_pass_through_is_kept_with_each_mechanism() {
        let mut tiny = tiny::residual_mlp();
        let factors = |a: [f32; 4], b: [f32; 4]| Factors {
            a: tensor_from(&[1, 2, 2, 1], a.into_iter()),
            b: tensor_from(&[1, 2, 1, 2], b.into_iter()),
        };
        // A component for each neuron's input; the output, twice the identity, is the sum of two that mix both neurons.
        let reads = factors([1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]);
        let writes = factors([1.0, 1.0, 1.0, -1.0], [1.0, 1.0, 1.0, -1.0]);
        tiny.components = Components::at_one_site_each([reads, writes].into_iter().collect());
        let inputs = OneFeatureInputs::new(2, &tiny.weights.embeddings[0]);
        let active = tensor_from(&[2, 1, 4], [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0].into_iter());
        let mask = active.repeat([1, inputs.values.len() as i64, 1]).view([1, -1, 4]);
        let mechanisms = Mechanisms::new(
            &tiny.components,
            &inputs,
            &mask,
            &inputs.mean_attributions(&mask),
            tiny.components.number() as usize,
        );
        assert_eq!((&mechanisms.of_features[..], &mechanisms.shared[..]), (&[vec![0], vec![1]][..], &[2, 3][..]));
        let own = |partial: &Partial| {
            feature_work(partial, &inputs, &mechanisms, &[1.0, 1.0]).iter().map(|work| work.own).collect::<Vec<_>>()
        };
        let shared = mechanisms.shared_mask(4, &tiny.weights.embeddings[0]);
        assert_eq!(own(&Partial { shared, ..tiny.partial() }), [true, true]);
        // Without the output there is nothing that an input could do.
        assert_eq!(own(&tiny.partial()), [false, false]);
    }

    /// The weight with which neuron 1 reads feature 1; what it writes stays twice what it reads.
    fn work_with_feature_1_read_by(weight: f64) -> Vec<FeatureWork> {
        let tiny = tiny::residual_mlp();
        let reads = |matrix: &Tensor| matrix.select(1, 1).select(1, 1).fill_(weight);
        let _ = reads(&tiny.weights.sites[SiteIndex(0)]);
        // Component 0 holds it all, so that the same component passes for both features.
        let factors = &tiny.components.factors[SiteIndex(0)];
        let _ = factors.b.select(1, 1).fill_(0.0);
        work_of(&tiny)
    }

    #[test]
    fn a_feature_for_which_the_target_computes_nothing_takes_no_component_from_another() {
        for weight in [0.0, 1e-20, 0.999e-3] {
            let work = work_with_feature_1_read_by(weight);
            assert!(work[0].represented && work[0].own, "{weight}: {work:?}");
            assert!(!work[1].represented && !work[1].own, "{weight}: {work:?}");
        }
        assert!(work_with_feature_1_read_by(1.001e-3)[1].represented);
    }

    #[test]
    fn a_feature_that_is_read_where_its_own_output_is_not_written_has_no_function() {
        let tiny = tiny::residual_mlp();
        // Neuron 1 reads feature 1 and writes to output 0.
        let writes = &tiny.weights.sites[SiteIndex(1)];
        writes.select(1, 1).copy_(&Tensor::from_slice(&[2.0_f32, 0.0]).unsqueeze(0));
        let work = work_of(&tiny);
        assert!(work[1].error_none > 0.1 && !work[1].represented);
    }

    #[test]
    fn a_function_of_negative_inputs_alone_is_not_judged_on_positive_ones() {
        assert!(!work_with_feature_1_read_by(-1.0)[1].represented);
    }

    #[test]
    fn of_components_attributed_equally_the_first_counts() {
        assert_eq!(first_of_the_largest(&[0.0, 2.0, 1.0, 2.0]), 1);
    }
}
