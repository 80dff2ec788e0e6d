//! The toy model of superposition (Elhage et al. 2022; Braun et al. 2025, section 3.1):
//! x_hat = relu(x W H_1 .. H_n W^T + b), more features than hidden dimensions.

use serde::Serialize;

/// Sizes of a toy model of superposition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tms {
    /// Number of input features.
    pub features: usize,
    /// Width of the hidden space.
    pub hidden: usize,
    /// Number of linear layers [hidden, hidden] between embedding and unembedding.
    pub hidden_layers: usize,
    /// What the hidden layers are.
    pub hidden_kind: HiddenKind,
}

/// What the hidden linear layers of a toy model of superposition are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenKind {
    /// Initialised like the embedding and trained with it.
    Trained,
    /// The identity, not trained.
    Identity,
    /// Random (as initialised), not trained.
    Random,
}
