//! The tables behind the figures: what was measured feature by feature, input by input, and for each selection. Runs of
//! an older version lack some of them.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::{files::file_name, rows::read_table};
use crate::{
    run::{RunFolder, exists},
    table::{
        AttributionRow, BaselineRow, CoactivityRow, ContributionRow, CurveRow, ImportanceHistogramRow, LayerRow,
        MlpFeatureRow, NetworkKind, OneHotImportanceRow, RateDistortionRow, ResponseRow, Row, ScoreRow,
        ScrubbingCurveRow, ScrubbingRow, Source, TARGET_TRAINING, Table, TrainingRow,
    },
};

/// All of them; a table that is not there is empty.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Of every network: the columns that others than residual MLPs have are among those of residual MLPs, as far as figures
    /// need them.
    pub features: Vec<MlpFeatureRow>,
    pub rate_distortion: Vec<RateDistortionRow>,
    pub scores: Vec<ScoreRow>,
    pub attributions: Vec<AttributionRow>,
    pub coactivity: Vec<CoactivityRow>,
    pub one_hot_importances: Vec<OneHotImportanceRow>,
    pub importance_histogram: Vec<ImportanceHistogramRow>,
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
pub struct Expected {
    /// `None`: unknown, so that no table is expected.
    pub network: Option<NetworkKind>,
    /// Whether the target was trained by the run, and neither imported nor constructed.
    pub trained: bool,
    /// Whether components are selected, or used with the L_p form's weights.
    pub selects: bool,
}

impl Expected {
    fn has(&self, table: &Table) -> bool {
        let is_made = table.source != Source::Targets || self.trained;
        let is_known = self.network.is_some_and(|network| table.of.contains(&network));
        table.is_missed && is_known && is_made && (self.selects || !table.needs_selection)
    }
}

impl Evidence {
    /// Reads what is there. What is damaged is noted in `problems`; of what should be there and is not, one sentence is.
    pub fn read(paths: &RunFolder, expected: &Expected, problems: &mut Vec<String>) -> Evidence {
        let mut tables = Tables { paths, expected, problems, absent: Vec::new() };
        let evidence = Evidence {
            features: tables.read_features(),
            rate_distortion: tables.read(),
            scores: tables.read(),
            attributions: tables.read(),
            coactivity: tables.read(),
            one_hot_importances: tables.read(),
            importance_histogram: tables.read(),
            target_training: tables.read_at(&paths.target_training_table(), expected.has(&TARGET_TRAINING)),
            baselines: tables.read(),
            responses: tables.read(),
            curves: tables.read(),
            contributions: tables.read(),
            layers: tables.read(),
            scrubbing: tables.read(),
            scrubbing_curves: tables.read(),
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
    paths: &'a RunFolder,
    expected: &'a Expected,
    problems: &'a mut Vec<String>,
    absent: Vec<String>,
}

impl Tables<'_> {
    fn read<R: Row + DeserializeOwned>(&mut self) -> Vec<R> {
        self.read_at(&self.paths.table::<R>(), self.expected.has(&R::TABLE))
    }

    /// Every network has this table.
    fn read_features(&mut self) -> Vec<MlpFeatureRow> {
        self.read_at(&self.paths.table::<MlpFeatureRow>(), self.expected.network.is_some())
    }

    fn read_at<R: DeserializeOwned>(&mut self, path: &Path, is_expected: bool) -> Vec<R> {
        // One that cannot be looked at is not absent: reading it says why.
        if exists(path).unwrap_or(true) {
            return read_table(path, self.problems);
        }
        self.absent.extend(is_expected.then(|| file_name(path)));
        Vec::new()
    }
}
