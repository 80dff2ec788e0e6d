//! Stochastic Parameter Decomposition (Bushnaq, Braun and Sharkey 2025, arXiv:2506.20790).

mod importance_function;
mod importance_kind;
mod initial_factors;
mod sizes;

pub use importance_function::{ImportanceFunction, Layer, Saved};
pub use importance_kind::ImportanceKind;
pub use initial_factors::InitialFactors;
pub use sizes::Subcomponents;
