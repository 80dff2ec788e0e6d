//! What the methods are to the rest of the program.

use std::{any::Any, sync::Arc};

use tch::{Device, Tensor};

use super::{
    ImportanceFunction, ImportanceKind, SpdObjective,
    draws::{Drawn, Draws},
    factors::{use_names, uses},
    importance_function::layer_names,
    importances::ImportanceFunctions,
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
    site::{PerSite, Site},
    weights::Weights,
};

const LOSSES: &str = "importance falls and settles, the errors under masks fall and stay low";
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
    losses: LOSSES,
    settings: SETTINGS,
};

pub static VPD_WORDS: Words = Words {
    key: "vpd",
    name: "Adversarial Parameter Decomposition (VPD)",
    published: None,
    importance: "causal importance",
    importance_unit: "shares of one",
    losses: LOSSES,
    settings: SETTINGS,
};

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

    /// How wide what each importance function sees is, and how many subcomponents it is for; in the order of the functions.
    fn function_sizes(&self, network: &Network) -> Vec<(i64, i64)> {
        let (sites, numbers) = (network.sites(), self.numbers(network));
        let of_use = |site_use: &crate::graph::SiteUse| {
            let site = &sites[site_use.site];
            let width = if site_use.transposed { site.d_out } else { site.d_in };
            (width, numbers[site_use.site] as i64)
        };
        let sizes: Vec<(i64, i64)> = uses(&network.graph()).iter().map(of_use).collect();
        if self.importance_function == ImportanceKind::GlobalMlp {
            return vec![sizes.iter().fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))];
        }
        sizes
    }

    /// Number of subcomponents of every use.
    fn use_numbers(&self, network: &Network) -> Vec<i64> {
        let numbers = self.numbers(network);
        uses(&network.graph()).iter().map(|site_use| numbers[site_use.site] as i64).collect()
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
        let (sites, numbers) = (network.sites(), self.numbers(&network));
        let pairs = || sites.iter().zip(numbers.iter());
        let functions = self.function_sizes(&network).into_iter().map(|(d_in, number)| {
            ImportanceFunction::shapes(self.importance_function, d_in, number, &self.hidden_widths)
                .iter()
                .map(|(weight, bias)| weight.iter().product::<i64>() + bias.iter().product::<i64>())
                .sum::<i64>()
        });
        Sizes {
            components: numbers.iter().sum(),
            rank: 1,
            factors: pairs().map(|(site, &number)| number as i64 * (site.d_in + site.d_out)).sum::<i64>()
                + functions.sum::<i64>(),
            matrices: pairs().map(|(site, &number)| number as i64 * site.parameters()).sum(),
        }
    }

    /// Components come with importance functions or not at all.
    fn fixed_by(&self, _: &Components) -> Vec<(String, u64, u64)> {
        Vec::new()
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
        let functions = self.function_sizes(&decomposed).into_iter().enumerate().map(|(place, (d_in, number))| {
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
        let (sites, numbers, replicas) = (network.sites(), self.numbers(&network), replicas as i64);
        let of_site = |(Site { name, d_in, d_out }, &number): (&Site, &usize)| {
            let number = number as i64;
            [
                (format!("{name}.A"), vec![replicas, number, *d_in, 1]),
                (format!("{name}.B"), vec![replicas, number, 1, *d_out]),
            ]
        };
        let names = ImportanceFunctions::names(self.importance_function, &use_names(&network));
        let of_function = |(name, (d_in, number)): (String, (i64, i64))| {
            let shapes = ImportanceFunction::shapes(self.importance_function, d_in, number, &self.hidden_widths);
            let with_replicas = |shape: Vec<i64>| std::iter::once(replicas).chain(shape).collect::<Vec<_>>();
            let layer = move |(index, (weight, bias)): (usize, (Vec<i64>, Vec<i64>))| {
                let [weight_name, bias_name] = layer_names(&format!("importance_function.{name}"), index);
                [(weight_name, with_replicas(weight)), (bias_name, with_replicas(bias))]
            };
            shapes.into_iter().enumerate().flat_map(layer).collect::<Vec<_>>()
        };
        let functions = names.into_iter().zip(self.function_sizes(&network)).flat_map(of_function);
        sites.iter().zip(numbers.iter()).flat_map(of_site).chain(functions).collect()
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
        let names = ImportanceFunctions::names(self.importance_function, &use_names(&decomposed));
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
