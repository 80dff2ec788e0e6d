//! The inputs that a network sees in training, decomposition and measurement: sparse feature vectors.

use serde::Serialize;

use crate::spec::{Choice, TableReader, Variant};

/// Every input distribution that the spec can name, `[target.inputs.<distribution>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Inputs {
    Independent(IndependentFeatures),
}

impl Choice for Inputs {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Table("independent", |table| Self::Independent(IndependentFeatures::read(table)))];
}

/// Each feature is active independently with one probability; an active one is uniform in [low, high).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IndependentFeatures {
    pub probability: f64,
    pub low: f64,
    pub high: f64,
}

impl IndependentFeatures {
    /// The values lie in [0, 1) unless the spec says otherwise: the paper's toy models of superposition.
    fn read(table: &mut TableReader) -> Self {
        let features = Self {
            probability: table.number("probability").above(0.0).at_most(1.0).such_as(0.05),
            low: table.number("low").or(0.0),
            high: table.number("high").or(1.0),
        };
        let Self { low, high, .. } = features;
        table.check(&["low", "high"], low < high, "`low` must be below `high`", format!("`high` is {high}"));
        features
    }
}
