//! The default score of a decomposition, which knows no mechanism, and the choice of a replica by it.

use super::Distortion;

/// -log10 of the share of the error without components that is left with as many active components as active inputs on a
/// mean sample: by how many powers of ten they lower it. The larger, the better.
///
/// It parts the recovered replicas of TMS 5-2 from the others without an error (`results/README.md`, "Which replica to
/// believe"). That one component for each active input should do holds where mechanisms belong to inputs; otherwise the
/// rate is merely the same for all that are compared.
pub fn score(distortion: &Distortion, active_inputs: f64) -> f64 {
    -distortion.at_rate(active_inputs).log10()
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

    #[test]
    fn a_hundredth_of_the_error_scores_two() {
        let point = |active, error| RatePoint { description: Description::new(&[active], &[1]), error };
        let distortion = Distortion::new(&[point(0.0, 3.0), point(0.25, 0.03), point(1.0, 0.0)]).unwrap();
        assert!((score(&distortion, 0.25) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_largest_score_is_best_and_the_first_of_equals() {
        assert_eq!(best(&[None, Some(1.0), Some(2.0), Some(2.0), None]), Some(2));
        assert_eq!(best(&[Some(-1.0), None]), Some(0));
        assert_eq!(best(&[None, None]), None);
    }
}
