//! An experiment as its user writes it: TOML in, a checked and fully resolved experiment out.
//!
//! The settings of each part live beside the code that they configure; this module composes them. In reading order:
//! [`load()`] takes a file to a [`Spec`]; `source` and `tree` keep where every value was written, `overrides` applies
//! `--set`; `reader`, `number`, `text` and `choice` are what each `read` function is written in; `identity` reads name,
//! seeds and format; `defaults` are for a spec without a method; `checks` compares settings of different parts; `problem`, `skeleton` and `nearest` say what is wrong;
//! [`load_trials`] makes many specs of one, as its `space` says; `resolved` writes a spec back as TOML and gives it a hash.
//!
//! A new key is a field of its struct and a line in the struct's `read`, which names the allowed range and the default:
//! `warm_up: table.number("warm_up").at_least(0.0).below(1.0).or(0.0)`. A new variant is a member of its enum and a line
//! in the enum's [`Choice::VARIANTS`]: its name in the spec, which is serde's name of the member, and how it is read.

mod checks;
mod choice;
mod defaults;
mod identity;
mod load;
mod nearest;
mod number;
mod overrides;
mod problem;
mod reader;
mod resolved;
mod skeleton;
mod source;
mod space;
mod text;
mod tree;
mod trials;

use serde::Serialize;

pub use choice::{Choice, Variant};
pub use identity::FORMAT;
pub(crate) use identity::optional_seeds;
pub use load::{load, load_with_sweep, parse};
pub use problem::SpecError;
pub use reader::TableReader;
pub use space::Written;
pub use trials::{Trial, Trials, load_planned, load_trials, parse_trials};

use crate::{
    fit::Training, initial_values::InitialValues, inputs::Inputs, method::Method, network::Network, sweep::Sweep,
};

/// Whether a setting that came later than others has its default: it is then left out of a resolved spec, so that the
/// hashes of experiments that do not use it stay.
pub(crate) fn is_default<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// A resolved experiment: every default filled in, every number checked. Written to the run folder, it is the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spec {
    /// Version of this format.
    pub format: u64,
    /// Name of the experiment; the run folder begins with it.
    pub name: String,
    /// One replica for each.
    pub seeds: Vec<u64>,
    /// SHA-256 of the file that the components were imported from. Unset: they are trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported_components: Option<String>,
    pub target: Target,
    pub method: Method,
    /// The training of the components.
    pub decomposition: Training,
    pub measurement: Measurement,
}

impl Spec {
    /// With the `[sweep]`, which is no part of the experiment itself. `file_stem` is the name if the spec gives none. One
    /// seed unless it says more.
    fn read(table: &mut TableReader, file_stem: &str) -> (Self, Option<Sweep>) {
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
        let sweep = table.optional_table("sweep", |table| Sweep::read(table, &spec.seeds));
        (spec, sweep)
    }
}

/// The network to take apart and how it comes to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Set: all replicas decompose the target of this seed. Unset: each replica trains its own from its seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// SHA-256 of the file that the networks were imported from, whose instances are the seeds 0, 1, 2... Unset: they
    /// are trained. Part of the hash, so that an imported network is never taken for a trained one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<String>,
    #[serde(flatten)]
    pub network: Network,
    /// Unset, as is `training`, for a network that is constructed and not trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_values: Option<InitialValues>,
    pub inputs: Inputs,
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
#[derive(Clone, Debug, PartialEq, Serialize)]
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
