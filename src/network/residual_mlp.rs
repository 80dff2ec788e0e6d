//! The residual MLP (Braun et al. 2025, section 3.2), which computes more functions than it has neurons:
//! y = (x W_E + sum_l (act(r_l W_in + b_in) W_out + b_out)) W_U, with r_l the residual stream before layer l.

use rand::rngs::ChaCha8Rng;
use schemars::JsonSchema;
use serde::Serialize;
use tch::{Kind, Tensor};

use super::residual_layers::ResidualLayers;
use crate::{
    graph::{Activation, EmbeddingIndex, Graph, Value},
    initial_values::{InitialValues, sample_normal},
    settings::{Choice, TableReader, Variant, is_default},
    site::Site,
};

/// Sizes and parts of a residual MLP.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ResidualMlp {
    /// Number of input features.
    pub features: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Number of neurons of all layers together.
    pub neurons: usize,
    /// Number of layers, which share the neurons equally.
    pub layers: usize,
    /// Activation function of the neurons.
    pub activation: Activation,
    /// Which biases the layers have.
    pub biases: Biases,
    /// How features enter the residual stream by W_E and leave it by W_U.
    pub embedding: Embedding,
    /// What the network is trained to answer to x.
    pub labels: Labels,
    /// Coefficients c of the labels, one for each feature.
    pub label_coefficients: LabelCoefficients,
    /// What is compared with the labels in training.
    #[serde(skip_serializing_if = "is_default")]
    pub loss: Loss,
    /// In training, the squared error of feature j, from 0, counts this to the power j.
    #[serde(skip_serializing_if = "is_one")]
    pub importance_base: f64,
}

/// Whether all features are equally important.
fn is_one(base: &f64) -> bool {
    *base == 1.0
}

impl ResidualMlp {
    /// What the paper uses, unless the spec says otherwise: relu, no biases, a fixed random embedding, labels x + relu(x)
    /// held against the outputs, all features equally important.
    pub fn read(table: &mut TableReader) -> Self {
        let network = Self {
            features: table.size("features").such_as(100),
            width: table.size("width").such_as(1_000),
            neurons: table.size("neurons").such_as(50),
            layers: table.number("layers").at_least(1).at_most(100).or(1),
            activation: table.choice("activation").or(Activation::Relu),
            biases: table.choice("biases").or(Biases::None),
            embedding: table.choice("embedding").or(Embedding::Random),
            labels: table.choice("labels").or(Labels::Activation),
            label_coefficients: table.choice("label_coefficients").or(LabelCoefficients::One),
            loss: table.choice("loss").or(Loss::default()),
            importance_base: table.number("importance_base").above(0.0).at_most(1.0).or(1.0),
        };
        let Self { features, width, layers, .. } = network;
        table.check(
            &["neurons", "layers"],
            network.neurons.is_multiple_of(layers.max(1)),
            "`neurons` must be a multiple of `layers`, which share them",
            format!("`layers` is {layers}"),
        );
        table.check(
            &["embedding", "features", "width"],
            network.embedding != Embedding::Identity || features == width,
            "the embedding can be the identity only where `width` is `features`",
            format!("`width` is {width}, `features` is {features}"),
        );
        table.check(
            &["loss", "embedding"],
            network.loss != Loss::ResidualStream || network.embedding != Embedding::Trained,
            "the loss in the residual stream embeds the labels, so it needs a fixed embedding",
            "but `embedding` is \"trained\"",
        );
        table.check(
            &["importance_base", "loss"],
            network.loss != Loss::ResidualStream || network.importance_base == 1.0,
            "features have no importance in the residual stream, where they overlap",
            "but `loss` is \"residual_stream\"",
        );
        network
    }
}

impl ResidualMlp {
    pub(super) const EMBEDDING: EmbeddingIndex = EmbeddingIndex(0);
    const UNEMBEDDING: EmbeddingIndex = EmbeddingIndex(1);

    /// Number of neurons in each layer.
    pub fn neurons_per_layer(&self) -> usize {
        self.neurons / self.layers
    }

    pub(super) fn layers(&self) -> ResidualLayers {
        ResidualLayers {
            layers: self.layers,
            width: self.width,
            neurons: self.neurons_per_layer(),
            activation: self.activation,
            biases: self.biases,
        }
    }

    pub(super) fn embeddings(&self) -> Vec<Site> {
        vec![Site::new("W_E", self.features, self.width), Site::new("W_U", self.width, self.features)]
    }

    /// W_E and W_U before training, [replica, ...] each.
    pub(super) fn initial_embeddings(&self, rule: InitialValues, generators: &mut [ChaCha8Rng]) -> Vec<Tensor> {
        let (features, width) = (self.features as i64, self.width as i64);
        let embedding = match self.embedding {
            Embedding::Random => {
                let normal = sample_normal(&[features, width], 1.0, generators);
                let norms = normal.norm_scalaropt_dim(2.0, [2].as_slice(), true);
                normal / norms
            }
            Embedding::Identity => {
                let eye = Tensor::eye(features, (Kind::Float, tch::Device::Cpu));
                eye.repeat([generators.len() as i64, 1, 1])
            }
            Embedding::Trained => {
                let [embedding, unembedding] =
                    [[features, width], [width, features]].map(|shape| rule.sample(&shape, generators));
                return vec![embedding, unembedding];
            }
        };
        let unembedding = embedding.mt().contiguous();
        vec![embedding, unembedding]
    }

    /// y = (x W_E + sum_l (act(r_l W_in + b_in) W_out + b_out)) W_U.
    pub(super) fn forward(&self, graph: &mut Graph, features: Value) -> Value {
        let residual = self.residual_stream(graph, features);
        graph.embed(Self::UNEMBEDDING, residual)
    }

    /// The residual stream after the last layer.
    pub(super) fn residual_stream(&self, graph: &mut Graph, features: Value) -> Value {
        let residual = graph.embed(Self::EMBEDDING, features);
        self.layers().forward(graph, residual)
    }

    /// What the network is to answer to `input` [replica, sample, feature]; `coefficients` [replica, 1, feature].
    pub(super) fn labels(&self, input: &Tensor, coefficients: &Tensor) -> Tensor {
        let scaled = input * coefficients;
        match self.labels {
            Labels::Activation => input + self.activation.of(&scaled),
            Labels::Absolute => scaled.abs(),
        }
    }
}

/// Which biases a residual MLP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Biases {
    /// No biases.
    None,
    /// b_in, before the activation.
    Inner,
    /// b_out, into the residual stream.
    Outer,
    /// b_in and b_out.
    Both,
}

impl Choice for Biases {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("none", Self::None),
        Variant::Word("inner", Self::Inner),
        Variant::Word("outer", Self::Outer),
        Variant::Word("both", Self::Both),
    ];
}

/// How features enter the residual stream and leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Embedding {
    /// Random rows of length one, not trained; W_U is the transpose.
    Random,
    /// The identity, not trained.
    Identity,
    /// W_E and W_U each trained with the rest.
    Trained,
}

impl Choice for Embedding {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("random", Self::Random),
        Variant::Word("identity", Self::Identity),
        Variant::Word("trained", Self::Trained),
    ];
}

/// What a residual MLP is trained to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// x + act(c x).
    Activation,
    /// |c x|.
    Absolute,
}

impl Choice for Labels {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("activation", Self::Activation), Variant::Word("absolute", Self::Absolute)];
}

/// Where answers are held against labels in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The outputs against the labels.
    #[default]
    Outputs,
    /// The residual stream after the last layer against the labels embedded with W_E.
    ResidualStream,
}

impl Choice for Loss {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("outputs", Self::Outputs), Variant::Word("residual_stream", Self::ResidualStream)];
}

/// The coefficients c of the labels, one for each feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelCoefficients {
    /// 1.
    One,
    /// Uniform in [1, 2), by the target's seed.
    Drawn,
}

impl Choice for LabelCoefficients {
    const VARIANTS: &'static [Variant<Self>] = &[Variant::Word("one", Self::One), Variant::Word("drawn", Self::Drawn)];
}
