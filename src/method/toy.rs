//! A second method, for tests alone: what it costs to add one is this file and its places in [`super::Method`].
//!
//! Components of rank one, each at one site. Which of them are active on a sample is drawn once and never learned; they are
//! trained to sum to the weights and to answer as the target does when the others are off. A memory of how active each
//! component has been, which no optimizer moves, weighs them.

use std::{any::Any, ops::Range};

use rand::distr::{Distribution, Uniform};
use schemars::JsonSchema;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use super::{
    Circumstances, Decomposed, Decomposition, Method, NotTraded, Observed, Settings, Sizes, TradedKey, Words, around,
    comparison::{Part, Target},
};
use crate::{
    components::{Components, Gradient},
    execute::Masked,
    fit::{Moment, Objective, Term},
    initial_values::{InitialValues, Shape},
    loss::{Faithfulness, per_replica},
    network::Network,
    optimizer::{Group, Parameter},
    random::{Purpose, stream},
    settings::TableReader,
    site::Site,
    slices::tensor_from,
    weights::Weights,
};

/// The settings of a method of fixed masks.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Toy {
    /// At each site.
    pub components: usize,
    /// Share of the samples on which a component is active.
    pub active: f64,
    /// Weight of the distance between the sum of the components and the weights.
    pub faithfulness: f64,
}

impl Toy {
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            components: table.size("components").such_as(5),
            active: table.number("active").at_least(0.0).at_most(1.0).such_as(0.5),
            faithfulness: table.number("faithfulness").at_least(0.0).or(1.0),
        }
    }
}

pub static WORDS: Words = Words {
    key: "toy",
    name: "A method of fixed masks",
    published: None,
    importance: "draw",
    importance_unit: "shares of one",
    errors_under_masks: &[],
    losses: "faithfulness and masked_output fall and stay low",
    settings: &[("Components at each site", "components")],
};

impl Settings for Toy {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn check(&self, Circumstances { training, .. }: Circumstances, table: &mut TableReader) {
        let enough = self.active * training.batch as f64 >= 1.0;
        table.check(&["method.toy.active"], enough, "a component must be `active` on a sample", "it is on none");
    }

    fn sizes(&self, target: &Network) -> Sizes {
        let sites = target.sites();
        let number = self.components as i64;
        Sizes {
            components: self.components * sites.iter().count(),
            rank: 1,
            factors: sites.iter().map(|site| number * (site.d_in + site.d_out)).sum(),
            matrices: sites.iter().map(|site| number * site.parameters()).sum(),
            of_step: 0,
            of_sample: 0,
        }
    }

    fn fixed_by(&self, _: &Network, tensors: &[(String, Tensor)]) -> Vec<(String, String, String)> {
        let number = tensors[0].1.size()[1].to_string();
        vec![("method.toy.components".into(), self.components.to_string(), number)]
    }

    fn selects(&self) -> bool {
        true
    }

    fn traded_key(&self, batch: usize) -> Result<TradedKey, NotTraded> {
        let values = around(self.active, 2.0, 1.0 / batch as f64, 1.0);
        Ok(TradedKey { key: "active", values: values.into_iter().map(toml::Value::Float).collect() })
    }

    fn shape(&self) -> Method {
        Method::Toy(Self { active: 0.5, faithfulness: 1.0, ..self.clone() })
    }

    fn untrained<'n>(
        &self,
        pack: &[(&Method, &[u64])],
        _: usize,
        network: &'n Network,
        weights: &Weights,
        device: Device,
    ) -> Box<dyn Decomposition + 'n> {
        let settings = |&(method, seeds): &(&Method, &[u64])| {
            let settings: &dyn Any = &**method;
            vec![settings.downcast_ref::<Toy>().expect("a pack is of one method").clone(); seeds.len()]
        };
        let seeds = pack.iter().flat_map(|(_, seeds)| seeds.iter().copied()).collect::<Vec<_>>();
        let rule = InitialValues { instances: 1, scale: 1.0, distribution: Shape::Normal };
        let components = Components::random(&network.sites(), self.components, 1, rule, &seeds).to_device(device);
        let components = Components::at_one_site_each(components.factors);
        Box::new(ToyObjective::new(network, weights, pack.iter().flat_map(settings).collect(), components))
    }

    fn tensors(&self, target: &Network, replicas: usize) -> Vec<(String, Vec<i64>)> {
        let sites = target.sites();
        let (replicas, number) = (replicas as i64, self.components as i64);
        let of_site = |Site { name, d_in, d_out }: &Site| {
            [
                (format!("{name}.A"), vec![replicas, number, *d_in, 1]),
                (format!("{name}.B"), vec![replicas, number, 1, *d_out]),
            ]
        };
        let memory = vec![replicas, number * sites.iter().count() as i64];
        sites.iter().flat_map(of_site).chain([("memory".into(), memory)]).collect()
    }

    fn decomposed<'n>(
        &self,
        network: &'n Network,
        weights: &Weights,
        tensor: &dyn Fn(&str) -> Tensor,
    ) -> Box<dyn Decomposed + 'n> {
        let components = Components::from_files(&network.sites(), |name| Some(tensor(name))).expect("all are there");
        let components = Components::at_one_site_each(components.factors);
        let settings = vec![self.clone(); components.replicas() as usize];
        let mut objective = ToyObjective::new(network, weights, settings, components);
        objective.memory = tensor("memory");
        Box::new(objective)
    }
}

struct ToyObjective<'a> {
    network: &'a Network,
    weights: Weights,
    settings: Vec<Toy>,
    components: Components,
    gradient: Gradient,
    /// [replica, component].
    memory: Tensor,
}

impl<'a> ToyObjective<'a> {
    fn new(network: &'a Network, weights: &Weights, settings: Vec<Toy>, components: Components) -> Self {
        let memory = Tensor::zeros([components.replicas(), components.number()], (Kind::Float, components.device()));
        let (weights, gradient) = (weights.map(Tensor::shallow_clone), Gradient::zeros_like(&components));
        Self { network, weights, settings, components, gradient, memory }
    }

    fn views(&self, replicas: Range<usize>) -> Self {
        Self {
            network: self.network,
            weights: self.weights.of_replicas(replicas.clone()),
            settings: self.settings[replicas.clone()].to_vec(),
            components: self.components.of_replicas(replicas.clone()),
            gradient: self.gradient.of_replicas(replicas.clone()),
            memory: self.memory.narrow(0, replicas.start as i64, replicas.len() as i64),
        }
    }

    fn terms(&self, mask: &Tensor, input: &Tensor, gradient: Option<&mut Components>) -> Vec<Term> {
        let Self { network, weights, components, settings, .. } = self;
        let faithful = settings.iter().map(|toy| toy.faithfulness);
        let faithfulness = Faithfulness::new(components, weights);
        let target = Target::new(network, weights, input);
        let weighted = mask - mask * self.memory.unsqueeze(1);
        let parts = vec![Part::output("masked_output", vec![1.0; settings.len()])];
        let masked = target.compare(Masked::new(components, &weighted), parts);
        let mut terms = vec![Term::new("faithfulness", faithful.clone(), &faithfulness.value())];
        terms.extend(masked.terms());
        if let Some(gradient) = gradient {
            faithfulness.backward(&per_replica(faithful, components), components, gradient);
            masked.backward(gradient);
        }
        terms
    }
}

impl Decomposed for ToyObjective<'_> {
    fn network(&self) -> &Network {
        self.network
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn components(&self) -> &Components {
        &self.components
    }

    /// Between 0 and 1, by the places of samples and components alone.
    fn importances(&self, input: &Tensor) -> Tensor {
        let (samples, number) = (input.size()[1], self.components.number());
        let draws = Uniform::new(0.0_f32, 1.0).expect("a range").sample_iter(stream(0, Purpose::InitialComponents, 1));
        let draws = tensor_from(&[1, samples, number], draws.take((samples * number) as usize));
        draws.to_device(input.device()).repeat([input.size()[0], 1, 1])
    }

    fn mask(&self, importances: &Tensor, _: &Tensor) -> Tensor {
        let cut = per_replica(self.settings.iter().map(|toy| 1.0 - toy.active), &self.components);
        importances.ge_tensor(&cut.view([-1, 1, 1])).to_kind(Kind::Float)
    }

    fn observe(&self, input: &Tensor) -> Observed {
        let importances = self.importances(input);
        let mask = self.mask(&importances, input);
        let terms = self.terms(&mask, input, None);
        Observed { importances, mask, at_uses: Vec::new(), terms }
    }

    fn selects(&self) -> bool {
        true
    }

    fn selects_within_samples(&self) -> bool {
        false
    }

    fn share_of_tied_cuts(&self, _: &Observed) -> Option<Tensor> {
        Some(Tensor::from(0.0))
    }

    fn replicas(&self, replicas: Range<usize>) -> Box<dyn Decomposed + '_> {
        Box::new(self.views(replicas))
    }

    fn to_files(&self) -> Vec<(String, Tensor)> {
        let memory = ("memory".to_string(), self.memory.copy());
        self.components.to_files(&self.network.sites()).into_iter().chain([memory]).collect()
    }
}

impl Objective for ToyObjective<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let sites = self.network.sites();
        let pairs = self.components.named(&sites).into_iter().zip(self.gradient.rest.named(&sites));
        let parameter = |((name, value), (_, gradient)): ((String, Tensor), (String, Tensor))| {
            let group = usize::from(name.ends_with(".B"));
            Parameter { name, value, gradient, lengthwise: None, group }
        };
        pairs.map(parameter).collect()
    }

    /// The second of the factors moves half as fast, and its derivative is bounded.
    fn groups(&self, replicas: usize) -> Vec<Group> {
        let bounded = Group { rate: vec![0.5; replicas], largest_norm: Some(vec![0.1; replicas]) };
        vec![Group::plain(replicas), bounded]
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        vec![("memory".into(), self.memory.shallow_clone())]
    }

    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_> {
        Box::new(self.views(replicas))
    }

    fn is_small(&self) -> bool {
        true
    }

    fn add_gradients(&mut self, moment: Moment, input: &Tensor) -> Vec<Term> {
        let mask = self.mask(&self.importances(input), input);
        let mut gradient = self.gradient.of_replicas(0..self.settings.len());
        let terms = self.terms(&mask, input, Some(&mut gradient.rest));
        let activity = mask.mean_dim([1].as_slice(), false, None) * 0.25;
        let _ = self.memory.g_mul_scalar_(0.75).g_add_(&activity);
        if moment.logged { terms } else { Vec::new() }
    }
}
