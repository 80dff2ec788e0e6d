//! Attribution profiles: how much each component matters to inputs with one feature alone. An input is no mechanism, so that
//! profiles need no knowledge of the mechanisms; but one mechanism for several inputs looks like several in one component.

/// Two components are duplicates of each other if the cosine of their profiles is this at least.
const DUPLICATE_COSINE: f64 = 0.95;

/// The profiles of the components that are alive.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    /// A_c in the root mean square over the inputs with one feature alone, `[component][feature]`.
    profiles: Vec<Vec<f64>>,
}

impl Profiles {
    /// From means of A_c(x)^2, `[feature][component]`, and whether each component is alive.
    pub fn new(mean_attributions: &[Vec<f64>], alive: &[bool]) -> Self {
        let profile = |component: usize| mean_attributions.iter().map(|means| means[component].sqrt()).collect();
        let living = (0..alive.len()).filter(|&component| alive[component]);
        Self { profiles: living.map(profile).collect() }
    }

    /// Number of components with a profile.
    pub fn number(&self) -> usize {
        self.profiles.len()
    }

    /// How many features a mean component responds to: the participation number (sum_j a_j)^2 / sum_j a_j^2 of its profile's
    /// squares a_j, a component counting as much as the sum of its squares. 1 if every component responds to one feature.
    /// `None` if none responds to any.
    pub fn features_per_component(&self) -> Option<f64> {
        let squares = |profile: &Vec<f64>| profile.iter().map(|entry| entry * entry).collect();
        weighted_participation(self.profiles.iter().map(squares))
    }

    /// How many components respond to a mean feature: the same with features and components exchanged.
    pub fn components_per_feature(&self) -> Option<f64> {
        let features = self.profiles.first().map_or(0, Vec::len);
        let squares = |feature: usize| self.profiles.iter().map(|profile| profile[feature].powi(2)).collect();
        weighted_participation((0..features).map(squares))
    }

    /// How many components have a profile like that of a component before them.
    pub fn duplicates(&self) -> usize {
        let is_like_one_before = |component: usize| {
            (0..component).any(|before| cosine(&self.profiles[component], &self.profiles[before]) >= DUPLICATE_COSINE)
        };
        (0..self.number()).filter(|&component| is_like_one_before(component)).count()
    }

    /// The cosine of a component's profile with another's, which may be of another replica.
    pub fn cosine(&self, component: usize, others: &Self, other: usize) -> f64 {
        cosine(&self.profiles[component], &others.profiles[other])
    }
}

/// The mean participation number of rows, each weighted by its sum.
fn weighted_participation(rows: impl Iterator<Item = Vec<f64>>) -> Option<f64> {
    let (mut weighted, mut weights) = (0.0, 0.0);
    for row in rows {
        let (sum, squares): (f64, f64) = (row.iter().sum(), row.iter().map(|entry| entry * entry).sum());
        if squares > 0.0 {
            weighted += sum * sum * sum / squares;
            weights += sum;
        }
    }
    (weights > 0.0).then_some(weighted / weights)
}

/// 0 where one of them is zero.
fn cosine(left: &[f64], right: &[f64]) -> f64 {
    let product = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    let lengths = (product(left, left) * product(right, right)).sqrt();
    if lengths > 0.0 { product(left, right) / lengths } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three components on two features; the profiles are (1, 0), (2, 2) and (0, 3).
    fn profiles(alive: [bool; 3]) -> Profiles {
        Profiles::new(&[vec![1.0, 4.0, 0.0], vec![0.0, 4.0, 9.0]], &alive)
    }

    #[test]
    fn a_component_for_one_feature_counts_one_and_for_two_equal_ones_two() {
        assert_eq!(profiles([true, false, true]).features_per_component(), Some(1.0));
        assert_eq!(profiles([false, true, false]).features_per_component(), Some(2.0));
        // Weighted by 1, 8 and 9.
        assert_eq!(profiles([true; 3]).features_per_component(), Some((1.0 + 8.0 * 2.0 + 9.0) / 18.0));
        assert_eq!(profiles([false; 3]).features_per_component(), None);
    }

    #[test]
    fn a_feature_of_two_components_counts_both_by_their_shares() {
        assert_eq!(profiles([true, false, true]).components_per_feature(), Some(1.0));
        // Feature 0: 5^2 / 17 with weight 5; feature 1: 13^2 / 97 with weight 13.
        let expected: f64 = (5.0 * 25.0 / 17.0 + 13.0 * 169.0 / 97.0) / 18.0;
        assert!((profiles([true; 3]).components_per_feature().unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn components_with_equal_profiles_are_duplicates_whatever_their_size() {
        assert_eq!(profiles([true; 3]).duplicates(), 0);
        assert_eq!(Profiles::new(&[vec![1.0, 4.0, 100.0, 0.0], vec![0.0, 0.0, 1.0, 1.0]], &[true; 4]).duplicates(), 2);
    }

    #[test]
    fn profiles_of_two_replicas_are_compared_feature_by_feature() {
        let (found, other) = (profiles([true; 3]), profiles([false, true, true]));
        assert_eq!((found.number(), other.number()), (3, 2));
        assert!((found.cosine(0, &other, 0) - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!((found.cosine(0, &other, 1), found.cosine(2, &other, 1)), (0.0, 1.0));
    }
}
