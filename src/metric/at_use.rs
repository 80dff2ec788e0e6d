//! What learned importances are at one use of a decomposed matrix: how many, how large, and whether they tell features apart.

use tch::{Kind, Tensor};

use super::assignment::assign;
use crate::method::AtUse;

/// An importance within this of 1 is one, and within this of 0 none, where nothing else is said.
pub const IMPORTANCE_TOLERANCE: f64 = 0.1;

/// Bins of the histogram of importances, from 0 to 1.
const BINS: usize = 20;

/// What the components of one use count on many samples.
#[derive(Clone, Debug, PartialEq)]
pub struct UseActivity {
    /// Share of the samples on which each component is active.
    pub frequencies: Vec<f64>,
    /// Mean of each component's importance over all samples.
    pub means: Vec<f64>,
    /// Share of all samples and components whose importance is in each of even bins from 0 to 1.
    pub histogram: Vec<f64>,
}

impl UseActivity {
    pub(super) fn nothing_yet(observed: &AtUse) -> Self {
        let zeros = vec![0.0; observed.importances.size()[2] as usize];
        Self { frequencies: zeros.clone(), means: zeros, histogram: vec![0.0; BINS] }
    }

    /// Adds the share of some of so many `samples`.
    pub(super) fn add(&mut self, AtUse { importances, active }: &AtUse, samples: usize) {
        let of_component = |tensor: &Tensor| tensor.sum_dim_intlist([0, 1].as_slice(), false, Kind::Double);
        let bins = (importances * BINS as f64).floor().clamp(0.0, BINS as f64 - 1.0).to_kind(Kind::Int64);
        let bins = bins.flatten(0, -1).bincount(None::<Tensor>, BINS as i64);
        let entries = (samples * self.means.len()) as f64;
        for (sums, tensor, number) in [
            (&mut self.frequencies, of_component(active), samples as f64),
            (&mut self.means, of_component(importances), samples as f64),
            (&mut self.histogram, bins.to_kind(Kind::Double), entries),
        ] {
            let numbers = Vec::<f64>::try_from(tensor).expect("one axis");
            sums.iter_mut().zip(numbers).for_each(|(sum, more)| *sum += more / number);
        }
    }

    /// Number of components that are active on a sample, on average: the field's CI-L0.
    pub fn mean_active(&self) -> f64 {
        self.frequencies.iter().sum()
    }

    /// Number of components that are active on some sample.
    pub fn alive(&self) -> usize {
        self.frequencies.iter().filter(|frequency| **frequency > 0.0).count()
    }
}

/// How far the importances of components on inputs with one active feature, `[feature][component]`, are from one component a
/// feature: components are assigned to features so that the sum of the assigned entries is largest, and of the others those
/// above `tolerance` are counted, of the assigned ones those below 1 less it. `None` where there are more features than components.
///
/// `IdentityCIError` of the code of Bushnaq, Braun and Sharkey (2025).
pub fn identity_error(importances: &[Vec<f64>], tolerance: f64) -> Option<usize> {
    let components = importances.first()?.len();
    let assigned = (importances.len() <= components)
        .then(|| assign(importances.len(), components, |feature, component| importances[feature][component]))?;
    let wrong = |(feature, row): (usize, &Vec<f64>)| {
        let is_wrong = |(component, &importance): (usize, &f64)| match assigned[feature] == Some(component) {
            true => importance < 1.0 - tolerance,
            false => importance > tolerance,
        };
        row.iter().copied().enumerate().filter(|(component, importance)| is_wrong((*component, importance))).count()
    };
    Some(importances.iter().enumerate().map(wrong).sum())
}

/// How far the same importances are from `number` components for all features: of the components with the largest sums as many
/// are taken and those counted that are nowhere at least 1 less `tolerance`; of the others the entries above it are counted. `None` where there
/// are fewer components.
///
/// `DenseCIError` of the same code.
pub fn dense_error(importances: &[Vec<f64>], number: usize, tolerance: f64) -> Option<usize> {
    let components = importances.first()?.len();
    if number > components {
        return None;
    }
    let column = |component: usize| importances.iter().map(move |row| row[component]);
    let mut order: Vec<usize> = (0..components).collect();
    order.sort_by(|&left, &right| column(right).sum::<f64>().total_cmp(&column(left).sum()));
    let (dense, others) = order.split_at(number);
    let without_one = |&&component: &&usize| column(component).all(|importance| importance < 1.0 - tolerance);
    let stray = others.iter().flat_map(|&component| column(component)).filter(|importance| *importance > tolerance);
    Some(dense.iter().filter(without_one).count() + stray.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_component_a_feature_has_no_identity_error_in_whatever_order() {
        assert_eq!(identity_error(&[vec![0.0, 0.05, 0.95], vec![1.0, 0.1, 0.0]], 0.1), Some(0));
        // 0.85 is not one, 0.2 not none; the third component is assigned to none and counts too.
        assert_eq!(identity_error(&[vec![0.85, 0.2, 0.0], vec![0.0, 1.0, 0.3]], 0.1), Some(3));
        assert_eq!(identity_error(&[vec![1.0], vec![0.0]], 0.1), None);
        assert_eq!(identity_error(&[], 0.1), None);
    }

    #[test]
    fn components_for_all_features_have_no_dense_error() {
        let importances = [vec![0.0, 1.0, 0.9, 0.1], vec![0.05, 0.0, 0.95, 0.0]];
        assert_eq!(dense_error(&importances, 2, 0.1), Some(0));
        // The second of the largest is nowhere one, and one entry of the others is above 0.1.
        assert_eq!(dense_error(&[vec![0.5, 1.0, 0.2]], 2, 0.1), Some(2));
        assert_eq!(dense_error(&importances, 1, 0.1), Some(1));
        assert_eq!(dense_error(&importances, 5, 0.1), None);
    }

    #[test]
    fn shares_of_two_batches_are_those_of_all_samples() {
        let batch = |importances: [f32; 4]| {
            let importances = crate::slices::tensor_from(&[1, 2, 2], importances.into_iter());
            AtUse { active: importances.gt(0.5).to_kind(Kind::Float), importances }
        };
        let batches = [batch([0.0, 1.0, 0.25, 0.75]), batch([0.0, 0.0, 0.75, 0.0])];
        let mut activity = UseActivity::nothing_yet(&batches[0]);
        batches.iter().for_each(|batch| activity.add(batch, 4));
        assert_eq!(
            (activity.frequencies.as_slice(), activity.means.as_slice()),
            (&[0.25, 0.5][..], &[0.25, 0.4375][..])
        );
        assert_eq!((activity.mean_active(), activity.alive()), (0.75, 2));
        assert_eq!((activity.histogram[0], activity.histogram[19]), (0.5, 0.125));
        assert!((activity.histogram.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
