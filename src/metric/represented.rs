//! Which features a target represents. The others have no mechanism that a component could be, so no verdict counts them.

/// A feature is represented if what the target holds for it is at least this share of what it holds for the feature of which
/// it holds most. Optimisers leave noise of that size, about one step of a usual learning rate, in weights that nothing is
/// asked of; and what a component holds of a feature is told as a ratio to the target, which says nothing beside noise.
pub const LEAST_SHARE: f64 = 1e-3;

/// Whether each feature is represented, from the `size` of what the target holds for it. A size that is NaN counts as
/// represented, so that a verdict on it fails.
pub fn represented(sizes: &[f64]) -> Vec<bool> {
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    sizes.iter().map(|&size| !(size == 0.0 || size < LEAST_SHARE * largest)).collect()
}

/// How many features are named at most.
const MOST_NAMED: usize = 12;

/// "2 of 5 features (3, 4)": those that are not represented; `None` if all are.
pub fn left_out_in_words(represented: &[bool], what: &str) -> Option<String> {
    let left_out: Vec<usize> = (0..represented.len()).filter(|&feature| !represented[feature]).collect();
    if left_out.is_empty() {
        return None;
    }
    let mut names: Vec<String> = left_out.iter().take(MOST_NAMED).map(usize::to_string).collect();
    if left_out.len() > MOST_NAMED {
        names.push(format!("and {} more", left_out.len() - MOST_NAMED));
    }
    let plural = if represented.len() == 1 { "" } else { "s" };
    Some(format!("{} of {} {what}{plural} ({})", left_out.len(), represented.len(), names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousandth_of_the_largest_is_represented_and_less_is_not() {
        assert_eq!(represented(&[2.0, 2e-3, 1.99e-3, 0.0]), [true, true, false, false]);
        assert_eq!(represented(&[1e-30, 1e-32, 1e-34]), [true, true, false], "whatever the scale");
        assert_eq!(represented(&[5e-324]), [true]);
    }

    #[test]
    fn a_target_without_weights_represents_nothing_and_one_of_nan_is_judged() {
        assert_eq!(represented(&[0.0, 0.0]), [false, false]);
        assert_eq!(represented(&[f64::NAN, 1.0]), [true, true]);
        assert_eq!(represented(&[]), [false; 0]);
    }

    #[test]
    fn features_that_are_left_out_are_counted_and_named() {
        assert_eq!(left_out_in_words(&[true, true], "feature"), None);
        assert_eq!(left_out_in_words(&[true, false, false], "feature").unwrap(), "2 of 3 features (1, 2)");
        assert_eq!(left_out_in_words(&[false], "function").unwrap(), "1 of 1 function (0)");
        assert_eq!(
            left_out_in_words(&[false; 40], "feature").unwrap(),
            "40 of 40 features (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 28 more)"
        );
    }
}
