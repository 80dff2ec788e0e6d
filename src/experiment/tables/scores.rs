//! The table by which replicas are compared without knowing the mechanisms.

use serde::Serialize;

pub const SCORES: &[&str] = &[
    "replica",
    "seed",
    "score",
    "chosen",
    "active_inputs",
    "error_at_rate",
    "error_with_all",
    "active_at_error",
    "description_length_at_error",
    "mean_log_error",
    "error_ablated_at_random",
    "error_ablated_by_gradient",
    "profile_agreement",
    "parameter_agreement",
    "features_per_component",
    "components_per_feature",
    "dead",
    "duplicates",
];

/// What could not be measured is `None`. Errors are shares of the error without components.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreRow {
    pub replica: usize,
    pub seed: u64,
    /// The larger, the better.
    pub score: Option<f64>,
    /// Whether no replica has a larger score, and none before it the same.
    pub chosen: bool,
    /// On a mean sample; the mean number of active components at which errors are compared.
    pub active_inputs: f64,
    pub error_at_rate: Option<f64>,
    pub error_with_all: Option<f64>,
    pub active_at_error: Option<f64>,
    pub description_length_at_error: Option<f64>,
    pub mean_log_error: Option<f64>,
    pub error_ablated_at_random: Option<f64>,
    pub error_ablated_by_gradient: Option<f64>,
    /// `None` of a replica alone.
    pub profile_agreement: Option<f64>,
    /// `None` of a replica alone, and where replicas have targets of their own.
    pub parameter_agreement: Option<f64>,
    /// This and the next: `None` if no component responds to any feature.
    pub features_per_component: Option<f64>,
    pub components_per_feature: Option<f64>,
    pub dead: usize,
    pub duplicates: usize,
}
