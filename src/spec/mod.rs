//! An experiment as its user writes it: TOML in, a checked and fully resolved experiment out.
//!
//! The settings of each part live beside the code that they configure; this module composes them. In reading order:
//! [`load()`] takes a file to a [`Spec`], read by [`settings`](crate::settings); `identity` reads name, seeds and format;
//! `defaults` are for a spec without a method; `checks` compares settings of different parts; `description` says what a run is; `resolved` writes a spec back
//! as TOML and gives it a hash.

mod checks;
mod defaults;
mod description;
mod identity;
mod load;
mod resolved;

use schemars::JsonSchema;
use serde::Serialize;

pub use description::describe;
pub use identity::FORMAT;
pub(crate) use identity::optional_seeds;
pub(crate) use load::{Resolved, read_text, resolve, shown};
pub use load::{load, parse};

pub use crate::settings::SpecError;
use crate::{
    fit::Training, initial_values::InitialValues, inputs::Inputs, method::Method, network::Network,
    settings::TableReader,
};

/// A resolved experiment: every default filled in, every number checked. Written to the run folder, it is the run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Spec {
    /// Version of the spec's format.
    pub format: u64,
    /// Name of the experiment, with which its run folder begins; unset, that of the file without `.toml`.
    pub name: String,
    /// Seeds of the replicas, one for each: `3` means 0, 1 and 2.
    pub seeds: Vec<u64>,
    /// SHA-256 of the file that the components were imported from; unset, they are trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported_components: Option<String>,
    /// The network to decompose, and how it comes to be.
    pub target: Target,
    /// How the network is decomposed. In a spec without this table one rule for all networks fills it in, and
    /// `[decomposition]` with it.
    pub method: Method,
    /// The training of the components.
    pub decomposition: Training,
    /// How a finished decomposition is measured.
    pub measurement: Measurement,
}

impl Spec {
    /// `file_stem` is the name if the spec gives none. One seed unless it says more.
    pub(crate) fn read(table: &mut TableReader, file_stem: &str) -> Self {
        let spec = Self {
            format: identity::format(table),
            name: identity::name(table, file_stem),
            seeds: identity::seeds(table),
            target: table.table("target", Target::read),
            method: table.table("method", TableReader::variant),
            decomposition: table.table("decomposition", |table| Training::read(table, 0.0)),
            measurement: table.table("measurement", Measurement::read),
            imported_components: identity::digest(table, "imported_components"),
        };
        checks::check(&spec, table);
        spec
    }
}

/// The network to take apart and how it comes to be.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Target {
    /// Seed of the one target that all replicas decompose; unset, each replica has the target of its own seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// SHA-256 of the file that the networks were imported from, whose instances are the seeds 0, 1, 2...; unset, they are
    /// trained or constructed. It is part of the hash, so that an imported network is never taken for a trained one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<String>,
    #[serde(flatten)]
    pub network: Network,
    /// Random initial values of the network's weights. A network that is constructed has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_values: Option<InitialValues>,
    /// What the network is given in training, decomposition and measurement.
    pub inputs: Inputs,
    /// The training of the network. One that is constructed has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
}

impl Target {
    /// Weight decay 0.01: AdamW's usual one, with which the paper's toy models were trained.
    fn read(table: &mut TableReader) -> Self {
        let seed = table.number("seed").at_most(identity::LARGEST_SEED).optional();
        let network: Network = table.variant();
        let imported = identity::digest(table, "imported");
        if !network.is_trainable() {
            for key in ["initial_values", "training"] {
                table.forbid(key, "this target is constructed, not trained");
            }
            let inputs = table.table("inputs", TableReader::variant);
            return Self { seed, network, initial_values: None, inputs, training: None, imported };
        }
        Self {
            seed,
            network,
            initial_values: Some(table.table("initial_values", InitialValues::read)),
            inputs: table.table("inputs", TableReader::variant),
            training: Some(table.table("training", |table| Training::read(table, 0.01))),
            imported,
        }
    }

    /// Number of updates of its training.
    pub fn steps(&self) -> u64 {
        self.training.as_ref().map_or(0, |training| training.steps)
    }
}

/// How a finished decomposition is measured.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Measurement {
    /// Number of samples on which activity is counted.
    pub samples: usize,
    /// A singular value counts towards the numerical rank if it exceeds this share of the largest one of its matrix.
    pub rank_threshold: f64,
}

impl Measurement {
    /// 100,000 samples: a component active on one sample in 10,000 is still seen ten times. A threshold of 0.01 stands
    /// well above what is left of a singular value that the simplicity loss has driven down.
    fn read(table: &mut TableReader) -> Self {
        Self {
            samples: table.number("samples").at_least(1).at_most(1_000_000_000).or(100_000),
            rank_threshold: table.number("rank_threshold").above(0.0).below(1.0).or(0.01),
        }
    }
}
