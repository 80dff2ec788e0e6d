//! Conditions between settings of different parts of a spec. Those within one part are checked where it is read.

use super::Spec;
use crate::{inputs::Inputs, method::Circumstances, network::Network, settings::TableReader};

pub fn check(spec: &Spec, table: &mut TableReader) {
    let circumstances = Circumstances { network: &spec.target.network, training: &spec.decomposition };
    spec.method.check(circumstances, table);
    if let Inputs::Exactly(inputs) = &spec.target.inputs {
        let features = spec.target.network.features();
        table.check(
            &["target.inputs.exactly.active", "target"],
            inputs.active <= features,
            "no more features can be `active` than there are",
            format!("the network has {features}"),
        );
    }
    table.check(
        &["target.inputs", "target"],
        matches!(spec.target.network, Network::GatedFunctions(_)) == matches!(spec.target.inputs, Inputs::Gated(_)),
        "gated functions, and no other network, have `gated` inputs",
        format!(
            "these are for {}",
            if matches!(spec.target.inputs, Inputs::Gated(_)) { "gated functions" } else { "other networks" }
        ),
    );
}
