//! What the methods are to the rest of the program.

use std::{any::Any, sync::Arc};

use tch::{Device, Tensor};

use super::{
    Architecture, ImportanceFunction, ImportanceKind, SpdObjective,
    draws::{Drawn, Draws},
    importances::ImportanceFunctions,
    imported,
    philox_draws::PhiloxDraws,
    settings::{Frequency, Generation, Penalty, Spd, TiedWeights},
};
use crate::{
    components::Components,
    method::{
        Annealed, Circumstances, Decomposed, Decomposition, Method, NotTraded, Published, Settings, Sizes, TradedKey,
        Words,
    },
    network::Network,
    random::philox::Rows,
    settings::TableReader,
    site::PerSite,
    weights::Weights,
};

const LOSSES: &str = "importance falls and settles, the errors under masks fall and stay low";
const ERRORS_UNDER_MASKS: &[&str] = &["unmasked", "importance_masked", "rounded", "stochastic", "random", "zero"];
const SETTINGS: &[(&str, &str)] = &[
    ("Subcomponents", "subcomponents"),
    ("Importance function", "importance_function"),
    ("Weight of importance", "coefficients.importance"),
    ("Penalty", "penalty"),
];

pub static SPD_WORDS: Words = Words {
    key: "spd",
    name: "Stochastic Parameter Decomposition",
    published: Some(Published {
        reference: "Bushnaq, Braun, Sharkey (2025), “Stochastic Parameter Decomposition”, arXiv:2506.20790",
        bibtex: "\
@article{bushnaq2025stochastic,
  title   = {Stochastic Parameter Decomposition},
  author  = {Bushnaq, Lucius and Braun, Dan and Sharkey, Lee},
  journal = {arXiv preprint arXiv:2506.20790},
  year    = {2025}
}",
    }),
    importance: "causal importance",
    importance_unit: "shares of one",
    errors_under_masks: ERRORS_UNDER_MASKS,
    losses: LOSSES,
    settings: SETTINGS,
};

pub static VPD_WORDS: Words = Words {
    key: "vpd",
    name: "Adversarial Parameter Decomposition (VPD)",
    published: None,
    importance: "causal importance",
    importance_unit: "shares of one",
    errors_under_masks: ERRORS_UNDER_MASKS,
    losses: LOSSES,
    settings: SETTINGS,
};

/// How many numbers a step keeps of a sample for each subcomponent of a use.
const NUMBERS_OF_A_SUBCOMPONENT: i64 = 10;

impl Spd {
    /// What is decomposed of a target: it, or the same with tied uses apart.
    fn network(&self, target: &Network) -> Network {
        match self.tied_weights {
            TiedWeights::Apart => target.with_uses_apart(),
            TiedWeights::Together | TiedWeights::SharedStorage => target.clone(),
        }
    }

    /// The weights of [`Spd::network`], given the target's.
    fn weights(&self, target: &Network, weights: &Weights) -> Weights {
        match self.tied_weights {
            TiedWeights::Apart => weights.with_uses_apart(target),
            TiedWeights::Together | TiedWeights::SharedStorage => weights.map(Tensor::shallow_clone),
        }
    }

    fn numbers(&self, network: &Network) -> PerSite<usize> {
        network.sites().map(|site| self.subcomponents.at(site, network.features()))
    }

    fn architecture(&self, network: &Network) -> Architecture {
        Architecture {
            numbers: self.numbers(network),
            importance_function: self.importance_function,
            hidden_widths: self.hidden_widths.clone(),
        }
    }

    /// Number of subcomponents of every use.
    fn use_numbers(&self, network: &Network) -> Vec<i64> {
        let numbers = self.numbers(network);
        network.graph().uses().map(|site_use| numbers[site_use.site] as i64).collect()
    }

    fn of_pack(pack: &[(&Method, &[u64])]) -> Vec<Spd> {
        let of_experiment = |&(method, seeds): &(&Method, &[u64])| {
            let settings: &dyn Any = &**method;
            vec![settings.downcast_ref::<Spd>().expect("a pack is of one method").clone(); seeds.len()]
        };
        pack.iter().flat_map(of_experiment).collect()
    }

    fn into_method(self) -> Method {
        match self.generation {
            Generation::Spd => Method::Spd(self),
            Generation::Vpd => Method::Vpd(self),
        }
    }
}

impl Settings for Spd {
    fn words(&self) -> &'static Words {
        match self.generation {
            Generation::Spd => &SPD_WORDS,
            Generation::Vpd => &VPD_WORDS,
        }
    }

    fn check(&self, circumstances: Circumstances, table: &mut TableReader) {
        super::checks::check(self, circumstances, table);
    }

    fn decomposed_network(&self, target: &Network) -> Network {
        self.network(target)
    }

    fn sizes(&self, target: &Network) -> Sizes {
        let network = self.network(target);
        let components: usize = self.numbers(&network).iter().sum();
        let factors = self.architecture(&network).tensors(&network);
        // Sources, masks and products of a pass with their derivatives, beside logits and importances with theirs.
        let of_uses: i64 = self.use_numbers(&network).iter().map(|number| NUMBERS_OF_A_SUBCOMPONENT * number).sum();
        let hidden: usize = self.hidden_widths.iter().sum();
        let perceptrons = match self.importance_function {
            // Hidden activations of one layer are computed again instead of kept.
            ImportanceKind::Mlp if self.hidden_widths.len() == 1 => 0,
            ImportanceKind::Mlp | ImportanceKind::VectorMlp => self.use_numbers(&network).iter().sum(),
            ImportanceKind::SharedMlp => self.use_numbers(&network).len() as i64,
            ImportanceKind::GlobalMlp => 1,
        };
        Sizes {
            components,
            rank: 1,
            of_step: 2 * network.parameters(),
            // Each hidden activation with its sum before the gelu and the derivative.
            of_sample: of_uses + 3 * hidden as i64 * perceptrons,
            factors: factors.iter().map(|(_, shape)| shape.iter().product::<i64>()).sum(),
            // Measurement pads each with zeros to all sites.
            matrices: components as i64 * network.parameters(),
        }
    }

    fn fixed_by(&self, target: &Network, tensors: &[(String, Tensor)]) -> Vec<(String, String, String)> {
        imported::fixed_by(self, target, tensors)
    }

    fn of_import(&self, target: &Network, tensors: Vec<(String, Tensor)>) -> Vec<(String, Tensor)> {
        imported::tensors(self, target, tensors)
    }

    fn selects(&self) -> bool {
        true
    }

    fn traded_key(&self, _: usize) -> Result<TradedKey, NotTraded> {
        super::traded_key::traded_key(self)
    }

    fn shape(&self) -> Method {
        // A term that does not count is not computed, so those that have it are not together with those that have not.
        let mut shape = self.clone();
        let coefficients = &mut shape.coefficients;
        for coefficient in [
            &mut coefficients.faithfulness,
            &mut coefficients.importance,
            &mut coefficients.stochastic,
            &mut coefficients.layerwise,
            &mut coefficients.subset,
            &mut coefficients.unmasked,
            &mut coefficients.importance_masked,
        ] {
            *coefficient = coefficient.stand_in();
        }
        let (Penalty::Lp { power: number } | Penalty::SmoothL0 { gamma: number }) = &mut shape.penalty;
        *number = Annealed::Constant(1.0);
        shape.frequency = Frequency::default();
        shape.active_above = 0.0;
        if let Some(adversary) = &mut shape.fresh_adversary {
            adversary.coefficient = adversary.coefficient.stand_in();
            adversary.step_size = 1.0;
        }
        if let Some(adversary) = &mut shape.persistent_adversary {
            adversary.coefficient = adversary.coefficient.stand_in();
            (adversary.learning_rate, adversary.first_decay, adversary.second_decay) = (1.0, 0.0, 0.0);
            adversary.warm_up = 0.0;
            adversary.merged_share = adversary.merged_share.map(|_| 0.5);
        }
        if let Some(warm_up) = &mut shape.faithfulness_warm_up {
            (warm_up.learning_rate, warm_up.weight_decay) = (1.0, 0.0);
        }
        let norms = &mut shape.largest_gradient_norms;
        norms.factors = norms.factors.map(|_| 1.0);
        norms.importance_functions = norms.importance_functions.map(|_| 1.0);
        shape.into_method()
    }

    fn untrained<'n>(
        &self,
        pack: &[(&Method, &[u64])],
        batch: usize,
        network: &'n Network,
        weights: &Weights,
        device: Device,
    ) -> Box<dyn Decomposition + 'n> {
        let decomposed = self.network(network);
        let weights = self.weights(network, weights);
        let seeds: Vec<u64> = pack.iter().flat_map(|(_, seeds)| seeds.iter().copied()).collect();
        let settings = Self::of_pack(pack);
        let components =
            self.initial_factors.components(&decomposed.sites(), &self.numbers(&decomposed), &weights.sites, &seeds);
        let functions = self.architecture(&decomposed).functions(&decomposed).into_iter().enumerate();
        let functions = functions.map(|(place, (_, (d_in, number)))| {
            let kind = self.importance_function;
            ImportanceFunction::random(kind, d_in, number, &self.hidden_widths, &seeds, place as u64)
                .map(|tensor| tensor.to_device(device))
        });
        let numbers = self.use_numbers(&decomposed);
        let functions = ImportanceFunctions::new(self.importance_function, functions.collect(), numbers);
        let network = Arc::new(decomposed);
        let mut objective =
            SpdObjective::new(network, &weights, settings, seeds.clone(), components.to_device(device), functions);
        if let Some(adversary) = &self.persistent_adversary {
            let draws = PhiloxDraws::of_persistent_adversary(&seeds, device);
            let rows = adversary.sources.unwrap_or(batch) as i64;
            let sources = objective.use_numbers().into_iter().enumerate().map(|(place, number)| {
                draws.sources(
                    Drawn::FreshAdversary,
                    0,
                    place,
                    Rows::Below(rows),
                    number + i64::from(self.delta_component),
                )
            });
            let sources = sources.collect();
            objective = objective.with_adversary(sources);
        }
        objective.warm_up_faithfulness();
        Box::new(objective)
    }

    fn tensors(&self, target: &Network, replicas: usize) -> Vec<(String, Vec<i64>)> {
        let network = self.network(target);
        let tensors = self.architecture(&network).tensors(&network).into_iter();
        tensors.map(|(name, shape)| (name, std::iter::once(replicas as i64).chain(shape).collect())).collect()
    }

    fn decomposed<'n>(
        &self,
        network: &'n Network,
        weights: &Weights,
        tensor: &dyn Fn(&str) -> Tensor,
    ) -> Box<dyn Decomposed + 'n> {
        let decomposed = self.network(network);
        let weights = self.weights(network, weights);
        let components = Components::from_files(&decomposed.sites(), |name| Some(tensor(name))).expect("all are there");
        let components = Components::at_one_site_each(components.factors);
        let names = ImportanceFunctions::names(self.importance_function, &decomposed.use_names());
        let read = |name: String| {
            let prefix = format!("importance_function.{name}");
            ImportanceFunction::from_files(&prefix, self.hidden_widths.len() + 1, |name| Some(tensor(name)))
                .expect("all are there")
        };
        let functions = names.into_iter().map(read).collect();
        let numbers = self.use_numbers(&decomposed);
        let functions = ImportanceFunctions::new(self.importance_function, functions, numbers);
        let replicas = components.replicas() as usize;
        let (settings, seeds) = (vec![self.clone(); replicas], vec![0; replicas]);
        Box::new(SpdObjective::new(Arc::new(decomposed), &weights, settings, seeds, components, functions))
    }
}
