//! A finished decomposition into subcomponents as measurement sees it.

use std::ops::Range;

use tch::{Kind, Tensor};

use super::{SpdObjective, philox_draws::PhiloxDraws, step::above};
use crate::{
    components::Components,
    method::{AtUse, Decomposed, Observed},
    network::Network,
    slices::numbers_on,
    weights::Weights,
};

impl SpdObjective {
    /// Which of these causal importances are above the threshold.
    fn active(&self, importances: &Tensor) -> Tensor {
        let thresholds: Vec<f64> = self.settings.iter().map(|spd| spd.active_above).collect();
        above(importances, &numbers_on(&thresholds, Kind::Float, importances.device()))
    }

    /// The larger importance of the uses of each site, [replica, sample, component].
    fn at_sites(&self, at_uses: &[AtUse]) -> Tensor {
        let of_site = |site| {
            let at_site = self.uses().iter().zip(at_uses).filter(|(site_use, _)| site_use.site == site);
            let of_uses = at_site.map(|(_, AtUse { importances, .. })| importances.shallow_clone());
            of_uses.reduce(|larger, importance| larger.maximum(&importance)).expect("every site is used")
        };
        let sites = self.network.sites();
        Tensor::cat(&sites.enumerate().map(|(site, _)| of_site(site)).collect::<Vec<_>>(), 2)
    }
}

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

    /// Squares of causal importances g; at a site that is used twice, of the larger one.
    fn importances(&self, input: &Tensor) -> Tensor {
        self.at_sites(&self.at_uses(input)).square()
    }

    fn at_uses(&self, input: &Tensor) -> Vec<AtUse> {
        let draws = PhiloxDraws::of_measurement(self.settings.len(), input.device());
        let of_use = |importances: Tensor| {
            let importances = importances.clamp_min(0.0);
            AtUse { active: self.active(&importances), importances }
        };
        self.importances_at_uses(input, &draws).into_iter().map(of_use).collect()
    }

    fn mask(&self, importances: &Tensor, _: &Tensor) -> Tensor {
        self.active(&importances.sqrt())
    }

    fn observe(&self, input: &Tensor) -> Observed {
        let at_uses = self.at_uses(input);
        let importances = self.at_sites(&at_uses);
        let mask = self.active(&importances);
        Observed { importances: importances.square(), mask, at_uses, terms: self.terms(input) }
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
