//! The tables of a run folder: their columns and what each row is made of. The README's data dictionary explains them.

use serde::{Deserialize, Serialize};

pub const TRAINING: &[&str] = &["replica", "step", "term", "value"];

pub const BASELINES: &[&str] = &["answer", "error"];

#[derive(Debug, Serialize, Deserialize)]
pub struct BaselineRow {
    pub answer: String,
    pub error: f64,
}

pub const SUMMARY: &[&str] = &[
    "replica",
    "seed",
    "faithfulness",
    "minimality",
    "simplicity",
    "total",
    "mmcs",
    "ml2r",
    "mean_active",
    "alive",
    "mean_rank",
    "recovered",
];

#[derive(Debug, Serialize)]
pub struct SummaryRow {
    pub replica: usize,
    pub seed: u64,
    pub faithfulness: f64,
    pub minimality: f64,
    pub simplicity: f64,
    pub total: f64,
    /// This and the next, and `recovered`: empty where the target is no toy model of superposition.
    pub mmcs: Option<f64>,
    pub ml2r: Option<f64>,
    pub mean_active: f64,
    pub alive: usize,
    /// Over alive components and sites; empty if none is alive.
    pub mean_rank: Option<f64>,
    pub recovered: Option<bool>,
}

pub const COMPONENTS: &[&str] = &[
    "replica",
    "component",
    "activation_frequency",
    "mean_attribution",
    "matched_feature",
    "cosine",
    "norm_ratio",
    "largest_leak",
    "alive",
    "norm_share",
];

#[derive(Debug, Serialize)]
pub struct ComponentRow {
    pub replica: usize,
    pub component: usize,
    pub activation_frequency: f64,
    pub mean_attribution: Option<f64>,
    pub matched_feature: Option<usize>,
    pub cosine: Option<f64>,
    pub norm_ratio: Option<f64>,
    pub largest_leak: Option<f64>,
    pub alive: bool,
    pub norm_share: f64,
}

/// The columns of `ranks.csv` before the singular values.
pub const RANKS: &[&str] = &[
    "replica",
    "component",
    "site",
    "numerical_rank",
    "stable_rank",
    "entropy_rank",
    "frobenius_norm",
    "nuclear_norm",
];

#[derive(Debug, Serialize)]
pub struct RankRow {
    pub replica: usize,
    pub component: usize,
    pub site: String,
    pub numerical_rank: usize,
    pub stable_rank: f64,
    pub entropy_rank: f64,
    pub frobenius_norm: f64,
    pub nuclear_norm: f64,
    /// As many as the table has columns for, `None` where the site has fewer.
    pub singular_values: Vec<Option<f64>>,
}

pub const FEATURES: &[&str] = &["replica", "feature", "component", "cosine", "norm_ratio", "leak", "error_alone"];

#[derive(Debug, Serialize)]
pub struct FeatureRow {
    pub replica: usize,
    pub feature: usize,
    pub component: Option<usize>,
    pub cosine: f64,
    pub norm_ratio: f64,
    pub leak: f64,
    pub error_alone: Option<f64>,
}

impl RankRow {
    /// With empty fields up to the table's number of singular values.
    pub fn padded(&self, width: usize) -> Self {
        let mut singular_values = self.singular_values.clone();
        singular_values.resize(width, None);
        Self { site: self.site.clone(), singular_values, ..*self }
    }
}
