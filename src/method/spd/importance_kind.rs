//! The forms that causal-importance functions can have.

use schemars::JsonSchema;
use serde::Serialize;

use crate::settings::{Choice, Variant};

/// What a causal-importance function reads, and which subcomponents share one. Each is a multilayer perceptron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceKind {
    /// One for each subcomponent, which reads that subcomponent's inner activation: one number.
    #[default]
    Mlp,
    /// One for each subcomponent, which reads the whole input of the weight matrix.
    VectorMlp,
    /// One for each use of a weight matrix, which reads its input and serves all of its subcomponents.
    SharedMlp,
    /// One for all uses, which reads their inputs side by side and serves all subcomponents.
    GlobalMlp,
}

impl Choice for ImportanceKind {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("mlp", Self::Mlp),
        Variant::Word("vector_mlp", Self::VectorMlp),
        Variant::Word("shared_mlp", Self::SharedMlp),
        Variant::Word("global_mlp", Self::GlobalMlp),
    ];
}
