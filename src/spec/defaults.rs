//! What is filled into a spec without a method.
//!
//! It goes into the tree of the spec as if the file said it, so that `--set` and sweeps change single keys and a resolved spec
//! tells all of them.

use super::Target;
use crate::{
    method::defaults,
    settings::{Node, Origin, Sources, TableReader, overrides},
};

/// Fills in the method and what its training lacks, unless the file has a `[method]`.
pub fn fill(sources: &Sources, root: &mut Node) {
    if root.find("method").is_some() {
        return;
    }
    let mut as_set = root.clone();
    // Mistakes in them are told later, and so are those in the target: what is filled in then goes nowhere.
    overrides::apply(sources, &mut as_set);
    let target = as_set.find("target").and_then(|target| TableReader::read_all(target, Target::read).ok());
    let target = target.as_ref().map(|target| (&target.network, &target.inputs));
    let nowhere = Origin::filled_in();
    for (table, settings) in &defaults(target) {
        let settings = settings.as_table().expect("a table of settings");
        for (key, value) in settings {
            if root.find(&format!("{table}.{key}")).is_none() {
                let keys = [table, key].map(|key| (key.as_str(), nowhere.clone()));
                overrides::put(root, &keys, Node::from_toml(value, &nowhere, 0));
            }
        }
    }
}
