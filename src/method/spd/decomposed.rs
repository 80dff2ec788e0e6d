//! A finished decomposition into subcomponents as measurement sees it.

use std::ops::Range;

use tch::{Kind, Tensor};

use super::{SpdObjective, philox_draws::PhiloxDraws};
use crate::{
    components::Components,
    fit::Term,
    method::{Decomposed, Observed},
    network::Network,
    slices::numbers_on,
    weights::Weights,
};

impl Decomposed for SpdObjective {
    fn network(&self) -> &Network {
        &self.network
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn components(&self) -> &Components {
        &self.components
    }

    /// Causal importances g; at a site that is used twice, the larger one.
    fn importances(&self, input: &Tensor) -> Tensor {
        let draws = PhiloxDraws::of_measurement(self.settings.len(), input.device());
        let of_uses = self.importances_at_uses(input, &draws);
        let of_site = |site| {
            let at_site = self.uses().iter().zip(&of_uses).filter(|(site_use, _)| site_use.site == site);
            let of_uses = at_site.map(|(_, importance)| importance.clamp_min(0.0));
            of_uses.reduce(|larger, importance| larger.maximum(&importance)).expect("every site is used")
        };
        let sites = self.network.sites();
        Tensor::cat(&sites.enumerate().map(|(site, _)| of_site(site)).collect::<Vec<_>>(), 2)
    }

    fn mask(&self, importances: &Tensor, _: &Tensor) -> Tensor {
        let thresholds: Vec<f64> = self.settings.iter().map(|spd| spd.active_above).collect();
        let thresholds = numbers_on(&thresholds, Kind::Float, importances.device());
        super::step::above(importances, &thresholds)
    }

    fn observe(&self, input: &Tensor) -> Observed {
        let importances = self.importances(input);
        let mask = self.mask(&importances, input);
        let terms: Vec<Term> = self.terms(input);
        Observed { importances, mask, terms }
    }

    fn selects(&self) -> bool {
        true
    }

    /// One threshold serves all samples.
    fn selects_within_samples(&self) -> bool {
        false
    }

    fn share_of_tied_cuts(&self, _: &Observed) -> Option<Tensor> {
        None
    }

    fn replicas(&self, replicas: Range<usize>) -> Box<dyn Decomposed + '_> {
        Box::new(self.views(replicas))
    }

    fn to_files(&self) -> Vec<(String, Tensor)> {
        let functions = self.functions.named(&self.use_names());
        let functions = functions.into_iter().map(|(name, tensor)| (name, tensor.copy()));
        self.components.to_files(&self.network.sites()).into_iter().chain(functions).collect()
    }
}
