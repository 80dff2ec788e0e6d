//! Whether replicas agree: the components of one matched to those of another.

use tch::{Kind, Tensor};

use super::assignment::assign;
use crate::components::Components;

/// The mean cosine of the best assignment of one replica's components to another's, of `(of_one, of_other)` components and the
/// cosine of two of them. Where one has more, those left over count 0. 0 if neither has any.
pub fn agreement((of_one, of_other): (usize, usize), cosine: impl Fn(usize, usize) -> f64) -> f64 {
    let assigned = assign(of_one, of_other, &cosine);
    let matched = assigned.iter().enumerate().filter_map(|(one, other)| Some(cosine(one, (*other)?)));
    matched.sum::<f64>() / of_one.max(of_other).max(1) as f64
}

/// The mean of `agreement(replica, other)` over all other replicas, for every replica; `None` for one alone.
pub fn mean_agreements(replicas: usize, agreement: impl Fn(usize, usize) -> f64) -> Vec<Option<f64>> {
    let mut sums = vec![0.0; replicas];
    for one in 0..replicas {
        for other in 0..one {
            let agreement = agreement(one, other);
            sums[one] += agreement;
            sums[other] += agreement;
        }
    }
    sums.into_iter().map(|sum| (replicas > 1).then(|| sum / (replicas - 1) as f64)).collect()
}

/// cos(P_c, Q_d) over all sites together between the components of two decompositions of one target, each of one replica (axis
/// kept), `[c][d]`. Parameters of different targets have nothing in common: their basis is one of training's chance.
pub fn parameter_cosines(components: &Components, others: &Components) -> Vec<Vec<f64>> {
    let mut products: Option<Tensor> = None;
    for (factors, other) in components.at_all_sites().iter().zip(others.at_all_sites().iter()) {
        let flat = |matrices: Tensor| matrices.squeeze_dim(0).flatten(1, 2);
        let product = flat(factors.matrices()).matmul(&flat(other.matrices()).tr()).to_kind(Kind::Double);
        products = Some(products.map_or(product.shallow_clone(), |sum| sum + product));
    }
    let lengths = |components: &Components| components.squared_norms().squeeze_dim(0).sqrt();
    let lengths = lengths(components).unsqueeze(1) * lengths(others).unsqueeze(0);
    let cosines = products.expect("a network has a site") / lengths.clamp_min(f64::MIN_POSITIVE);
    Vec::try_from(cosines.nan_to_num(0.0, None, None)).expect("a table of components")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::tiny;

    #[test]
    fn components_agree_in_whatever_order_they_stand() {
        let cosines = [[0.1, 0.9], [0.7, 0.2]];
        assert_eq!(agreement((2, 2), |one, other| cosines[one][other]), 0.8);
    }

    #[test]
    fn components_without_a_partner_count_nothing() {
        assert_eq!(agreement((1, 3), |_, other| [0.2, 0.9, 0.3][other]), 0.3);
        assert_eq!(agreement((3, 1), |one, _| [0.2, 0.9, 0.3][one]), 0.3);
        assert_eq!(agreement((0, 0), |_, _| 1.0), 0.0);
    }

    #[test]
    fn a_replica_agrees_with_the_others_on_average() {
        let agreements = [[1.0, 0.5, 0.25], [0.5, 1.0, 0.75], [0.25, 0.75, 1.0]];
        let found = mean_agreements(3, |one, other| agreements[one][other]);
        assert_eq!(found, [Some(0.375), Some(0.625), Some(0.5)]);
        assert_eq!(mean_agreements(1, |_, _| 1.0), [None]);
    }

    #[test]
    fn cosines_are_over_all_sites_and_zero_for_a_component_of_nothing() {
        let components = tiny::residual_mlp().components;
        let found = parameter_cosines(&components, &components);
        // Component 1 is (1, 1.5) at the two sites, component 2 (0, 0.5): 1.5 / sqrt(1 + 1.5^2).
        let expected = 1.5 / 3.25_f64.sqrt();
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        near(found[0][0], 1.0);
        near(found[1][2], expected);
        near(found[2][1], expected);
        assert_eq!((found[0][1], found[3][3]), (0.0, 0.0));
    }
}
