//! A residual MLP that can be worked out by hand, for the tests of metrics.

use tch::Tensor;

use super::Partial;
use crate::{
    components::{Components, Factors},
    graph::Activation,
    network::{Biases, Embedding, LabelCoefficients, Labels, Loss, Network, ResidualMlp},
    slices::tensor_from,
    weights::Weights,
};

/// A network of one replica with components that sum to it.
pub struct Tiny {
    pub network: Network,
    pub weights: Weights,
    pub components: Components,
}

impl Tiny {
    pub fn partial(&self) -> Partial<'_> {
        Partial {
            network: &self.network,
            weights: &self.weights,
            components: &self.components,
            last_always_active: false,
            shared: None,
        }
    }

    pub fn mlp(&self) -> &ResidualMlp {
        let Network::ResidualMlp(mlp) = &self.network else { unreachable!("built as one") };
        mlp
    }
}

/// Two features, two neurons, one layer, the identity as embedding: neuron i reads feature i and writes 2 relu(x_i) to it, so
/// that y = x + 2 relu(x). Component 0 is neuron 0; component 1 is three quarters of neuron 1 (its W_in whole, its W_out
/// 1.5 of 2); component 2 reads nothing and writes the last quarter; component 3 is zero.
pub fn residual_mlp() -> Tiny {
    let network = Network::ResidualMlp(ResidualMlp {
        features: 2,
        width: 2,
        neurons: 2,
        layers: 1,
        activation: Activation::Relu,
        biases: Biases::None,
        embedding: Embedding::Identity,
        labels: Labels::Activation,
        label_coefficients: LabelCoefficients::One,
        loss: Loss::Outputs,
        importance_base: 1.0,
    });
    let matrix = |entries: [f32; 4]| tensor_from(&[1, 2, 2], entries.into_iter());
    let identity = || matrix([1.0, 0.0, 0.0, 1.0]);
    let weights = Weights {
        sites: [identity(), matrix([2.0, 0.0, 0.0, 2.0])].into_iter().collect(),
        embeddings: vec![identity(), identity()],
        biases: Vec::new(),
    };
    // A and B of each component at rank one: which feature or neuron it reads, and what it writes.
    let factors = |components: [([f32; 2], [f32; 2]); 4]| {
        let rows = |number: usize| components.map(|(a, b)| [a, b][number]).concat();
        let a: Tensor = tensor_from(&[1, 4, 2, 1], rows(0).into_iter());
        Factors { a: a.permute([0, 2, 1, 3]).contiguous(), b: tensor_from(&[1, 4, 1, 2], rows(1).into_iter()) }
    };
    let (first, second, nothing) = ([1.0, 0.0], [0.0, 1.0], [0.0, 0.0]);
    let reads = factors([(first, first), (second, second), (nothing, nothing), (nothing, nothing)]);
    let writes = factors([(first, [2.0, 0.0]), (second, [0.0, 1.5]), (second, [0.0, 0.5]), (nothing, nothing)]);
    Tiny { network, weights, components: Components::everywhere([reads, writes].into_iter().collect()) }
}
