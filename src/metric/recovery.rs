//! Whether the components of a toy model of superposition are its features.

use tch::{Kind, Tensor};

use super::{assignment::assign, represented::represented};

/// The least cosine of a matched component with its feature.
const LEAST_COSINE: f64 = 0.99;
/// The range of `|P_c[j]| / |W[j]|` of a matched component.
const NORM_RATIOS: std::ops::RangeInclusive<f64> = 0.8..=1.2;
/// The largest `|P_c[j]| / |W[j]|` of any other component.
const LARGEST_LEAK: f64 = 0.2;

/// How one replica's components compare with the features that its target represents.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// `None` of a feature that the target does not represent.
    pub features: Vec<Option<FeatureMatch>>,
    pub components: Vec<ComponentMatch>,
    /// `None` where the target represents no feature.
    pub verdict: Option<Verdict>,
}

/// What there is to say over all features that the target represents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Mean over the features of the largest cosine with any component (Braun et al. 2025, table 1).
    pub mmcs: f64,
    /// Mean over the features of `|P_c[j]| / |W[j]|` for the component c of that cosine.
    pub ml2r: f64,
    /// Every feature has its own component: its cosine is at least 0.99 and its norm ratio in [0.8, 1.2], and no other
    /// component has more than 0.2 of the feature's norm.
    pub recovered: bool,
}

/// A feature j and the component c that the optimal assignment gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMatch {
    /// `None` where there are fewer components than features that are represented.
    pub component: Option<usize>,
    /// `cos(P_c[j], W[j])`.
    pub cosine: f64,
    /// `|P_c[j]| / |W[j]|`.
    pub norm_ratio: f64,
    /// The largest `|P_c'[j]| / |W[j]|` of the other components c'.
    pub leak: f64,
}

/// A component c and the feature j that the optimal assignment gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentMatch {
    /// `None` where there are more components than features that are represented.
    pub feature: Option<usize>,
    /// The largest `|P_c[j']| / |W[j']|` at the other features j' that are represented.
    pub largest_leak: f64,
}

/// Compares `matrices` [component, feature, hidden], the components at the embed site, with the rows of `embed`
/// [feature, hidden] of the features that are [`represented()`].
pub fn recovery(embed: &Tensor, matrices: &Tensor) -> Recovery {
    let (embed, matrices) = (embed.to_kind(Kind::Double), matrices.to_kind(Kind::Double));
    let norms = over_hidden(embed.square()).sqrt();
    let represented = represented(&Vec::try_from(&norms).expect("one axis"));
    let kept: Vec<usize> = (0..represented.len()).filter(|&feature| represented[feature]).collect();
    if kept.is_empty() {
        let unmatched = ComponentMatch { feature: None, largest_leak: 0.0 };
        return Recovery {
            features: vec![None; represented.len()],
            components: vec![unmatched; matrices.size()[0] as usize],
            verdict: None,
        };
    }
    let places = Tensor::from_slice(&kept.iter().map(|&feature| feature as i64).collect::<Vec<_>>());
    let places = places.to_device(embed.device());
    let (matches, mut components, verdict) =
        match_all(&embed.index_select(0, &places), &matrices.index_select(1, &places));
    let mut features = vec![None; represented.len()];
    kept.iter().zip(matches).for_each(|(&feature, matched)| features[feature] = Some(matched));
    for component in &mut components {
        component.feature = component.feature.map(|place| kept[place]);
    }
    Recovery { features, components, verdict: Some(verdict) }
}

/// `matrices` [component, ...] with zeros in the place of those that are not `alive`: a negligible subcomponent that happens to
/// point along a feature has the largest cosine with it, and its length would stand for the feature's.
pub fn without_dead(matrices: &Tensor, alive: &[bool]) -> Tensor {
    let alive: Vec<f32> = alive.iter().map(|&alive| f32::from(u8::from(alive))).collect();
    matrices * Tensor::from_slice(&alive).to_device(matrices.device()).view([-1, 1, 1])
}

fn over_hidden(tensor: Tensor) -> Tensor {
    tensor.sum_dim_intlist([-1].as_slice(), false, Kind::Double)
}

/// As [`recovery()`], of features that are all represented. The assignment makes the sum of
/// `q[c, j] = P_c[j] . W[j] / |W[j]|^2` largest.
fn match_all(embed: &Tensor, matrices: &Tensor) -> (Vec<FeatureMatch>, Vec<ComponentMatch>, Verdict) {
    let (features, components) = (embed.size()[0] as usize, matrices.size()[0] as usize);
    let table = |tensor: Tensor| {
        Vec::<Vec<f64>>::try_from(tensor.nan_to_num(0.0, None, None)).expect("a table of [component, feature]")
    };
    let feature_norms = over_hidden(embed.square()).sqrt().clamp_min(f64::MIN_POSITIVE).unsqueeze(0);
    let norms = over_hidden(matrices.square()).sqrt();
    let products = over_hidden(matrices * embed.unsqueeze(0));
    let cosines = table(&products / (&norms * &feature_norms).clamp_min(f64::MIN_POSITIVE));
    let similarity = table(&products / feature_norms.square());
    let ratios = table(norms / feature_norms);

    let assigned = assign(features, components, |feature, component| similarity[component][feature]);
    let matched = |feature: usize| -> FeatureMatch {
        let own = assigned[feature];
        let others = (0..components).filter(|&component| Some(component) != own);
        FeatureMatch {
            component: own,
            cosine: own.map_or(0.0, |component| cosines[component][feature]),
            norm_ratio: own.map_or(0.0, |component| ratios[component][feature]),
            leak: others.map(|component| ratios[component][feature]).fold(0.0, f64::max),
        }
    };
    let component_match = |component: usize| -> ComponentMatch {
        let own = assigned.iter().position(|&assigned| assigned == Some(component));
        let others = (0..features).filter(|&feature| Some(feature) != own);
        let largest_leak = others.map(|feature| ratios[component][feature]).fold(0.0, f64::max);
        ComponentMatch { feature: own, largest_leak }
    };
    let most_similar = |feature: usize| {
        let by_cosine = |&left: &usize, &right: &usize| cosines[left][feature].total_cmp(&cosines[right][feature]);
        (0..components).max_by(by_cosine)
    };
    let mean = |number: &dyn Fn(usize, usize) -> f64| {
        let numbers =
            (0..features).map(|feature| most_similar(feature).map_or(0.0, |component| number(component, feature)));
        numbers.sum::<f64>() / features as f64
    };
    let matches: Vec<FeatureMatch> = (0..features).map(matched).collect();
    let verdict = Verdict {
        mmcs: mean(&|component, feature| cosines[component][feature]),
        ml2r: mean(&|component, feature| ratios[component][feature]),
        recovered: matches.iter().all(FeatureMatch::is_recovered),
    };
    (matches, (0..components).map(component_match).collect(), verdict)
}

impl FeatureMatch {
    fn is_recovered(&self) -> bool {
        let own = self.component.is_some() && self.cosine >= LEAST_COSINE && NORM_RATIOS.contains(&self.norm_ratio);
        own && self.leak <= LARGEST_LEAK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three features in the plane.
    fn embed() -> Tensor {
        Tensor::from_slice2(&[[3.0, 0.0], [0.0, 2.0], [-1.0, -1.0]])
    }

    /// Component c holds `share` of feature `features[c]` and nothing else.
    fn one_feature_each(features: &[i64], share: f64) -> Tensor {
        let rows = embed() * share;
        let matrices: Vec<Tensor> = features
            .iter()
            .map(|&feature| Tensor::zeros_like(&rows).index_fill(0, &Tensor::from_slice(&[feature]), 1.0) * &rows)
            .collect();
        Tensor::stack(&matrices, 0)
    }

    fn is_recovered(matrices: &Tensor) -> bool {
        recovery(&embed(), matrices).verdict.unwrap().recovered
    }

    /// The component of each feature.
    fn components_of(recovery: &Recovery) -> Vec<Option<usize>> {
        recovery.features.iter().map(|matched| matched.as_ref()?.component).collect()
    }

    #[test]
    fn components_that_are_the_features_recover_them() {
        let recovery = recovery(&embed(), &one_feature_each(&[2, 0, 1], 0.9));
        let Verdict { mmcs, ml2r, recovered } = recovery.verdict.unwrap();
        assert!(recovered && (mmcs - 1.0).abs() < 1e-12 && (ml2r - 0.9).abs() < 1e-12);
        assert_eq!(components_of(&recovery), [Some(1), Some(2), Some(0)]);
        assert_eq!(recovery.components[0], ComponentMatch { feature: Some(2), largest_leak: 0.0 });
    }

    #[test]
    fn a_dead_component_along_a_feature_spoils_the_norm_ratio_until_it_is_left_out() {
        let noisy = one_feature_each(&[0, 1, 2], 1.0);
        let _ = noisy.select(0, 0).select(0, 0).select(0, 1).fill_(0.1);
        let matrices = Tensor::cat(&[noisy, one_feature_each(&[0], 0.001)], 0);
        let ml2r = |matrices: &Tensor| recovery(&embed(), matrices).verdict.unwrap().ml2r;
        assert!(ml2r(&matrices) < 0.7);
        let alive = without_dead(&matrices, &[true, true, true, false]);
        assert!((ml2r(&alive) - 1.0).abs() < 1e-3);
        assert!(is_recovered(&alive));
    }

    #[test]
    fn too_short_components_do_not_recover() {
        assert!(!is_recovered(&one_feature_each(&[0, 1, 2], 0.7)));
        assert!(!is_recovered(&one_feature_each(&[0, 1, 2], 1.3)));
    }

    #[test]
    fn a_leak_into_another_component_spoils_it() {
        let mut matrices = one_feature_each(&[0, 1, 2], 1.0);
        matrices.select(0, 0).select(0, 1).copy_(&Tensor::from_slice(&[0.0, 0.5]));
        let recovery = recovery(&embed(), &matrices);
        assert!(!recovery.verdict.unwrap().recovered);
        let feature = recovery.features[1].clone().unwrap();
        assert_eq!((feature.component, feature.leak, recovery.components[0].largest_leak), (Some(1), 0.25, 0.25));
        matrices = one_feature_each(&[0, 1, 2], 1.0);
        matrices.select(0, 0).select(0, 1).copy_(&Tensor::from_slice(&[0.0, 0.38]));
        assert!(is_recovered(&matrices), "a leak below a fifth is no matter");
    }

    #[test]
    fn a_component_for_two_features_recovers_neither_alone() {
        let matrices = one_feature_each(&[0, 1], 1.0);
        let recovery = recovery(&embed(), &matrices);
        assert_eq!(components_of(&recovery), [Some(0), Some(1), None]);
        assert!(!recovery.verdict.unwrap().recovered);
    }

    #[test]
    fn duplicates_are_found_as_leaks() {
        let recovery = recovery(&embed(), &one_feature_each(&[0, 1, 2, 2], 1.0));
        assert!(!recovery.verdict.unwrap().recovered);
        assert_eq!(recovery.features[2].as_ref().unwrap().leak, 1.0);
        assert_eq!(recovery.components.iter().filter(|component| component.feature.is_none()).count(), 1);
    }

    #[test]
    fn components_that_are_not_numbers_recover_nothing() {
        assert!(!is_recovered(&(one_feature_each(&[0, 1, 2], 1.0) * f64::NAN)));
    }

    /// Features 0 and 2 of the plane, and between them one that the target holds `share` of the largest norm of.
    fn with_a_small_one(share: f64) -> Tensor {
        Tensor::from_slice2(&[[3.0, 0.0], [0.0, 3.0 * share], [-1.0, -1.0]])
    }

    #[test]
    fn features_without_weights_are_left_out_of_everything() {
        // Two components hold the two features; they and a third hold, in row 1, what cancels and is no mechanism.
        let matrices = Tensor::stack(
            &[
                Tensor::from_slice2(&[[3.0, 0.0], [0.0, 1e-3], [0.0, 0.0]]),
                Tensor::from_slice2(&[[0.0, 0.0], [0.0, -2e-3], [-1.0, -1.0]]),
                Tensor::from_slice2(&[[0.0, 0.0], [0.0, 1e-3], [0.0, 0.0]]),
            ],
            0,
        );
        for share in [0.0, 1e-30, 0.999e-3] {
            let recovery = recovery(&with_a_small_one(share), &matrices);
            let verdict = recovery.verdict.unwrap();
            let is_one = |number: f64| (number - 1.0).abs() < 1e-12;
            assert!(verdict.recovered && is_one(verdict.mmcs) && is_one(verdict.ml2r), "{share}: {recovery:?}");
            assert_eq!(recovery.features[1], None);
            assert_eq!(components_of(&recovery), [Some(0), None, Some(1)]);
            let components: Vec<_> = recovery.components.iter().map(|matched| matched.feature).collect();
            assert_eq!(components, [Some(0), Some(2), None]);
            assert!(recovery.components.iter().all(|matched| matched.largest_leak == 0.0));
        }
        let judged = recovery(&with_a_small_one(1.001e-3), &matrices);
        assert!(judged.features[1].is_some() && !judged.verdict.unwrap().recovered);
    }

    #[test]
    fn a_target_without_any_weights_has_no_verdict() {
        let recovery = recovery(&(embed() * 0.0), &one_feature_each(&[0, 1, 2], 1.0));
        assert_eq!((recovery.verdict, &recovery.features[..]), (None, &[None, None, None][..]));
        assert!(recovery.components.iter().all(|matched| matched.feature.is_none()));
    }

    #[test]
    fn a_target_of_nan_is_judged_and_not_recovered() {
        let recovery = recovery(&(embed() * f64::NAN), &one_feature_each(&[0, 1, 2], 1.0));
        assert!(!recovery.verdict.unwrap().recovered);
    }

    #[test]
    fn one_feature_alone_and_features_with_equal_rows_are_judged_as_any() {
        let alone = Tensor::from_slice2(&[[0.0, 1e-9]]);
        assert!(recovery(&alone, &alone.unsqueeze(0)).verdict.unwrap().recovered);
        let twins = Tensor::from_slice2(&[[1.0, 1.0], [1.0, 1.0]]);
        let each = Tensor::eye(2, (Kind::Double, tch::Device::Cpu)).unsqueeze(2) * twins.unsqueeze(0);
        assert!(recovery(&twins, &each).verdict.unwrap().recovered);
    }
}
