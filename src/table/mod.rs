//! The tables that runs and sweeps leave, each declared once: a struct for its rows, with the meaning and the unit of every
//! column. Header, writer, reader, the reports' headings, the data dictionary and `apd help tables` follow from it.
//!
//! - `declare`: the macro; [`cell`]: what may stand in a field; [`mod@column`]: what is declared of a column
//! - `training`: losses and simple answers; `summary`, `scores`: a row per replica; `components`, `features`: a row per
//!   component or feature; `at_uses`: learned importances; `behaviour`: outputs and attributions on chosen inputs; `scrubbing`; `sweep`: tables of a sweep

#[macro_use]
mod declare;
mod at_uses;
mod behaviour;
pub mod cell;
pub mod column;
mod components;
mod features;
mod scores;
mod scrubbing;
mod summary;
mod sweep;
mod training;

use std::fmt;

use serde::Serialize;

pub use at_uses::{ImportanceHistogramRow, ImportanceRow, MaskedErrorRow, OneHotImportanceRow, SiteRow};
pub use behaviour::{AttributionRow, CoactivityRow, ContributionRow, CurveRow, ResponseRow};
pub use cell::Cell;
pub use column::{Column, Format, Holds, Place, Shown};
pub use components::{ComponentRow, LayerRow, RankRow, ServingRow};
pub use features::{FunctionRow, MlpFeatureRow, TmsFeatureRow};
pub use scores::{RateDistortionRow, ScoreRow};
pub use scrubbing::{ScrubbingCurveRow, ScrubbingRow};
pub use summary::SummaryRow;
pub use sweep::{EffectRow, JobRow, PlanRow, SecondsRow, SensitivityRow, TradeOffRow, TrialRow};
pub use training::{BaselineRow, TARGET_TRAINING, TargetBaselineRow, TrainingRow};

/// A row of a table, whose fields are its columns.
pub trait Row: Serialize {
    const TABLE: Table;

    /// What stands in the column of this name; `None` if the table does not have it.
    fn cell(&self, column: &str) -> Option<&dyn Cell>;

    /// The number in the column of this name; NaN where there is none.
    fn number(&self, column: &str) -> f64 {
        self.cell(column).map_or(f64::NAN, Cell::number)
    }
}

impl<R: Row> Row for &R {
    const TABLE: Table = R::TABLE;

    fn cell(&self, column: &str) -> Option<&dyn Cell> {
        R::cell(self, column)
    }
}

/// What is declared of a table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its file's name.
    pub file: &'static str,
    about: &'static str,
    pub columns: &'static [Column],
    /// The networks whose runs have it.
    pub of: &'static [NetworkKind],
    pub source: Source,
    /// Whether only methods that select components have it.
    pub needs_selection: bool,
    /// Whether the table is long, so that its numbers have six significant digits.
    pub has_short_numbers: bool,
    /// Whether a report does not miss it where it is absent, as in older runs.
    pub is_missed: bool,
}

/// What makes a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The training of the components.
    Training,
    /// The training of the targets, of those that were trained.
    Targets,
    /// The measurement of the finished decomposition, which `apd evaluate` repeats.
    Measurement,
    Sweep,
}

/// The kinds of networks that a table or a column can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    Tms,
    ResidualMlp,
    GatedFunctions,
}

impl NetworkKind {
    pub const ALL: &[Self] = &[Self::Tms, Self::ResidualMlp, Self::GatedFunctions];
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tms => "toy models of superposition",
            Self::ResidualMlp => "residual MLPs",
            Self::GatedFunctions => "gated functions",
        })
    }
}

impl Table {
    /// A table that the measurement of every network makes.
    pub const fn new(file: &'static str, about: &'static str, columns: &'static [Column]) -> Self {
        Self {
            file,
            about,
            columns,
            of: NetworkKind::ALL,
            source: Source::Measurement,
            needs_selection: false,
            has_short_numbers: false,
            is_missed: true,
        }
    }

    /// Of these networks alone.
    pub const fn of(self, of: &'static [NetworkKind]) -> Self {
        Self { of, ..self }
    }

    pub const fn made_by(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Not of methods without a selection.
    pub const fn of_selections(self) -> Self {
        Self { needs_selection: true, ..self }
    }

    /// With numbers of six significant digits.
    pub const fn short_numbers(self) -> Self {
        Self { has_short_numbers: true, ..self }
    }

    /// Older runs lack it, and no figure needs it.
    pub const fn not_missed(self) -> Self {
        Self { is_missed: false, ..self }
    }

    pub fn header(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }

    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What the table holds, in a sentence.
    pub fn in_short(&self) -> String {
        column::paragraphs(self.about).next().unwrap_or_default()
    }

    /// Everything that is said of the table as a whole, by paragraphs.
    pub fn in_full(&self) -> impl Iterator<Item = String> {
        column::paragraphs(self.about)
    }
}

/// The tables of a run folder.
pub const OF_RUNS: [Table; 25] = [
    SummaryRow::TABLE,
    ScoreRow::TABLE,
    ComponentRow::TABLE,
    RankRow::TABLE,
    TmsFeatureRow::TABLE,
    MlpFeatureRow::TABLE,
    FunctionRow::TABLE,
    RateDistortionRow::TABLE,
    AttributionRow::TABLE,
    CoactivityRow::TABLE,
    SiteRow::TABLE,
    MaskedErrorRow::TABLE,
    ImportanceRow::TABLE,
    OneHotImportanceRow::TABLE,
    ImportanceHistogramRow::TABLE,
    ResponseRow::TABLE,
    CurveRow::TABLE,
    ContributionRow::TABLE,
    ServingRow::TABLE,
    LayerRow::TABLE,
    ScrubbingRow::TABLE,
    ScrubbingCurveRow::TABLE,
    TrainingRow::TABLE,
    TARGET_TRAINING,
    BaselineRow::TABLE,
];

/// The tables of a sweep's folder.
pub const OF_SWEEPS: [Table; 7] = [
    PlanRow::TABLE,
    TrialRow::TABLE,
    SecondsRow::TABLE,
    EffectRow::TABLE,
    SensitivityRow::TABLE,
    TradeOffRow::TABLE,
    JobRow::TABLE,
];

/// The names of the files that hold tables of a run, each once.
pub fn files_of_runs() -> impl Iterator<Item = &'static str> {
    let is_first = |place: usize| OF_RUNS[..place].iter().all(|table| table.file != OF_RUNS[place].file);
    (0..OF_RUNS.len()).filter(move |place| is_first(*place)).map(|place| OF_RUNS[place].file)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;

    use super::*;

    fn read<R: DeserializeOwned>(text: &str) -> Result<R, String> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().next().unwrap().map_err(|error| error.to_string())
    }

    fn all() -> impl Iterator<Item = &'static Table> {
        OF_RUNS.iter().chain(&OF_SWEEPS)
    }

    #[test]
    fn a_row_is_written_under_the_names_of_its_fields() {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(ServingRow { replica: 1, feature: 2, component: 3, weight: 0.5, share: 0.25 }).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(text, format!("{}\n1,2,3,0.5,0.25\n", ServingRow::TABLE.header().join(",")));
    }

    #[test]
    fn columns_are_read_by_name_and_those_that_are_not_there_are_empty() {
        let row: ComponentRow = read("component,of_a_newer_version,replica,alive,cosine\n3,x,0,true,\n").unwrap();
        assert_eq!(
            (row.replica, row.component, row.alive, row.cosine, row.state.as_deref()),
            (0, 3, Some(true), None, None)
        );
        assert!(row.activation_frequency.is_nan());
        assert_eq!(row.number("component"), 3.0);
        assert!(row.number("cosine").is_nan() && row.number("of_a_newer_version").is_nan());
        let error = read::<LayerRow>("replica,layer\n0,1\n").unwrap_err();
        assert!(error.ends_with("missing field `component`"), "{error}");
    }

    #[test]
    fn a_row_of_two_columns_with_one_name_is_refused() {
        let error = read::<ComponentRow>("replica,component,alive,alive\n0,3,true,false\n").unwrap_err();
        assert!(error.ends_with("two of its columns have one name"), "{error}");
    }

    #[test]
    fn a_count_is_a_whole_number_or_none() {
        let alive = |cell: &str| read::<SummaryRow>(&format!("replica,seed,alive\n0,0,{cell}\n")).map(|row| row.alive);
        assert_eq!([alive("5"), alive(""), alive("NaN")], [Ok(Some(5)), Ok(None), Ok(None)]);
        for cell in ["1.5", "-1", "1e300"] {
            let error = alive(cell).unwrap_err();
            assert!(error.ends_with("no whole number"), "{error}");
        }
    }

    #[test]
    fn a_list_is_read_from_as_many_columns_as_there_are() {
        let header = RankRow::header(2).join(",");
        let row: RankRow = read(&format!("{header}\n0,1,embed,1,1,1,1,1,2.5,\n")).unwrap();
        assert_eq!(row.singular_value, [Some(2.5), None]);
        assert_eq!(row.padded(3).singular_value.len(), 3);
    }

    #[test]
    fn every_column_is_explained_in_sentences_and_has_a_name_of_its_own() {
        for table in all() {
            let names: BTreeSet<&str> = table.columns.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), table.columns.len(), "{}", table.file);
            for text in table.columns.iter().map(Column::in_short).chain([table.in_short()]) {
                assert!(text.ends_with('.') && text.len() > 10, "{}: {text:?}", table.file);
            }
            let divisors = table.columns.iter().filter_map(|column| column.mean?.over);
            assert!(divisors.into_iter().all(|over| table.column(over).is_some()), "{}", table.file);
        }
    }
}
