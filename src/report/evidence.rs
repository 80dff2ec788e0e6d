//! The tables behind the figures: what was measured feature by feature, input by input, and for each selection. Runs of
//! an older version lack some of them.

use std::path::Path;

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    files::file_name,
    rows::{TrainingRow, missing, number, read_table},
    run_data::Target,
};
use crate::run::{RunFolder, exists};

/// A row of `features.csv`, as far as figures need it.
#[derive(Clone, Debug, Deserialize)]
pub struct FeatureRow {
    pub replica: usize,
    pub feature: usize,
    pub component: Option<usize>,
    pub own_component: Option<bool>,
    #[serde(default = "missing", deserialize_with = "number")]
    pub error_none: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub error_alone: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub error_selected: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub target_error: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub mean_active: f64,
    /// Whether the target represents the feature; `None` in runs that are older than the column, which judge every feature.
    #[serde(default)]
    pub represented: Option<bool>,
}

/// A row of `rate_distortion.csv`: one selection.
#[derive(Clone, Debug, Deserialize)]
pub struct RateRow {
    pub replica: usize,
    #[serde(deserialize_with = "number")]
    pub mean_active: f64,
    #[serde(deserialize_with = "number")]
    pub description_length: f64,
    #[serde(deserialize_with = "number")]
    pub error: f64,
}

/// A row of `scores.csv`, as far as reports need it.
#[derive(Clone, Debug, Deserialize)]
pub struct ScoreRow {
    pub replica: usize,
    /// The larger, the better.
    #[serde(deserialize_with = "number")]
    pub score: f64,
    pub chosen: Option<bool>,
}

/// A row of `contributions.csv`.
#[derive(Clone, Debug, Deserialize)]
pub struct ContributionRow {
    pub replica: usize,
    pub feature: usize,
    pub neuron: usize,
    #[serde(deserialize_with = "number")]
    pub target: f64,
    #[serde(deserialize_with = "number")]
    pub component: f64,
}

/// A row of `layers.csv`: a component's share in one layer.
#[derive(Clone, Debug, Deserialize)]
pub struct LayerRow {
    pub replica: usize,
    pub component: usize,
    pub layer: usize,
    #[serde(deserialize_with = "number")]
    pub share: f64,
}

/// A row of `scrubbing.csv`: a percentile of each error.
#[derive(Clone, Debug, Deserialize)]
pub struct ScrubbingRow {
    pub replica: usize,
    #[serde(deserialize_with = "number")]
    pub quantile: f64,
    #[serde(deserialize_with = "number")]
    pub target_to_labels: f64,
    #[serde(deserialize_with = "number")]
    pub scrubbed: f64,
    #[serde(deserialize_with = "number")]
    pub anti_scrubbed: f64,
    #[serde(deserialize_with = "number")]
    pub scrubbed_to_labels: f64,
    #[serde(deserialize_with = "number")]
    pub anti_scrubbed_to_labels: f64,
}

/// A row of `scrubbing_curves.csv`: the answers at one value of one feature.
#[derive(Clone, Debug, Deserialize)]
pub struct ScrubbingCurveRow {
    pub replica: usize,
    pub feature: usize,
    #[serde(deserialize_with = "number")]
    pub input: f64,
    #[serde(deserialize_with = "number")]
    pub label: f64,
    #[serde(deserialize_with = "number")]
    pub target: f64,
    #[serde(deserialize_with = "number")]
    pub scrubbed_low: f64,
    #[serde(deserialize_with = "number")]
    pub scrubbed_median: f64,
    #[serde(deserialize_with = "number")]
    pub scrubbed_high: f64,
    #[serde(deserialize_with = "number")]
    pub anti_scrubbed_low: f64,
    #[serde(deserialize_with = "number")]
    pub anti_scrubbed_median: f64,
    #[serde(deserialize_with = "number")]
    pub anti_scrubbed_high: f64,
}

/// A row of `baselines.csv`: the error of one answer, in one replica.
#[derive(Clone, Debug, Deserialize)]
pub struct BaselineRow {
    pub replica: usize,
    pub answer: String,
    #[serde(deserialize_with = "number")]
    pub error: f64,
}

/// A row of `attributions.csv`: a component's attribution on inputs with one active feature.
#[derive(Clone, Debug, Deserialize)]
pub struct AttributionRow {
    pub replica: usize,
    pub feature: usize,
    pub component: usize,
    #[serde(deserialize_with = "number")]
    pub attribution: f64,
}

/// A row of `coactivity.csv`: how the activities of two components go together.
#[derive(Clone, Debug, Deserialize)]
pub struct CoactivityRow {
    pub replica: usize,
    pub component: usize,
    pub other: usize,
    #[serde(deserialize_with = "number")]
    pub correlation: f64,
}

/// A row of `responses.csv`: one output on the input with one feature at 1.
#[derive(Clone, Debug, Deserialize)]
pub struct ResponseRow {
    pub replica: usize,
    pub feature: usize,
    pub output: usize,
    #[serde(deserialize_with = "number")]
    pub target: f64,
    #[serde(deserialize_with = "number")]
    pub component: f64,
}

/// A row of `curves.csv`: the answers at one value of one feature, or of x with one control bit on.
#[derive(Clone, Debug, Deserialize)]
pub struct CurveRow {
    pub replica: usize,
    pub feature: usize,
    #[serde(deserialize_with = "number")]
    pub input: f64,
    #[serde(deserialize_with = "number")]
    pub label: f64,
    #[serde(deserialize_with = "number")]
    pub target: f64,
    #[serde(deserialize_with = "number")]
    pub component: f64,
    #[serde(deserialize_with = "number")]
    pub selected: f64,
}

/// All of them; a table that is not there is empty.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub features: Vec<FeatureRow>,
    pub rate_distortion: Vec<RateRow>,
    pub scores: Vec<ScoreRow>,
    pub attributions: Vec<AttributionRow>,
    pub coactivity: Vec<CoactivityRow>,
    pub target_training: Vec<TrainingRow>,
    pub baselines: Vec<BaselineRow>,
    pub responses: Vec<ResponseRow>,
    pub curves: Vec<CurveRow>,
    pub contributions: Vec<ContributionRow>,
    pub layers: Vec<LayerRow>,
    pub scrubbing: Vec<ScrubbingRow>,
    pub scrubbing_curves: Vec<ScrubbingCurveRow>,
}

/// What of the run decides which tables it should have.
pub struct Expected<'a> {
    pub target: Option<&'a Target>,
    /// Whether the target was trained by the run, and neither imported nor constructed.
    pub trained: bool,
    /// Whether components are selected, or used with the L_p form's weights.
    pub selects: bool,
}

impl Evidence {
    /// Reads what is there. What is damaged is noted in `problems`; of what should be there and is not, one sentence is.
    pub fn read(paths: &RunFolder, expected: &Expected, problems: &mut Vec<String>) -> Evidence {
        let (mlp, tms, gated) = match expected.target {
            Some(Target::ResidualMlp { .. }) => (true, false, false),
            Some(Target::Tms(_)) => (false, true, false),
            Some(Target::GatedFunctions { .. }) => (false, false, true),
            None => (false, false, false),
        };
        let known = mlp || tms || gated;
        let mut tables = Tables { problems, absent: Vec::new() };
        let evidence = Evidence {
            features: tables.read(&paths.features_table(), known),
            rate_distortion: tables.read(&paths.rate_distortion_table(), known),
            // Runs that are older than scores lack nothing that is drawn.
            scores: tables.read(&paths.scores_table(), false),
            attributions: tables.read(&paths.attributions_table(), known),
            coactivity: tables.read(&paths.coactivity_table(), known && expected.selects),
            target_training: tables.read(&paths.target_training_table(), known && expected.trained),
            baselines: tables.read(&paths.baselines_table(), known && expected.trained),
            responses: tables.read(&paths.responses_table(), tms || mlp),
            curves: tables.read(&paths.curves_table(), mlp || gated),
            contributions: tables.read(&paths.contributions_table(), mlp),
            layers: tables.read(&paths.layers_table(), mlp),
            scrubbing: tables.read(&paths.scrubbing_table(), mlp),
            scrubbing_curves: tables.read(&paths.scrubbing_curves_table(), mlp),
        };
        let absent = tables.absent.join(", ");
        if !absent.is_empty() {
            problems.push(format!("{NOT_THERE}: {absent}; apd evaluate writes them anew."));
        }
        evidence
    }
}

/// How the note begins that names absent tables, as of runs of older versions.
pub const NOT_THERE: &str = "Not there, and so not drawn";

struct Tables<'a> {
    problems: &'a mut Vec<String>,
    absent: Vec<String>,
}

impl Tables<'_> {
    fn read<Row: DeserializeOwned>(&mut self, path: &Path, expected: bool) -> Vec<Row> {
        // One that cannot be looked at is not absent: reading it says why.
        if exists(path).unwrap_or(true) {
            return read_table(path, self.problems);
        }
        self.absent.extend(expected.then(|| file_name(path)));
        Vec::new()
    }
}
