//! The rows of the tables that every network has.

use crate::{
    components::Components,
    fit::Divergence,
    metric::{Activity, Coactivity, Description, RatePoint, Spectrum, coactivities},
    site::Site,
    spec::Spec,
    table::{AttributionRow, CoactivityRow, ComponentRow, RankRow, RateDistortionRow, SummaryRow},
};

/// Leading singular values in `ranks.csv`.
const SINGULAR_VALUES: usize = 10;
/// The term that is the error with the trained selection, or stands in its place, as the methods name it.
const MINIMALITY: [&str; 3] = ["minimality", "minimality_lp", "rounded"];

/// Of a replica that has diverged, and so is not measured.
pub fn diverged_row(seed: u64, divergence: &Divergence) -> SummaryRow {
    SummaryRow {
        replica: divergence.replica,
        seed,
        recovered: Some(false),
        diverged_at: Some(divergence.step),
        diverged_in: Some(divergence.what.clone()),
        ..SummaryRow::default()
    }
}

pub fn summary_row(
    replica: usize,
    seed: u64,
    activity: &Activity,
    total_ranks: &[usize],
    rank_rows: &[RankRow],
    remarks: Vec<String>,
) -> SummaryRow {
    let alive = activity.alive();
    let ranks = rank_rows.iter().filter(|row| alive[row.component]).map(|row| row.numerical_rank as f64);
    let (count, sum) = ranks.fold((0, 0.0), |(count, sum), rank| (count + 1, sum + rank));
    let description = Description::new(&activity.frequencies(), total_ranks);
    SummaryRow {
        replica,
        seed,
        faithfulness: activity.term("faithfulness"),
        minimality: MINIMALITY.iter().find_map(|name| activity.term(name)),
        simplicity: activity.term("simplicity"),
        total: activity.term("total"),
        mean_active: Some(activity.mean_active()),
        alive: Some(alive.iter().filter(|alive| **alive).count()),
        mean_rank: (count > 0).then(|| sum / f64::from(count)),
        active_ranks: Some(description.active_ranks),
        description_length: Some(description.bits),
        remarks: Some(remarks.join("; ")).filter(|remarks| !remarks.is_empty()),
        ..SummaryRow::default()
    }
}

pub fn component_rows(replica: usize, activity: &Activity, components: &Components) -> Vec<ComponentRow> {
    let norms = Vec::<f64>::try_from(components.squared_norms().squeeze_dim(0)).expect("one axis");
    let all: f64 = norms.iter().sum();
    let (frequencies, alive) = (activity.frequencies(), activity.alive());
    let row = |component: usize| ComponentRow {
        replica,
        component,
        activation_frequency: frequencies[component],
        mean_attribution: activity.mean_attributions[component],
        alive: Some(alive[component]),
        norm_share: norms[component] / all,
        ..ComponentRow::default()
    };
    (0..norms.len()).map(row).collect()
}

pub fn rank_rows(spec: &Spec, replica: usize, spectra: &[Vec<Spectrum>]) -> Vec<RankRow> {
    let sites = spec.target.network.sites();
    let of_site = |(site, spectra): (&Site, &Vec<Spectrum>)| {
        let row = |(component, spectrum): (usize, &Spectrum)| RankRow {
            replica,
            component,
            site: site.name.clone(),
            numerical_rank: spectrum.numerical_rank(spec.measurement.rank_threshold),
            stable_rank: spectrum.stable_rank(),
            entropy_rank: spectrum.entropy_rank(),
            frobenius_norm: spectrum.frobenius_norm(),
            nuclear_norm: spectrum.nuclear_norm(),
            singular_value: spectrum.singular_values.iter().take(SINGULAR_VALUES).copied().map(Some).collect(),
        };
        spectra.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    sites.iter().zip(spectra).flat_map(of_site).collect()
}

pub fn rate_distortion_rows(replica: usize, curve: Vec<RatePoint>) -> Vec<RateDistortionRow> {
    let row = |RatePoint { description, error }| RateDistortionRow {
        replica,
        mean_active: description.active,
        active_ranks: description.active_ranks,
        description_length: description.bits,
        error,
    };
    curve.into_iter().map(row).collect()
}

/// Of the alive components, or of all if none is, from means of A_c(x)^2, `[feature][component]`.
pub fn attribution_rows(replica: usize, alive: &[bool], mean_attributions: &[Vec<f64>]) -> Vec<AttributionRow> {
    let none_alive = !alive.contains(&true);
    let of_feature = |(feature, means): (usize, &Vec<f64>)| {
        let shown = means.iter().enumerate().filter(|(component, _)| none_alive || alive[*component]);
        let row =
            |(component, mean): (usize, &f64)| AttributionRow { replica, feature, component, attribution: mean.sqrt() };
        shown.map(row).collect::<Vec<_>>()
    };
    mean_attributions.iter().enumerate().flat_map(of_feature).collect()
}

/// `None` in the L_p form, which selects nothing.
pub fn coactivity_rows(replica: usize, activity: &Activity) -> Option<Vec<CoactivityRow>> {
    let both = activity.both_active_samples.as_ref()?;
    let row = |Coactivity { component, other, correlation }| CoactivityRow { replica, component, other, correlation };
    Some(coactivities(activity.samples, &activity.active_samples, both).into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_components_have_no_attributions_unless_all_are_dead() {
        let rows = |alive: [bool; 2]| {
            let rows = attribution_rows(3, &alive, &[vec![4.0, 0.0], vec![0.25, 9.0]]);
            rows.iter().map(|row| (row.feature, row.component, row.attribution)).collect::<Vec<_>>()
        };
        assert_eq!(rows([true, false]), [(0, 0, 2.0), (1, 0, 0.5)]);
        assert_eq!(rows([false, false]), [(0, 0, 2.0), (0, 1, 0.0), (1, 0, 0.5), (1, 1, 3.0)]);
    }
}
