//! Which components are active together.

/// Two components and the Pearson correlation of their activity, 0 or 1 a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coactivity {
    pub component: usize,
    /// Above `component`.
    pub other: usize,
    pub correlation: f64,
}

/// Every pair of components whose activity is not constant, from numbers of samples: of all, of those on which each is active,
/// and of those on which both are, `both[component][other]`.
///
/// (n n_cd - n_c n_d) / (n_c (n - n_c) n_d (n - n_d))^½
pub fn coactivities(samples: usize, active: &[f64], both: &[Vec<f64>]) -> Vec<Coactivity> {
    let samples = samples as f64;
    let deviation = |component: usize| (active[component] * (samples - active[component])).sqrt();
    let changing: Vec<usize> = (0..active.len()).filter(|&component| deviation(component) > 0.0).collect();
    let pair = |component: usize, other: usize| {
        let covariance = samples * both[component][other] - active[component] * active[other];
        let correlation = covariance / (deviation(component) * deviation(other));
        Coactivity { component, other, correlation }
    };
    let with_later =
        |(place, &component): (usize, &usize)| changing[place + 1..].iter().map(move |&other| (component, other));
    changing.iter().enumerate().flat_map(with_later).map(|(component, other)| pair(component, other)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_worked_out_by_hand() {
        // Ten samples: 0 and 1 always together, 2 on half of those of 0 and three others, 3 on all, 4 never.
        let active = [4.0, 4.0, 5.0, 10.0, 0.0];
        let both = [
            vec![4.0, 4.0, 2.0, 4.0, 0.0],
            vec![4.0, 4.0, 2.0, 4.0, 0.0],
            vec![2.0, 2.0, 5.0, 5.0, 0.0],
            vec![4.0, 4.0, 5.0, 10.0, 0.0],
            vec![0.0; 5],
        ];
        let found = coactivities(10, &active, &both);
        let pairs: Vec<_> = found.iter().map(|pair| (pair.component, pair.other)).collect();
        assert_eq!(pairs, [(0, 1), (0, 2), (1, 2)], "those that are constant have no correlation");
        // 10 * 4 - 16 over 4 * 6; 10 * 2 - 4 * 5.
        assert!((found[0].correlation - 1.0).abs() < 1e-12 && found[1].correlation == 0.0, "{found:?}");
    }

    #[test]
    fn components_that_exclude_each_other_are_anticorrelated() {
        let found = coactivities(4, &[2.0, 2.0], &[vec![2.0, 0.0], vec![0.0, 2.0]]);
        assert_eq!(found, [Coactivity { component: 0, other: 1, correlation: -1.0 }]);
    }
}
