//! Conditions between settings of different parts of a spec. Those within one part are checked where it is read.

use super::{Spec, TableReader};
use crate::{method::Method, selection::Selection};

pub fn check(spec: &Spec, table: &mut TableReader) {
    let Method::Apd(apd) = &spec.method;
    let Selection::BatchTopK(selection) = apd.selection;
    let (k, components, batch) = (selection.k, apd.components, spec.decomposition.batch);
    const K: &str = "method.apd.selection.batch_top_k.k";
    table.check(
        &[K, "method.apd.components"],
        k <= components as f64,
        "`k` must be at most the number of components",
        format!("`components` is {components}"),
    );
    table.check(
        &[K, "decomposition.batch"],
        selection.pairs(batch) >= 1,
        "`k` times `decomposition.batch` must be at least 1, or nothing is ever selected",
        format!("{k} * {batch} is less"),
    );
}
