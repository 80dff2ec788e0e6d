//! The tables of a run folder: their columns and what each row is made of. The README's data dictionary explains them.

mod behaviour;
mod scores;

pub use behaviour::{
    ATTRIBUTIONS, AttributionRow, COACTIVITY, CURVES, CoactivityRow, CurveRow, RESPONSES, ResponseRow,
    SCRUBBING_CURVES, ScrubbingCurveRow,
};
pub use scores::{SCORES, ScoreRow};
use serde::{Deserialize, Serialize};

use crate::metric::ComponentState;

pub const TRAINING: &[&str] = &["replica", "step", "term", "value"];

/// Of one target.
pub const BASELINES: &[&str] = &["answer", "error"];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BaselineRow {
    pub answer: String,
    pub error: f64,
}

/// Of the targets of all replicas.
pub const REPLICA_BASELINES: &[&str] = &["replica", "answer", "error"];

#[derive(Debug, Serialize)]
pub struct ReplicaBaselineRow {
    pub replica: usize,
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
    "active_ranks",
    "description_length",
    "alive_on_hidden",
    "features_with_own_component",
    "monosemantic",
    "duplicate",
    "mixed",
    "idle",
    "mean_layers_spanned",
    "target_error",
    "scrubbed_error",
    "anti_scrubbed_error",
    "diverged_at",
    "diverged_in",
    "remarks",
];

/// What a kind of network knows nothing of is `None`, and everything else that is measured if the replica has diverged.
#[derive(Debug, Default, Serialize)]
pub struct SummaryRow {
    pub replica: usize,
    pub seed: u64,
    pub faithfulness: Option<f64>,
    pub minimality: Option<f64>,
    pub simplicity: Option<f64>,
    pub total: Option<f64>,
    /// This and the next: of toy models of superposition.
    pub mmcs: Option<f64>,
    pub ml2r: Option<f64>,
    pub mean_active: Option<f64>,
    pub alive: Option<usize>,
    /// Over alive components and sites; empty if none is alive.
    pub mean_rank: Option<f64>,
    /// The verdict of the kind of network.
    pub recovered: Option<bool>,
    pub active_ranks: Option<f64>,
    pub description_length: Option<f64>,
    /// Of toy models of superposition with hidden layers.
    pub alive_on_hidden: Option<usize>,
    /// Of residual MLPs and gated functions.
    pub features_with_own_component: Option<usize>,
    /// This and the following: of residual MLPs.
    pub monosemantic: Option<usize>,
    pub duplicate: Option<usize>,
    pub mixed: Option<usize>,
    pub idle: Option<usize>,
    /// Over alive components; empty if none is alive.
    pub mean_layers_spanned: Option<f64>,
    /// This and the following: empty if no sample had an active feature.
    pub target_error: Option<f64>,
    pub scrubbed_error: Option<f64>,
    pub anti_scrubbed_error: Option<f64>,
    /// This and the following: of replicas that have diverged, which are not measured.
    pub diverged_at: Option<u64>,
    pub diverged_in: Option<String>,
    /// What makes the other columns say less than they seem to.
    pub remarks: Option<String>,
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
    "state",
    "features_served",
    "layers_spanned",
];

/// What a kind of network knows nothing of is `None`.
#[derive(Debug, Default, Serialize)]
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
    /// This and the following: of residual MLPs.
    pub state: Option<ComponentState>,
    pub features_served: Option<usize>,
    pub layers_spanned: Option<f64>,
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

/// Of toy models of superposition.
pub const TMS_FEATURES: &[&str] =
    &["replica", "feature", "component", "cosine", "norm_ratio", "leak", "error_alone", "represented"];

/// What compares a component with the target is `None` of a feature that the target does not represent.
#[derive(Debug, Serialize)]
pub struct TmsFeatureRow {
    pub replica: usize,
    pub feature: usize,
    pub component: Option<usize>,
    pub cosine: Option<f64>,
    pub norm_ratio: Option<f64>,
    pub leak: Option<f64>,
    pub error_alone: Option<f64>,
    pub represented: bool,
}

impl RankRow {
    /// With empty fields up to the table's number of singular values.
    pub fn padded(&self, width: usize) -> Self {
        let mut singular_values = self.singular_values.clone();
        singular_values.resize(width, None);
        Self { site: self.site.clone(), singular_values, ..*self }
    }
}

pub const RATE_DISTORTION: &[&str] = &["replica", "mean_active", "active_ranks", "description_length", "error"];

#[derive(Debug, Serialize)]
pub struct RateDistortionRow {
    pub replica: usize,
    pub mean_active: f64,
    pub active_ranks: f64,
    pub description_length: f64,
    pub error: f64,
}

/// `features.csv` of residual MLPs.
pub const MLP_FEATURES: &[&str] = &[
    "replica",
    "feature",
    "component",
    "own_component",
    "error_none",
    "error_alone",
    "error_selected",
    "target_error",
    "mean_active",
    "components_serving",
    "slope",
    "cosine",
    "represented",
];

/// What is said of a component is `None` of a feature that the target does not represent.
#[derive(Debug, Serialize)]
pub struct MlpFeatureRow {
    pub replica: usize,
    pub feature: usize,
    pub component: Option<usize>,
    pub own_component: Option<bool>,
    pub error_none: f64,
    pub error_alone: Option<f64>,
    /// Empty in the L_p form, which selects nothing.
    pub error_selected: Option<f64>,
    pub target_error: f64,
    pub mean_active: f64,
    pub components_serving: Option<usize>,
    pub slope: Option<f64>,
    pub cosine: Option<f64>,
    pub represented: bool,
}

/// `features.csv` of gated functions: a row a function.
pub const GATED_FEATURES: &[&str] = &["replica", "feature", "component", "cosine", "own_component", "represented"];

/// What is said of a component is `None` of a function that has no weights.
#[derive(Debug, Serialize)]
pub struct GatedFeatureRow {
    pub replica: usize,
    pub feature: usize,
    pub component: Option<usize>,
    pub cosine: Option<f64>,
    pub own_component: Option<bool>,
    pub represented: bool,
}

pub const CONTRIBUTIONS: &[&str] = &["replica", "feature", "neuron", "target", "component"];

#[derive(Debug, Serialize)]
pub struct ContributionRow {
    pub replica: usize,
    pub feature: usize,
    pub neuron: usize,
    pub target: f64,
    /// Empty of a feature that the target does not represent.
    pub component: Option<f64>,
}

pub const SERVING: &[&str] = &["replica", "feature", "component", "weight", "share"];

#[derive(Debug, Serialize)]
pub struct ServingRow {
    pub replica: usize,
    pub feature: usize,
    pub component: usize,
    pub weight: f64,
    pub share: f64,
}

pub const LAYERS: &[&str] = &["replica", "component", "layer", "share"];

#[derive(Debug, Serialize)]
pub struct LayerRow {
    pub replica: usize,
    pub component: usize,
    pub layer: usize,
    pub share: f64,
}

pub const SCRUBBING: &[&str] = &[
    "replica",
    "quantile",
    "target_to_labels",
    "scrubbed",
    "anti_scrubbed",
    "scrubbed_to_labels",
    "anti_scrubbed_to_labels",
];

#[derive(Debug, Serialize)]
pub struct ScrubbingRow {
    pub replica: usize,
    pub quantile: f64,
    pub target_to_labels: f64,
    pub scrubbed: f64,
    pub anti_scrubbed: f64,
    pub scrubbed_to_labels: f64,
    pub anti_scrubbed_to_labels: f64,
}
