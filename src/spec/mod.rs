//! An experiment as its user writes it: TOML in, a checked and fully resolved experiment out.
//!
//! The settings of each part live beside the code that they configure; this module composes them.

use serde::Serialize;

use crate::{fit::Training, initial_values::InitialValues, inputs::Inputs, method::Method, network::Network};

/// A resolved experiment: every default filled in, every number checked. Written to the run folder, it is the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spec {
    /// Version of this format.
    pub format: u64,
    /// Name of the experiment; the run folder begins with it.
    pub name: String,
    /// One replica for each.
    pub seeds: Vec<u64>,
    pub target: Target,
    pub method: Method,
    /// The training of the components.
    pub decomposition: Training,
    pub measurement: Measurement,
}

/// The network to take apart and how it comes to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Set: all replicas decompose the target of this seed. Unset: each replica trains its own from its seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(flatten)]
    pub network: Network,
    pub initial_values: InitialValues,
    pub inputs: Inputs,
    pub training: Training,
}

/// How a finished decomposition is measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Number of samples on which activity is counted.
    pub samples: usize,
    /// A singular value counts towards the numerical rank if it exceeds this share of the largest one of its matrix.
    pub rank_threshold: f64,
}
