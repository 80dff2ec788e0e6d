//! The default score of a decomposition, which knows no mechanism, and the choice of a replica by it.

use super::{Distortion, Profiles};

/// The area under the curve reaches from the active inputs divided by this to as many times more.
const AREA_FACTOR: f64 = 4.0;

/// How much a component that responds to two features counts, or a feature to which two components respond: as much as 2 to
/// this power times the error.
const WEIGHT_OF_PROFILES: f64 = 4.0;

/// -L - 4 log10 (F G): by how many powers of ten few active components lower the error, less what is lost where profiles are
/// not one to one. L is the [`mean_log_error`], F the number of features per component and G that of components per
/// feature. The larger, the better; 0 of components that respond to nothing. `None` where no input is active.
///
/// Neither part tells on its own. The error is smallest where too little is asked of simplicity and each component answers
/// to several features; profiles are one to one also where components are torn. The weight is one that ranks well on
/// three networks (`results/README.md`, "Which replica to believe").
pub fn score(distortion: &Distortion, active_inputs: f64, profiles: &Profiles) -> Option<f64> {
    let error = mean_log_error(distortion, active_inputs)?;
    let (features, components) = (profiles.features_per_component(), profiles.components_per_feature());
    Some(match (features, components) {
        (Some(features), Some(components)) => -error - WEIGHT_OF_PROFILES * (features * components).log10(),
        _ => 0.0,
    })
}

/// The area under the logarithmic rate-distortion curve around as many active components as active inputs on a mean sample:
/// one for each is right where mechanisms belong to inputs; otherwise the rate is merely the same for all that are compared.
/// `None` where no input is active.
pub fn mean_log_error(distortion: &Distortion, active_inputs: f64) -> Option<f64> {
    let (least, most) = (active_inputs / AREA_FACTOR, active_inputs * AREA_FACTOR);
    (active_inputs > 0.0).then(|| distortion.mean_log_share(least, most))
}

/// The place of the largest score; of equal ones the first. `None` if there is none.
pub fn best(scores: &[Option<f64>]) -> Option<usize> {
    let known = scores.iter().enumerate().filter_map(|(place, score)| Some((place, (*score)?)));
    // `max_by` would take the last of equals.
    known.rev().max_by(|(_, left), (_, right)| left.total_cmp(right)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Description, RatePoint};

    /// Of two features and as many components, with a hundredth of the error left at every rate but none.
    fn score_of(attributions: [[f64; 2]; 2]) -> f64 {
        let point = |active, error| RatePoint { description: Description::new(&[active], &[1]), error };
        let distortion = Distortion::new(&[point(0.0, 3.0), point(0.01, 0.03), point(4.0, 0.03)]).unwrap();
        score(&distortion, 0.5, &Profiles::new(&attributions.map(Vec::from), &[true; 2])).unwrap()
    }

    #[test]
    fn a_hundredth_of_the_error_scores_two() {
        assert!((score_of([[0.0, 3.0], [3.0, 0.0]]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_component_for_two_features_and_two_components_for_a_feature_cost_alike() {
        let cost = 4.0 * 2.0_f64.log10();
        assert!((score_of([[1.0, 0.0], [1.0, 0.0]]) - (2.0 - cost)).abs() < 1e-12, "one component for both");
        assert!((score_of([[1.0, 1.0], [0.0, 0.0]]) - (2.0 - cost)).abs() < 1e-12, "two for one");
        assert!((score_of([[1.0, 1.0], [1.0, 1.0]]) - (2.0 - 2.0 * cost)).abs() < 1e-12, "both for both");
    }

    #[test]
    fn components_that_respond_to_nothing_score_nothing() {
        assert_eq!(score_of([[0.0; 2]; 2]), 0.0);
    }

    #[test]
    fn the_largest_score_is_best_and_the_first_of_equals() {
        assert_eq!(best(&[None, Some(1.0), Some(2.0), Some(2.0), None]), Some(2));
        assert_eq!(best(&[Some(-1.0), None]), Some(0));
        assert_eq!(best(&[None, None]), None);
    }
}
