//! The inputs that a network sees in training, decomposition and measurement: sparse feature vectors.

use serde::Serialize;

/// Every input distribution that the spec can name, `[target.inputs.<distribution>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Inputs {
    Independent(IndependentFeatures),
}

/// Each feature is active independently with one probability; an active one is uniform in [low, high).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IndependentFeatures {
    pub probability: f64,
    pub low: f64,
    pub high: f64,
}
