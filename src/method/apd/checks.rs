//! Conditions between the settings of the method, and with those of its target and its training.

use super::{Apd, LastComponent};
use crate::{attribution::Attribution, method::Circumstances, selection::Selection, settings::TableReader};

pub fn check(apd: &Apd, Circumstances { network, training }: Circumstances, table: &mut TableReader) {
    let (components, candidates, batch) = (apd.components, apd.candidates(), training.batch);
    const BATCH_K: &str = "method.apd.selection.batch_top_k.k";
    const SAMPLE_K: &str = "method.apd.selection.sample_top_k.k";
    let (key, k) = match apd.selection {
        Selection::BatchTopK(rule) => (BATCH_K, rule.k),
        Selection::SampleTopK { k } => (SAMPLE_K, k as f64),
        Selection::Exact {} | Selection::Lp { .. } => (BATCH_K, 0.0),
    };
    table.check(
        &["method.apd.components", "method.apd.last_component"],
        candidates > 0,
        "there must be a component beside the one that is always active",
        "this is the only one",
    );
    table.check(
        &[key, "method.apd.components"],
        k <= candidates as f64,
        "`k` must be at most the number of components",
        format!("`components` is {components}"),
    );
    table.check(
        &["method.apd.attribution", "method.apd.selection"],
        apd.selection.lp_power().is_none() || apd.attribution == Attribution::Gradient,
        "the L_p form needs gradient attributions, through which it trains",
        "these are others",
    );
    table.check(
        &["method.apd.last_component", "method.apd.selection"],
        apd.selection.lp_power().is_none() || apd.last_component == LastComponent::Selected,
        "the L_p form selects nothing, so no component of it is always active",
        "this asks for one",
    );
    table.check(
        &["method.apd.activity_floor", "method.apd.selection"],
        apd.selection.lp_power().is_none() || apd.activity_floor == 0.0,
        "the L_p form has no `activity_floor`: its components are active on every sample",
        "this must be 0",
    );
    if let Selection::BatchTopK(rule) = apd.selection {
        table.check(
            &[key, "decomposition.batch"],
            rule.pairs(batch) >= 1,
            "`k` times `decomposition.batch` must be at least 1, or nothing is ever selected",
            format!("{k} * {batch} is less"),
        );
    }
    table.check(
        &["method.apd.coefficients.hidden"],
        apd.coefficients.hidden == 0.0 || network.has_hidden_activations(),
        "the hidden loss needs a network with hidden activations",
        "this one has none between its input and its output",
    );
}
