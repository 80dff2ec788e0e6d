//! The default score of a decomposition, which knows no mechanism, and the choice of a replica by it.

use super::{Ablation, Profiles};

/// How much a component that responds to two features counts, or a feature to which two components respond: as much as 2 to
/// this power times the error.
const WEIGHT_OF_PROFILES: f64 = 4.0;

/// Smaller shares of the error are the rounding of single precision.
const LEAST_SHARE: f64 = 1e-6;

/// -log10 E - 4 log10 (F G): by how many powers of ten as many active components as active inputs lower the error however
/// the inactive ones are set, less what is lost where profiles are not one to one. E is what is left of the error where
/// inactive components are ablated by their gradient, F the number of features per component, G that of components per
/// feature. The larger, the better; 0 of components that respond to nothing.
///
/// Neither part tells on its own. The error is smallest where too little is asked of simplicity and each component answers
/// to several features; profiles are one to one also where features are left out or components are torn. The weight is one
/// that ranks well on three networks (`results/README.md`, "Which replica to believe"). That one component for each
/// active input should do holds where mechanisms belong to inputs; otherwise the rate is merely the same for all that are
/// compared.
pub fn score(ablation: &Ablation, profiles: &Profiles) -> f64 {
    let (Some(features), Some(components)) = (profiles.features_per_component(), profiles.components_per_feature())
    else {
        return 0.0;
    };
    -ablation.by_gradient.max(LEAST_SHARE).log10() - WEIGHT_OF_PROFILES * (features * components).log10()
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

    const A_HUNDREDTH: Ablation = Ablation { random: 0.1, by_gradient: 0.01 };

    /// Of two features and as many components.
    fn score_of(attributions: [[f64; 2]; 2]) -> f64 {
        score(&A_HUNDREDTH, &Profiles::new(&attributions.map(Vec::from), &[true; 2]))
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
