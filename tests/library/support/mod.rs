//! Small experiments that several test files use.
#![allow(dead_code, reason = "no test file uses everything")]

use apd::{
    attribution::{Attribution, AttributionsAt},
    components::Components,
    fit::{InputStream, Training},
    graph::Activation,
    initial_values::{InitialValues, Shape},
    inputs::{IndependentFeatures, Inputs},
    method::apd::{Apd, Coefficients, Columns, LastComponent},
    network::{
        Biases, Embedding, GatedFunctions, HiddenKind, LabelCoefficients, Labels, Loss, Network, ResidualMlp, Tms,
    },
    random::Purpose,
    schedule::Schedule,
    selection::{BatchTopK, Selection},
    weights::Weights,
};
use tch::Tensor;

pub const RULE: InitialValues = InitialValues { instances: 3, scale: 1.0, distribution: Shape::Normal };

pub fn tms(features: usize, hidden: usize, hidden_layers: usize) -> Network {
    Network::Tms(Tms { features, hidden, hidden_layers, hidden_kind: HiddenKind::Trained, tied: true })
}

/// With 4 neurons a layer; unless the embedding is the identity, the residual stream is wider than all that is added to it.
pub fn residual_mlp(layers: usize, activation: Activation, biases: Biases, embedding: Embedding) -> Network {
    Network::ResidualMlp(ResidualMlp {
        features: 6,
        width: if embedding == Embedding::Identity { 6 } else { 20 },
        neurons: 4 * layers,
        layers,
        activation,
        biases,
        embedding,
        labels: Labels::Activation,
        label_coefficients: LabelCoefficients::Drawn,
        loss: Loss::Outputs,
        importance_base: 1.0,
    })
}

/// With two layers, which do not share any function's neurons equally.
pub fn gated(functions: usize) -> GatedFunctions {
    GatedFunctions { functions, neurons_per_function: 4, layers: 2 }
}

/// Every kind of network, small.
pub fn networks() -> Vec<Network> {
    vec![
        tms(5, 2, 0),
        tms(7, 3, 2),
        tms(40, 10, 0),
        tms(6, 2, 1).with_uses_apart(),
        residual_mlp(1, Activation::Relu, Biases::Inner, Embedding::Random),
        residual_mlp(2, Activation::Gelu, Biases::Both, Embedding::Trained),
        residual_mlp(3, Activation::Gelu, Biases::Outer, Embedding::Identity),
        Network::GatedFunctions(gated(4)),
    ]
}

/// Random weights and random biases: zero biases would hide mistakes, and put zero inputs on the kink of relu.
pub fn weights(network: &Network, seeds: &[u64]) -> Weights {
    let mut weights = Weights::random(network, RULE, seeds);
    for (number, bias) in weights.biases.iter_mut().enumerate() {
        let values = Tensor::arange(bias.size()[1], (tch::Kind::Float, tch::Device::Cpu)) + (number + 1) as f64;
        bias.copy_(&(values.sin() * 0.1));
    }
    weights
}

pub fn components(network: &Network, number: usize, rank: usize, seeds: &[u64]) -> Components {
    Components::random(&network.sites(), number, rank, RULE, seeds)
}

pub fn settings(number: usize, rank: usize) -> Apd {
    Apd {
        components: number,
        rank,
        schatten_power: 0.9,
        rank_growth: 0.0,
        simplicity_rise: 0.0,
        simplicity_fade: 0.0,
        activity_floor: 0.0,
        attribution: Attribution::Gradient,
        attributions_at: AttributionsAt::Target,
        columns: Columns::Free,
        last_component: LastComponent::Selected,
        coefficients: Coefficients { faithfulness: 1.0, minimality: 3.0, simplicity: 0.7, hidden: 0.0, output: 0.0 },
        initial_values: RULE,
        selection: Selection::BatchTopK(BatchTopK { k: 0.6 }),
    }
}

pub fn training(steps: u64, batch: usize) -> Training {
    Training { steps, batch, learning_rate: 0.01, warm_up: 0.05, weight_decay: 0.0, schedule: Schedule::Cosine }
}

pub fn inputs(network: &Network, seeds: &[u64]) -> InputStream {
    InputStream {
        inputs: Inputs::Independent(IndependentFeatures { probability: 0.1, low: -0.2, high: 1.0 }),
        features: network.features(),
        seeds: seeds.to_vec(),
        purpose: Purpose::DecompositionInputs,
    }
}

/// Asserts that two tensors differ by no more than `tolerance` of the second's largest magnitude.
pub fn assert_close(actual: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(actual.size(), expected.size(), "{what}: shapes");
    let difference = (actual - expected).abs().max().double_value(&[]);
    let allowed = tolerance * expected.abs().max().double_value(&[]);
    assert!(difference <= allowed, "{what}: differs by {difference:e}, allowed {allowed:e}");
}
