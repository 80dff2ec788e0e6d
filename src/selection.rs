//! Which components are active on which sample.

use serde::Serialize;

/// Every selection rule that the spec can name, `[method.apd.selection.<rule>]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    BatchTopK(BatchTopK),
}

/// The floor(k * batch) largest attributions of the whole batch x component table (Braun et al. 2025, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BatchTopK {
    /// Mean number of active components a sample.
    pub k: f64,
}
