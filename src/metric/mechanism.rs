//! Which components do a feature's work together: one, where components live at all sites; several, where each lives at one.

use tch::Tensor;

use super::{OneFeatureInputs, own_component::most_attributed};
use crate::{components::Components, slices::numbers_on};

/// The components that are grouped to the features' mechanisms.
#[derive(Clone, Debug, PartialEq)]
pub struct Mechanisms {
    /// The components of every feature that are not shared, the most attributed first; at least one.
    pub of_features: Vec<Vec<usize>>,
    /// The components that serve features whatever these are, such as a matrix that all of them pass through.
    pub shared: Vec<usize>,
}

impl Mechanisms {
    /// Where components live at all sites, a mechanism is the most attributed of the first `candidates` components. Otherwise it is all
    /// components that are active on more than half of the inputs with its feature alone; those that are active for more than
    /// half of all features for which anything is active at their site are shared.
    ///
    /// `mean_attributions[feature][component]` are means over `inputs`, and `mask` [1, feature * value, component] says where
    /// components are active.
    pub fn new(
        components: &Components,
        inputs: &OneFeatureInputs,
        mask: &Tensor,
        mean_attributions: &[Vec<f64>],
        candidates: usize,
    ) -> Self {
        let first = most_attributed(mean_attributions, candidates);
        if components.live_everywhere() {
            return Self {
                of_features: first.into_iter().map(|component| vec![component]).collect(),
                shared: Vec::new(),
            };
        }
        let active: Vec<Vec<bool>> = inputs
            .mean_attributions(mask)
            .into_iter()
            .map(|row| row.into_iter().map(|share| share > 0.5).collect())
            .collect();
        let mut shared = Vec::new();
        for (site, _) in components.factors.enumerate() {
            let numbers = components.numbers_at(site);
            let numbers = numbers.start as usize..numbers.end as usize;
            let with_any = active.iter().filter(|row| row[numbers.clone()].contains(&true)).count();
            let features = |component: usize| active.iter().filter(|row| row[component]).count();
            shared.extend(numbers.filter(|&component| features(component) > 1 && 2 * features(component) > with_any));
        }
        let of_feature = |(feature, first): (usize, usize)| {
            let is_member = |component: &usize| active[feature][*component] && !shared.contains(component);
            let mut members: Vec<usize> = (0..candidates).filter(is_member).collect();
            let attribution = |component: usize| mean_attributions[feature][component];
            members.sort_by(|&left, &right| attribution(right).total_cmp(&attribution(left)));
            if members.is_empty() { vec![first] } else { members }
        };
        Self { of_features: first.into_iter().enumerate().map(of_feature).collect(), shared }
    }

    /// The first component of every feature.
    pub fn first(&self) -> Vec<usize> {
        self.of_features.iter().map(|members| members[0]).collect()
    }

    /// Whether two features have a component in common.
    pub fn overlap(&self, one: usize, other: usize) -> bool {
        self.of_features[one].iter().any(|component| self.of_features[other].contains(component))
    }

    /// Ones for the shared of so many components, `[component]`; `None` where there are none.
    pub fn shared_mask(&self, components: usize, like: &Tensor) -> Option<Tensor> {
        let ones: Vec<f64> =
            (0..components).map(|component| f64::from(u8::from(self.shared.contains(&component)))).collect();
        (!self.shared.is_empty()).then(|| numbers_on(&ones, like.kind(), like.device()))
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{components::Factors, slices::tensor_from};

    /// Three features; three components at the first site, two at the second.
    fn mechanisms(active: [[u8; 5]; 3], live_everywhere: bool) -> Mechanisms {
        let like = Tensor::zeros([1], (Kind::Float, Device::Cpu));
        let inputs = OneFeatureInputs::new(3, &like);
        let rows = tensor_from(&[3, 1, 5], active.iter().flatten().map(|&entry| f32::from(entry)));
        let mask = rows.repeat([1, inputs.values.len() as i64, 1]).view([1, -1, 5]);
        let site = |number: i64| {
            let a = Tensor::ones([1, 1, number, 1], (Kind::Float, Device::Cpu));
            Factors { b: a.view([1, number, 1, 1]), a }
        };
        let components = match live_everywhere {
            true => Components::everywhere([site(5), site(5)].into_iter().collect()),
            false => Components::at_one_site_each([site(3), site(2)].into_iter().collect()),
        };
        let attributions: Vec<Vec<f64>> = active
            .iter()
            .map(|row| row.iter().enumerate().map(|(c, &on)| f64::from(on) * (c + 1) as f64).collect())
            .collect();
        Mechanisms::new(&components, &inputs, &mask, &attributions, 5)
    }

    #[test]
    fn what_is_active_for_most_features_of_a_site_is_shared_and_the_rest_is_the_features_own() {
        let found = mechanisms([[1, 0, 0, 1, 0], [0, 1, 0, 1, 1], [0, 0, 0, 1, 0]], false);
        assert_eq!(found.shared, [3]);
        // Nothing but shared ones is active for the last feature: its most attributed one stands for it.
        assert_eq!(found.of_features, [vec![0], vec![4, 1], vec![3]]);
        assert_eq!(found.first(), [0, 4, 3]);
        assert!(!found.overlap(0, 1));
    }

    #[test]
    fn one_component_for_two_of_three_features_is_shared_only_at_a_site_that_serves_few_others() {
        let found = mechanisms([[1, 1, 0, 0, 0], [0, 1, 0, 0, 1], [1, 0, 0, 0, 1]], true);
        assert_eq!((found.of_features, found.shared), (vec![vec![1], vec![4], vec![4]], vec![]));
        let found = mechanisms([[1, 0, 0, 1, 0], [1, 0, 0, 0, 1], [0, 1, 1, 0, 0]], false);
        assert_eq!(found.shared, [0]);
        assert!(mechanisms([[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]], true).overlap(0, 1));
    }
}
