//! The measurements of a finished decomposition, and the tables they go into.

use super::tables::{self, ComponentRow, FeatureRow, RankRow, SummaryRow};
use crate::{
    components::Components,
    fit::InputStream,
    method::{Decomposition, Method},
    metric::{Activity, Recovery, Spectrum, error_with_one_component, measure_activity, recovery, spectra},
    network::{Network, Weights},
    random::Purpose,
    run::{Interrupt, RunError, RunFolder, write_table},
    site::SiteIndex,
    spec::Spec,
};

/// Leading singular values in `ranks.csv`.
const SINGULAR_VALUES: usize = 10;

/// Measures every replica and writes all tables but the training's. `summary.csv` is the last. `Ok(false)`: interrupted.
pub fn measure(
    spec: &Spec,
    weights: &Weights,
    components: &Components,
    folder: &RunFolder,
    interrupt: &Interrupt,
) -> Result<bool, RunError> {
    let mut replicas = Vec::new();
    for replica in 0..spec.seeds.len() {
        if interrupt.requested() {
            return Ok(false);
        }
        replicas.push(Replica::measure(spec, replica, weights.replica(replica), components.replica(replica)));
    }
    let width = replicas.iter().flat_map(|replica| replica.ranks.iter().map(|row| row.singular_values.len())).max();
    let width = width.unwrap_or(0);
    let names: Vec<String> = (1..=width).map(|index| format!("singular_value_{index}")).collect();
    let rank_columns: Vec<&str> = tables::RANKS.iter().copied().chain(names.iter().map(String::as_str)).collect();
    let rank_rows = replicas.iter().flat_map(|replica| &replica.ranks).map(|row| row.padded(width));
    write_table(&folder.ranks_table(), &rank_columns, rank_rows)?;
    write_table(&folder.features_table(), tables::FEATURES, replicas.iter().flat_map(|replica| &replica.features))?;
    write_table(
        &folder.components_table(),
        tables::COMPONENTS,
        replicas.iter().flat_map(|replica| &replica.components),
    )?;
    write_table(&folder.summary_table(), tables::SUMMARY, replicas.iter().map(|replica| &replica.summary))?;
    Ok(true)
}

/// The rows of one replica.
struct Replica {
    summary: SummaryRow,
    components: Vec<ComponentRow>,
    ranks: Vec<RankRow>,
    features: Vec<FeatureRow>,
}

impl Replica {
    fn measure(spec: &Spec, replica: usize, weights: Weights, components: Components) -> Self {
        let network = &spec.target.network;
        let Method::Apd(apd) = &spec.method;
        let seed = spec.seeds[replica];
        let inputs = InputStream {
            inputs: spec.target.inputs.clone(),
            features: network.features(),
            seeds: vec![seed],
            purpose: Purpose::MeasurementInputs,
        };
        let decomposition = Decomposition::new(network, &weights, vec![apd.clone()], components);
        let activity = measure_activity(&decomposition, &inputs, spec.measurement.samples, spec.decomposition.batch);
        let components = decomposition.into_components();
        let recovery = matches!(network, Network::Tms(_)).then(|| {
            let embed = SiteIndex(0);
            recovery(&weights.sites[embed].squeeze_dim(0), &components.factors[embed].matrices().squeeze_dim(0))
        });
        let recovery = recovery.as_ref();
        let ranks = rank_rows(spec, replica, &components);
        let error_alone = |feature: usize, component: Option<usize>| {
            component.map(|component| error_with_one_component(network, &weights, &components, feature, component))
        };
        Self {
            summary: summary_row(replica, seed, &activity, recovery, &ranks),
            components: component_rows(replica, &activity, recovery, &components),
            features: recovery.map_or(Vec::new(), |recovery| feature_rows(replica, recovery, error_alone)),
            ranks,
        }
    }
}

fn summary_row(
    replica: usize,
    seed: u64,
    activity: &Activity,
    recovery: Option<&Recovery>,
    ranks: &[RankRow],
) -> SummaryRow {
    let alive = activity.alive();
    let ranks = ranks.iter().filter(|row| alive[row.component]).map(|row| row.numerical_rank as f64);
    let (count, sum) = ranks.fold((0, 0.0), |(count, sum), rank| (count + 1, sum + rank));
    let term = |name| activity.term(name).unwrap_or(f64::NAN);
    SummaryRow {
        replica,
        seed,
        faithfulness: term("faithfulness"),
        minimality: activity.term("minimality").or(activity.term("minimality_lp")).unwrap_or(f64::NAN),
        simplicity: term("simplicity"),
        total: term("total"),
        mmcs: recovery.map(|recovery| recovery.mmcs),
        ml2r: recovery.map(|recovery| recovery.ml2r),
        mean_active: activity.mean_active(),
        alive: alive.iter().filter(|alive| **alive).count(),
        mean_rank: (count > 0).then(|| sum / f64::from(count)),
        recovered: recovery.map(|recovery| recovery.recovered),
    }
}

fn component_rows(
    replica: usize,
    activity: &Activity,
    recovery: Option<&Recovery>,
    components: &Components,
) -> Vec<ComponentRow> {
    let norms = Vec::<f64>::try_from(components.squared_norms().squeeze_dim(0)).expect("one axis");
    let all: f64 = norms.iter().sum();
    let (frequencies, alive) = (activity.frequencies(), activity.alive());
    let row = |component: usize| {
        let matched = recovery.map(|recovery| &recovery.components[component]);
        let own = matched.and_then(|matched| matched.feature);
        let feature = own.and_then(|feature| Some(&recovery?.features[feature]));
        ComponentRow {
            replica,
            component,
            activation_frequency: frequencies[component],
            mean_attribution: activity.mean_attributions[component],
            matched_feature: own,
            cosine: feature.map(|feature| feature.cosine),
            norm_ratio: feature.map(|feature| feature.norm_ratio),
            largest_leak: matched.map(|matched| matched.largest_leak),
            alive: alive[component],
            norm_share: norms[component] / all,
        }
    };
    (0..norms.len()).map(row).collect()
}

fn feature_rows(
    replica: usize,
    recovery: &Recovery,
    error_alone: impl Fn(usize, Option<usize>) -> Option<f64>,
) -> Vec<FeatureRow> {
    let row = |(feature, matched): (usize, &crate::metric::FeatureMatch)| FeatureRow {
        replica,
        feature,
        component: matched.component,
        cosine: matched.cosine,
        norm_ratio: matched.norm_ratio,
        leak: matched.leak,
        error_alone: error_alone(feature, matched.component),
    };
    recovery.features.iter().enumerate().map(row).collect()
}

fn rank_rows(spec: &Spec, replica: usize, components: &Components) -> Vec<RankRow> {
    let sites = spec.target.network.sites();
    let of_site = |(site, factors)| {
        let spectra: Vec<Spectrum> = spectra(factors);
        let name = &sites[site].name;
        let row = |(component, spectrum): (usize, Spectrum)| RankRow {
            replica,
            component,
            site: name.clone(),
            numerical_rank: spectrum.numerical_rank(spec.measurement.rank_threshold),
            stable_rank: spectrum.stable_rank(),
            entropy_rank: spectrum.entropy_rank(),
            frobenius_norm: spectrum.frobenius_norm(),
            nuclear_norm: spectrum.nuclear_norm(),
            singular_values: spectrum.singular_values.iter().take(SINGULAR_VALUES).copied().map(Some).collect(),
        };
        spectra.into_iter().enumerate().map(row).collect::<Vec<_>>()
    };
    components.factors.enumerate().flat_map(of_site).collect()
}
