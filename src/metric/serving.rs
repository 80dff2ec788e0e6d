//! Which components serve which features, and so what each component is.

use std::fmt;

/// A component serves a feature if its weight there is above this share of the feature's largest.
pub const SERVING_SHARE: f64 = 0.2;

/// The components that serve every feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// For every feature (component, weight), the largest weight first.
    pub by_feature: Vec<Vec<(usize, f64)>>,
}

/// What a component is to the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentState {
    /// Serves one feature, and no component serves it more.
    Monosemantic,
    /// Serves one feature that another component serves more.
    Duplicate,
    /// Serves several features.
    Mixed,
    /// Active on some samples and serving no feature.
    Idle,
    /// Never active.
    Dead,
}

impl fmt::Display for ComponentState {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Monosemantic => "monosemantic",
            Self::Duplicate => "duplicate",
            Self::Mixed => "mixed",
            Self::Idle => "idle",
            Self::Dead => "dead",
        })
    }
}

impl Serving {
    /// From `weights[component][feature]`; only components that are `alive` serve, and only features that have weights in
    /// the target, `represented`, are served: a weight is a ratio to these.
    pub fn new(weights: &[Vec<f64>], alive: &[bool], represented: &[bool]) -> Self {
        let of_feature = |feature: usize| {
            let weights = weights.iter().filter(|_| represented[feature]).map(|row| row[feature]).enumerate();
            let all = weights.filter(|(component, _)| alive[*component]);
            let mut serving: Vec<(usize, f64)> = all.filter(|(_, weight)| *weight > 0.0).collect();
            serving.sort_by(|(_, left), (_, right)| right.total_cmp(left));
            let largest = serving.first().map_or(0.0, |(_, weight)| *weight);
            serving.retain(|(_, weight)| *weight >= SERVING_SHARE * largest);
            serving
        };
        Self { by_feature: (0..represented.len()).map(of_feature).collect() }
    }

    /// How many features each of the components serves.
    pub fn features_served(&self, components: usize) -> Vec<usize> {
        let mut counts = vec![0; components];
        self.by_feature.iter().flatten().for_each(|(component, _)| counts[*component] += 1);
        counts
    }

    /// What each component is.
    pub fn states(&self, alive: &[bool]) -> Vec<ComponentState> {
        let leads = |component: usize| {
            self.by_feature.iter().any(|serving| serving.first().is_some_and(|(first, _)| *first == component))
        };
        let state = |(component, served): (usize, usize)| match served {
            _ if !alive[component] => ComponentState::Dead,
            0 => ComponentState::Idle,
            1 if leads(component) => ComponentState::Monosemantic,
            1 => ComponentState::Duplicate,
            _ => ComponentState::Mixed,
        };
        self.features_served(alive.len()).into_iter().enumerate().map(state).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_worked_out_by_hand() {
        let weights = [
            // Feature 0 has one component.
            vec![1.0, 0.0, 0.0, 0.1],
            // Feature 1 has a large one and a small one; what is below a fifth does not count.
            vec![0.15, 0.9, 0.0, 0.0],
            vec![0.0, 0.3, 0.0, 0.0],
            // Features 2 and 3 share one.
            vec![0.0, 0.0, 0.8, 0.7],
            // Negative weights serve nothing, and neither do components that are never active.
            vec![0.0, -0.5, -2.0, 0.0],
            vec![2.0, 2.0, 2.0, 2.0],
        ];
        let alive = [true, true, true, true, true, false];
        let serving = Serving::new(&weights, &alive, &[true; 4]);
        assert_eq!(serving.by_feature, [vec![(0, 1.0)], vec![(1, 0.9), (2, 0.3)], vec![(3, 0.8)], vec![(3, 0.7)]]);
        assert_eq!(serving.features_served(6), [1, 1, 1, 2, 0, 0]);
        use ComponentState::*;
        assert_eq!(serving.states(&alive), [Monosemantic, Monosemantic, Duplicate, Mixed, Idle, Dead]);
    }

    #[test]
    fn a_feature_without_weight_is_served_by_none() {
        let serving = Serving::new(&[vec![0.0], vec![-1.0]], &[true, true], &[true]);
        assert_eq!(serving.by_feature, [vec![]]);
    }

    #[test]
    fn a_feature_that_is_not_represented_is_served_by_none_and_mixes_no_component() {
        let alive = [true, true];
        let serving = Serving::new(&[vec![1.0, 1e30], vec![0.0, 2e30]], &alive, &[true, false]);
        assert_eq!(serving.by_feature, [vec![(0, 1.0)], vec![]]);
        assert_eq!(serving.states(&alive), [ComponentState::Monosemantic, ComponentState::Idle]);
    }
}
