//! The networks that can be decomposed. A network is its sizes and its forward pass, which is built into a graph and run in
//! several ways.

mod answer;
mod gated_functions;
mod residual_layers;
mod residual_mlp;
mod tms;
mod training;
mod weights;

pub use answer::{ERROR_BATCH, ERROR_SAMPLES, Room, errors_beside_baselines, not_learned};
pub use gated_functions::{GatedFunctions, SmoothFunction};
use rand::{distr::StandardUniform, rngs::ChaCha8Rng};
use rand_distr::Distribution;
pub use residual_mlp::{Biases, Embedding, LabelCoefficients, Labels, Loss, ResidualMlp};
use schemars::JsonSchema;
use serde::Serialize;
use tch::{Device, Kind, Tensor};
pub use tms::{HiddenKind, Tms};
pub use training::Task;

use crate::{
    execute::Dense,
    graph::{Graph, SiteUse, Value},
    initial_values::InitialValues,
    random::{Purpose, stream},
    settings::{Choice, Variant},
    site::{PerSite, Role, Site, SiteIndex},
    slices::tensor_from,
    weights::Weights,
};

/// Every network that the spec can name, `[target.<network>]`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// The toy model of superposition: x_hat = relu(x W H_1 .. H_n W^T + b), with more features than hidden dimensions.
    Tms(Tms),
    /// The residual MLP, which computes more functions than it has neurons: y = (x W_E + sum_l (act(r_l W_in + b_in) W_out +
    /// b_out)) W_U, with r_l the residual stream before layer l.
    ResidualMlp(ResidualMlp),
    /// Functions of one number, each switched on by a control bit, written into neurons by hand: constructed by seed, so
    /// without `[target.training]` and `[target.initial_values]`.
    GatedFunctions(GatedFunctions),
}

impl Choice for Network {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Table("tms", |table| Self::Tms(Tms::read(table))),
        Variant::Table("residual_mlp", |table| Self::ResidualMlp(ResidualMlp::read(table))),
        Variant::Table("gated_functions", |table| Self::GatedFunctions(GatedFunctions::read(table))),
    ];
}

impl Network {
    /// The weight matrices to decompose.
    pub fn sites(&self) -> PerSite<Site> {
        match self {
            Network::Tms(tms) => tms.sites(),
            Network::ResidualMlp(mlp) => mlp.layers().sites(),
            Network::GatedFunctions(gated) => gated.layers().sites(),
        }
    }

    /// The same network with every tied use of a matrix a site of its own; [`Weights::with_uses_apart`] gives its weights.
    pub fn with_uses_apart(&self) -> Network {
        match self {
            Network::Tms(tms) => Network::Tms(Tms { tied: false, ..tms.clone() }),
            Network::ResidualMlp(_) | Network::GatedFunctions(_) => self.clone(),
        }
    }

    /// What each site is, in the order of [`sites`](Self::sites).
    pub fn roles(&self) -> Vec<Role> {
        match self {
            Network::Tms(tms) => tms.roles(),
            Network::ResidualMlp(mlp) => mlp.layers().roles(),
            Network::GatedFunctions(gated) => gated.layers().roles(),
        }
    }

    /// The name of every use of a site in the order of the forward pass, `<site>.transposed` where it is used so.
    pub fn use_names(&self) -> Vec<String> {
        let sites = self.sites();
        let name = |SiteUse { site, transposed }: SiteUse| {
            let name = &sites[site].name;
            if transposed { format!("{name}.transposed") } else { name.clone() }
        };
        self.graph().uses().map(name).collect()
    }

    /// Name and width of every bias.
    pub fn biases(&self) -> Vec<(String, i64)> {
        match self {
            Network::Tms(tms) => vec![("bias".into(), tms.features as i64)],
            Network::ResidualMlp(mlp) => mlp.layers().biases(),
            Network::GatedFunctions(gated) => gated.layers().biases(),
        }
    }

    /// The matrices that are not decomposed.
    pub fn embeddings(&self) -> Vec<Site> {
        match self {
            Network::Tms(_) => Vec::new(),
            Network::ResidualMlp(mlp) => mlp.embeddings(),
            Network::GatedFunctions(gated) => gated.embeddings(),
        }
    }

    /// The embeddings before training, [replica, d_in, d_out] each.
    pub(crate) fn initial_embeddings(&self, rule: InitialValues, generators: &mut [ChaCha8Rng]) -> Vec<Tensor> {
        match self {
            Network::Tms(_) => Vec::new(),
            Network::ResidualMlp(mlp) => mlp.initial_embeddings(rule, generators),
            Network::GatedFunctions(gated) => gated.initial_embeddings(generators.len()),
        }
    }

    /// Number of input features.
    pub fn features(&self) -> usize {
        match self {
            Network::Tms(tms) => tms.features,
            Network::ResidualMlp(mlp) => mlp.features,
            Network::GatedFunctions(gated) => gated.features(),
        }
    }

    /// What a mechanism of the network belongs to, as a noun.
    pub fn mechanism_of(&self) -> &'static str {
        match self {
            Network::Tms(_) | Network::ResidualMlp(_) => "feature",
            Network::GatedFunctions(_) => "function",
        }
    }

    /// Whether the output has passed through activations in the network's middle.
    pub fn has_hidden_activations(&self) -> bool {
        match self {
            Network::Tms(_) => false,
            Network::ResidualMlp(_) | Network::GatedFunctions(_) => true,
        }
    }

    /// Whether training changes the embeddings.
    pub fn trains_embeddings(&self) -> bool {
        match self {
            Network::Tms(_) | Network::GatedFunctions(_) => false,
            Network::ResidualMlp(mlp) => mlp.embedding == Embedding::Trained,
        }
    }

    /// Whether training changes the site's matrix.
    pub fn is_trained(&self, site: SiteIndex) -> bool {
        match self {
            Network::Tms(tms) => !tms.is_hidden(site) || tms.hidden_kind == HiddenKind::Trained,
            Network::ResidualMlp(_) => true,
            Network::GatedFunctions(_) => false,
        }
    }

    /// The value that training starts from, if it is not random.
    pub fn is_identity(&self, site: SiteIndex) -> bool {
        match self {
            Network::Tms(tms) => tms.is_hidden(site) && tms.hidden_kind == HiddenKind::Identity,
            Network::ResidualMlp(_) | Network::GatedFunctions(_) => false,
        }
    }

    /// The weights of a network that is constructed and not trained, for each replica from its own seed.
    pub fn constructed(&self, seeds: &[u64]) -> Option<Weights> {
        match self {
            Network::Tms(_) | Network::ResidualMlp(_) => None,
            Network::GatedFunctions(gated) => Some(gated.weights(seeds)),
        }
    }

    /// Whether its weights are found by training.
    pub fn is_trainable(&self) -> bool {
        match self {
            Network::Tms(_) | Network::ResidualMlp(_) => true,
            Network::GatedFunctions(_) => false,
        }
    }

    /// Of `input` [.., feature], the entries that set a mechanism to work where they are not zero: all but what gated
    /// functions are functions of.
    pub fn switches(&self, input: &Tensor) -> Tensor {
        match self {
            Network::Tms(_) | Network::ResidualMlp(_) => input.shallow_clone(),
            Network::GatedFunctions(gated) => input.narrow(-1, 1, gated.functions as i64),
        }
    }

    /// Number N of parameters at all sites.
    pub fn parameters(&self) -> i64 {
        self.sites().iter().map(Site::parameters).sum()
    }

    /// The forward pass: a dozen entries of a list, so that whoever runs it may as well build it.
    pub fn graph(&self) -> Graph {
        Graph::build(|graph, input| self.forward(graph, input))
    }

    fn forward(&self, graph: &mut Graph, input: Value) -> Value {
        match self {
            Network::Tms(tms) => tms.forward(graph, input),
            Network::ResidualMlp(mlp) => mlp.forward(graph, input),
            Network::GatedFunctions(gated) => gated.forward(graph, input),
        }
    }

    /// What the network is trained to answer to `input` [replica, sample, feature], given numbers of its task drawn by
    /// [`Network::label_coefficients`].
    pub fn labels(&self, input: &Tensor, coefficients: &Tensor) -> Tensor {
        match self {
            Network::Tms(_) => input.shallow_clone(),
            Network::ResidualMlp(mlp) => mlp.labels(input, coefficients),
            Network::GatedFunctions(_) => panic!("gated functions are not trained"),
        }
    }

    /// For each replica from its own seed, [replica, 1, feature].
    pub fn label_coefficients(&self, seeds: &[u64]) -> Tensor {
        let shape = [seeds.len() as i64, 1, self.features() as i64];
        match self {
            Network::ResidualMlp(ResidualMlp { label_coefficients: LabelCoefficients::Drawn, .. }) => {
                let of_seed = |&seed: &u64| {
                    let generator = stream(seed, Purpose::LabelCoefficients, 0);
                    StandardUniform.sample_iter(generator).take(self.features()).map(|share: f32| 1.0 + share)
                };
                tensor_from(&shape, seeds.iter().flat_map(of_seed))
            }
            _ => Tensor::ones(shape, (Kind::Float, Device::Cpu)),
        }
    }

    /// The network's output [replica, sample, output] with its own weights.
    pub fn output(&self, weights: &Weights, input: &Tensor) -> Tensor {
        let dense = Dense::new(&self.graph(), weights, input);
        dense.tensor(dense.output()).shallow_clone()
    }
}
