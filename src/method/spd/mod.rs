//! Stochastic Parameter Decomposition (SPD; Bushnaq, Braun and Sharkey 2025, arXiv:2506.20790) and its successor with
//! adversaries (VPD, 2026).
//!
//! Every matrix is decomposed by itself into subcomponents of rank one. An importance function learns how far each may be
//! ablated on an input: the output must stay as it was under every mask between the importance and 1, random or chosen by an
//! adversary, and importances shall be small.

mod ablation;
mod ablation_loops;
mod adversary;
mod architecture;
mod batch;
mod checks;
mod decomposed;
mod draws;
mod factors;
mod gate;
mod importance_function;
mod importance_kind;
mod importance_layer;
mod importances;
mod imported;
mod initial_factors;
mod method;
mod objective;
mod penalty;
mod philox_draws;
mod run;
mod scalar_importance;
mod settings;
mod sizes;
mod step;
mod traded_key;

pub use architecture::Architecture;
pub use draws::{Drawn, Draws};
pub use gate::Gate;
pub use importance_function::ImportanceFunction;
pub use importance_kind::ImportanceKind;
use importance_layer::Layer;
pub use importances::ImportanceFunctions;
pub use imported::with_uses_apart;
pub use initial_factors::InitialFactors;
pub use method::{SPD_WORDS, VPD_WORDS};
pub use objective::SpdObjective;
pub use settings::{
    Coefficients, FaithfulnessIn, FaithfulnessWarmUp, Frequency, FreshAdversary, Generation, LargestGradientNorms,
    Masks, Penalty, PersistentAdversary, Routing, Scope, Spd, Start, TiedWeights,
};
pub use sizes::Subcomponents;
