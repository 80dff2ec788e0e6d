//! What is measured of toy models of superposition: whether the components are the features.

use tch::Tensor;

use super::{Subject, responses::response_rows, scores::mean_attributions};
use crate::{
    interrupt::Interrupted,
    metric::{
        ComponentMatch, FeatureMatch, Partial, Recovery, Spectrum, error_with_components, recovery, responses,
        without_dead,
    },
    run::{RunError, RunFolder},
    site::{Role, SiteIndex},
    table::{ComponentRow, ResponseRow, SummaryRow, TmsFeatureRow},
};

/// A component is alive on a hidden layer if its Frobenius norm there is above this share of the largest component's.
const ALIVE_SHARE: f64 = 0.1;

pub struct Mechanisms {
    recovery: Recovery,
    /// What the components of an unembedding are to its features, where they live there alone.
    of_unembedding: Option<Vec<ComponentMatch>>,
    features: Vec<TmsFeatureRow>,
    /// Means of A_c(x)^2, `[feature][component]`.
    mean_attributions: Vec<Vec<f64>>,
    responses: Vec<ResponseRow>,
    /// Components alive on a hidden layer, where there is one.
    alive_on_hidden: Option<usize>,
}

impl super::Mechanisms for Mechanisms {
    fn measure(subject: &Subject) -> Result<Self, Interrupted> {
        let Subject { decomposed, replica, .. } = *subject;
        let (weights, components) = (decomposed.weights(), decomposed.components());
        let roles = decomposed.network().roles();
        let alive = subject.activity.alive();
        let recovery_at = |site: usize, by_feature: fn(&Tensor) -> Tensor| {
            let site = SiteIndex(site);
            let [target, matrices] = [&weights.sites[site], &components.all_at(site).matrices()];
            let matrices = by_feature(&matrices.squeeze_dim(0));
            // What lives at all sites is compared as its authors do, the dead too.
            let matrices = if components.live_everywhere() { matrices } else { without_dead(&matrices, &alive) };
            recovery(&by_feature(&target.squeeze_dim(0)), &matrices)
        };
        let mut recovery = recovery_at(0, Tensor::shallow_clone);
        let unembedding = roles.iter().position(|role| *role == Role::Unembedding);
        let written = unembedding.map(|site| recovery_at(site, Tensor::mt));
        if let (Some(verdict), Some(written)) = (&mut recovery.verdict, &written) {
            verdict.recovered &= written.verdict.is_none_or(|verdict| verdict.recovered);
            verdict.recovered &=
                !components.live_everywhere() || have_same_components(&recovery.features, &written.features);
        }
        let through_all = roles.iter().enumerate().filter(|(_, role)| matches!(role, Role::Hidden { .. }));
        let through_all = through_all.flat_map(|(site, _)| components.numbers_at(SiteIndex(site)));
        let through_all: Vec<usize> = match components.live_everywhere() {
            true => Vec::new(),
            false => through_all.map(|component| component as usize).collect(),
        };
        let mechanism = |feature: usize| {
            let at_site = |recovery: &Recovery| recovery.features[feature].as_ref()?.component;
            let written = written.as_ref().filter(|_| !components.live_everywhere());
            let own = at_site(&recovery).into_iter().chain(written.and_then(at_site));
            own.chain(through_all.iter().copied()).collect::<Vec<_>>()
        };
        let mechanisms: Vec<Vec<usize>> = (0..recovery.features.len()).map(mechanism).collect();
        let error_alone = |feature: usize| {
            error_with_components(decomposed.network(), weights, components, feature, &mechanisms[feature])
        };
        let row = |(feature, matched): (usize, &Option<FeatureMatch>)| {
            let matched = matched.as_ref();
            let component = matched.and_then(|matched| matched.component);
            TmsFeatureRow {
                replica,
                feature,
                component,
                cosine: matched.map(|matched| matched.cosine),
                norm_ratio: matched.map(|matched| matched.norm_ratio),
                leak: matched.map(|matched| matched.leak),
                error_alone: component.map(|_| error_alone(feature)),
                represented: Some(matched.is_some()),
            }
        };
        let features = recovery.features.iter().enumerate().map(row).collect();
        let hidden_layers = roles.iter().filter(|role| matches!(role, Role::Hidden { .. })).count();
        let hidden = &subject.spectra[1..=hidden_layers];
        let alive_on_hidden = (!hidden.is_empty()).then(|| alive_on(hidden));
        let responses = subject.responses(&recovery, &mechanisms);
        let of_unembedding = written.filter(|_| !components.live_everywhere()).map(|written| written.components);
        Ok(Self {
            recovery,
            of_unembedding,
            features,
            mean_attributions: mean_attributions(subject.spec, subject.decomposed, subject.work)?,
            responses,
            alive_on_hidden,
        })
    }

    fn mean_attributions(&self) -> &[Vec<f64>] {
        &self.mean_attributions
    }

    fn represented(&self) -> Vec<bool> {
        self.recovery.features.iter().map(Option::is_some).collect()
    }

    fn summarise(&self, row: &mut SummaryRow) {
        row.mmcs = self.recovery.verdict.map(|verdict| verdict.mmcs);
        row.ml2r = self.recovery.verdict.map(|verdict| verdict.ml2r);
        row.recovered = self.recovery.verdict.map(|verdict| verdict.recovered);
        row.alive_on_hidden = self.alive_on_hidden;
    }

    fn describe(&self, rows: &mut [ComponentRow]) {
        for (row, matched) in rows.iter_mut().zip(&self.recovery.components) {
            let feature = matched.feature.and_then(|feature| self.recovery.features[feature].as_ref());
            row.matched_feature = matched.feature;
            row.cosine = feature.map(|feature| feature.cosine);
            row.norm_ratio = feature.map(|feature| feature.norm_ratio);
            row.largest_leak = self.recovery.verdict.map(|_| matched.largest_leak);
        }
        for (row, written) in rows.iter_mut().zip(self.of_unembedding.iter().flatten()) {
            row.matched_feature = row.matched_feature.or(written.feature);
        }
    }

    fn write(replicas: &[Self], folder: &RunFolder) -> Result<(), RunError> {
        folder.write_table(replicas.iter().flat_map(|replica| &replica.features))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.responses))
    }
}

impl Subject<'_> {
    /// For every feature with its mechanism and no other component, not even one that is always active.
    fn responses(&self, recovery: &Recovery, mechanisms: &[Vec<usize>]) -> Vec<ResponseRow> {
        let partial = Partial { last_always_active: false, ..Partial::of(self.decomposed) };
        let has_component =
            |matched: &Option<FeatureMatch>| matched.as_ref().is_some_and(|found| found.component.is_some());
        let has_component: Vec<bool> = recovery.features.iter().map(has_component).collect();
        let found = responses(&partial, mechanisms, &partial.weights.biases[0]);
        response_rows(self.replica, &found, &has_component)
    }
}

/// Whether every feature that is represented at both of two sites has the same component at both.
fn have_same_components(one: &[Option<FeatureMatch>], other: &[Option<FeatureMatch>]) -> bool {
    let pairs = one.iter().zip(other).filter_map(|(one, other)| one.as_ref().zip(other.as_ref()));
    pairs.into_iter().all(|(one, other)| one.component == other.component)
}

/// How many components are alive on at least one of the sites of `spectra[site][component]`.
fn alive_on(spectra: &[Vec<Spectrum>]) -> usize {
    let norms: Vec<Vec<f64>> = spectra.iter().map(|site| site.iter().map(Spectrum::frobenius_norm).collect()).collect();
    let is_alive = |site: &Vec<f64>, component: usize| {
        let largest = site.iter().copied().fold(0.0, f64::max);
        site[component] > ALIVE_SHARE * largest
    };
    (0..norms[0].len()).filter(|&component| norms.iter().any(|site| is_alive(site, component))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_the_same_component_at_two_sites_or_are_represented_at_one_alone() {
        let of = |components: [Option<usize>; 3]| {
            components.map(|component| {
                component.map(|component| FeatureMatch {
                    component: Some(component),
                    cosine: 1.0,
                    norm_ratio: 1.0,
                    leak: 0.0,
                })
            })
        };
        let one = of([Some(2), Some(0), None]);
        assert!(have_same_components(&one, &of([Some(2), Some(0), Some(1)])));
        assert!(have_same_components(&one, &of([None, Some(0), Some(1)])));
        assert!(!have_same_components(&one, &of([Some(0), Some(2), None])));
    }

    #[test]
    fn a_component_is_alive_where_its_norm_is_not_small() {
        let spectrum = |norm: f64| Spectrum { singular_values: vec![norm] };
        let site = |norms: [f64; 4]| norms.map(spectrum).to_vec();
        assert_eq!(alive_on(&[site([1.0, 0.2, 0.05, 0.0])]), 2);
        assert_eq!(alive_on(&[site([1.0, 0.2, 0.05, 0.0]), site([0.0, 0.0, 3.0, 0.1])]), 3);
        assert_eq!(alive_on(&[site([0.0; 4])]), 0);
    }
}
