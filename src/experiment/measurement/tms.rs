//! What is measured of toy models of superposition: whether the components are the features.

use super::{Subject, responses::response_rows, scores::mean_attributions};
use crate::{
    interrupt::Interrupted,
    metric::{FeatureMatch, Partial, Recovery, Spectrum, error_with_one_component, recovery, responses},
    run::{RunError, RunFolder},
    site::SiteIndex,
    table::{ComponentRow, ResponseRow, SummaryRow, TmsFeatureRow},
};

/// A component is alive on a hidden layer if its Frobenius norm there is above this share of the largest component's.
const ALIVE_SHARE: f64 = 0.1;

pub struct Mechanisms {
    recovery: Recovery,
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
        let embed = SiteIndex(0);
        let recovery =
            recovery(&weights.sites[embed].squeeze_dim(0), &components.all_at(embed).matrices().squeeze_dim(0));
        let error_alone = |feature: usize, component: usize| {
            error_with_one_component(decomposed.network(), weights, components, feature, component)
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
                error_alone: component.map(|component| error_alone(feature, component)),
                represented: Some(matched.is_some()),
            }
        };
        let features = recovery.features.iter().enumerate().map(row).collect();
        let hidden = &subject.spectra[1..];
        let alive_on_hidden = (!hidden.is_empty()).then(|| alive_on(hidden));
        let responses = subject.responses(&recovery);
        Ok(Self {
            recovery,
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
    }

    fn write(replicas: &[Self], folder: &RunFolder) -> Result<(), RunError> {
        folder.write_table(replicas.iter().flat_map(|replica| &replica.features))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.responses))
    }
}

impl Subject<'_> {
    /// For every feature with its matched component and no other, not even one that is always active.
    fn responses(&self, recovery: &Recovery) -> Vec<ResponseRow> {
        let partial = Partial { last_always_active: false, ..Partial::of(self.decomposed) };
        let matched: Vec<Option<usize>> = recovery.features.iter().map(|matched| matched.as_ref()?.component).collect();
        let components: Vec<usize> = matched.iter().map(|component| component.unwrap_or_default()).collect();
        let found = responses(&partial, &components, &partial.weights.biases[0]);
        let has_component: Vec<bool> = matched.iter().map(Option::is_some).collect();
        response_rows(self.replica, &found, &has_component)
    }
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
    fn a_component_is_alive_where_its_norm_is_not_small() {
        let spectrum = |norm: f64| Spectrum { singular_values: vec![norm] };
        let site = |norms: [f64; 4]| norms.map(spectrum).to_vec();
        assert_eq!(alive_on(&[site([1.0, 0.2, 0.05, 0.0])]), 2);
        assert_eq!(alive_on(&[site([1.0, 0.2, 0.05, 0.0]), site([0.0, 0.0, 3.0, 0.1])]), 3);
        assert_eq!(alive_on(&[site([0.0; 4])]), 0);
    }
}
