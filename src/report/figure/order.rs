//! The order in which components stand in tables of components.

use std::collections::BTreeMap;

use crate::report::run_data::RunData;

/// The components that occur in `attributions.csv` of this replica, by the feature on which each has its largest
/// attribution, and then by that attribution, the largest first.
pub fn by_attribution(run: &RunData, replica: usize) -> Vec<usize> {
    let rows = run.evidence.attributions.iter().filter(|row| row.replica == replica && row.attribution.is_finite());
    by_strongest(rows.map(|row| (row.component, row.feature, row.attribution)))
}

/// The components of some (component, feature, strength), by the feature on which each is strongest, and then by that strength,
/// the largest first.
pub fn by_strongest(entries: impl Iterator<Item = (usize, usize, f64)>) -> Vec<usize> {
    let mut strongest: BTreeMap<usize, (usize, f64)> = BTreeMap::new();
    for (component, feature, strength) in entries {
        let best = strongest.entry(component).or_insert((feature, strength));
        if strength > best.1 {
            *best = (feature, strength);
        }
    }
    let mut components: Vec<(usize, (usize, f64))> = strongest.into_iter().collect();
    components.sort_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    components.into_iter().map(|(component, _)| component).collect()
}

/// Those of `count` components that are not dead, with what is known of each: the matched ones in the order of their features, then
/// the others.
pub fn by_feature(run: &RunData, replica: usize, count: usize, feature_is: &str) -> Vec<(usize, String)> {
    let row = |component| run.components.iter().find(|row| (row.replica, row.component) == (replica, component));
    let mut components: Vec<(usize, Option<usize>, String)> = (0..count)
        .filter_map(|component| match row(component) {
            None => Some((component, None, String::new())),
            Some(row) if row.alive == Some(false) => None,
            Some(row) => Some((
                component,
                row.matched_feature,
                match row.matched_feature {
                    Some(feature) => format!("{feature_is} {feature}"),
                    None => format!("no {feature_is}"),
                },
            )),
        })
        .collect();
    components.sort_by_key(|(_, feature, _)| feature.unwrap_or(usize::MAX));
    components.into_iter().map(|(component, _, note)| (component, note)).collect()
}
