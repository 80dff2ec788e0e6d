//! Conditions between the settings of the method, and with those of its target and its training.

use super::settings::{Spd, TiedWeights};
use crate::{
    method::{Annealed, Circumstances, Settings},
    settings::TableReader,
};

pub fn check(spd: &Spd, Circumstances { network, training }: Circumstances, table: &mut TableReader) {
    let method = spd.words().key;
    let key = |key: &str| format!("method.{method}.{key}");

    let sites = spd.decomposed_network(network).sites();
    spd.subcomponents.check(&key("subcomponents"), &sites, network.features(), table);
    let has_tied_weights = network.graph().uses().any(|site_use| site_use.transposed);
    table.check(
        &[&key("tied_weights")],
        has_tied_weights || spd.tied_weights == TiedWeights::Apart,
        "`tied_weights` needs a target with tied weights",
        "but every weight matrix of this one is used once",
    );

    let coefficients = &spd.coefficients;
    let by_masks = [
        &coefficients.stochastic,
        &coefficients.layerwise,
        &coefficients.subset,
        &coefficients.unmasked,
        &coefficients.importance_masked,
    ];
    let of_adversaries = [
        spd.fresh_adversary.as_ref().map(|adversary| &adversary.coefficient),
        spd.persistent_adversary.as_ref().map(|adversary| &adversary.coefficient),
    ];
    let some_error =
        by_masks.into_iter().chain(of_adversaries.into_iter().flatten()).copied().any(Annealed::ever_counts);
    table.check(
        &[&key("coefficients")],
        some_error,
        "an error of the output must count",
        "here none does, so that no mask is ever held against the target",
    );
    if let Some(sources) = spd.persistent_adversary.as_ref().and_then(|adversary| adversary.sources) {
        table.check(
            &[&key("persistent_adversary.sources"), "decomposition.batch"],
            training.batch.is_multiple_of(sources),
            "the samples of a batch face the `sources` in turn, so that their number must divide the batch",
            format!("{} samples do not fall into rounds of {sources}", training.batch),
        );
    }
}
