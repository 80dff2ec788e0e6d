//! The run folder's CSV tables as rows of plain values. A cell that is empty where a number belongs reads as NaN.

use std::{io::Cursor, path::Path};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::files::{content, file_name};

/// A row of `summary.csv`: one replica.
#[derive(Clone, Debug, Deserialize)]
pub struct SummaryRow {
    pub replica: usize,
    pub seed: u64,
    #[serde(deserialize_with = "number")]
    pub faithfulness: f64,
    #[serde(deserialize_with = "number")]
    pub minimality: f64,
    #[serde(deserialize_with = "number")]
    pub simplicity: f64,
    /// Mean max cosine similarity.
    #[serde(deserialize_with = "number")]
    pub mmcs: f64,
    /// Mean L2 ratio.
    #[serde(deserialize_with = "number")]
    pub ml2r: f64,
    /// Active components in a mean sample.
    #[serde(deserialize_with = "number")]
    pub mean_active: f64,
    /// Components that are selected at all.
    #[serde(deserialize_with = "number")]
    pub alive: f64,
    #[serde(deserialize_with = "number")]
    pub mean_rank: f64,
    pub recovered: Option<bool>,
    /// From `scores.csv`.
    #[serde(skip, default = "missing")]
    pub score: f64,
    /// Bits a sample. This and the following are missing in older runs.
    #[serde(default = "missing", deserialize_with = "number")]
    pub description_length: f64,
    /// Components alive on a hidden layer, of a toy model of superposition that has one.
    #[serde(default = "missing", deserialize_with = "number")]
    pub alive_on_hidden: f64,
    /// This and the following: of residual MLPs.
    #[serde(default = "missing", deserialize_with = "number")]
    pub features_with_own_component: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub monosemantic: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub duplicate: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub mixed: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub idle: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub mean_layers_spanned: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub scrubbed_error: f64,
    #[serde(default = "missing", deserialize_with = "number")]
    pub anti_scrubbed_error: f64,
    /// The step at which its training ended before its time; such a replica is not measured.
    #[serde(default)]
    pub diverged_at: Option<u64>,
    /// What was not finite there.
    #[serde(default)]
    pub diverged_in: Option<String>,
    /// What makes the other columns say less than they seem to; missing in older runs, as is the column.
    #[serde(default)]
    pub remarks: Option<String>,
}

/// A row of `training.csv`: one loss term of one replica at one step.
#[derive(Clone, Debug, Deserialize)]
pub struct TrainingRow {
    pub replica: usize,
    pub step: u64,
    pub term: String,
    #[serde(deserialize_with = "number")]
    pub value: f64,
}

/// A row of `components.csv`, as far as figures need it.
#[derive(Clone, Debug, Deserialize)]
pub struct ComponentRow {
    pub replica: usize,
    pub component: usize,
    /// Share of samples on which it was selected.
    #[serde(default = "missing", deserialize_with = "number")]
    pub activation_frequency: f64,
    pub matched_feature: Option<usize>,
    pub alive: Option<bool>,
    /// `monosemantic` and so on, of a residual MLP.
    pub state: Option<String>,
}

/// A row of `ranks.csv`: one component of one replica at one site.
#[derive(Clone, Debug)]
pub struct RankRow {
    pub replica: usize,
    pub component: usize,
    pub site: String,
    /// The leading singular values, largest first.
    pub singular_values: Vec<f64>,
}

/// What a column holds that the table does not have.
pub fn missing() -> f64 {
    f64::NAN
}

/// A cell's number.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Rows of the table at `path`. Whatever cannot be read is left out and noted in `problems`.
pub fn read_table<Row: DeserializeOwned>(path: &Path, problems: &mut Vec<String>) -> Vec<Row> {
    let Some(mut reader) = open(path, problems) else { return Vec::new() };
    keep_good(path, reader.deserialize(), problems)
}

/// Rows of `ranks.csv`, whose number of columns `singular_value_1`, `singular_value_2`, .. varies.
pub fn read_ranks(path: &Path, problems: &mut Vec<String>) -> Vec<RankRow> {
    let Some(mut reader) = open(path, problems) else { return Vec::new() };
    let headers = reader.headers().cloned().unwrap_or_default();
    let values: Vec<bool> = headers.iter().map(|header| header.starts_with("singular_value_")).collect();

    #[derive(Deserialize)]
    struct Key {
        replica: usize,
        component: usize,
        site: String,
    }
    let rows = reader.records().map(|record| {
        let record = record?;
        let Key { replica, component, site } = record.deserialize(Some(&headers))?;
        let cells = record.iter().zip(&values).filter(|(_, is_value)| **is_value);
        let singular_values = cells.map(|(cell, _)| cell.trim().parse().unwrap_or(f64::NAN)).collect();
        Ok(RankRow { replica, component, site, singular_values })
    });
    keep_good(path, rows, problems)
}

/// Header and rows of the table at `path` as they are, whatever its columns.
pub fn read_cells(path: &Path, problems: &mut Vec<String>) -> (Vec<String>, Vec<Vec<String>>) {
    let Some(mut reader) = open(path, problems) else { return Default::default() };
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = reader.headers().map(cells).unwrap_or_default();
    (header, keep_good(path, reader.records().map(|record| record.map(|record| cells(&record))), problems))
}

fn open(path: &Path, problems: &mut Vec<String>) -> Option<csv::Reader<Cursor<Vec<u8>>>> {
    let text = content(path).map_err(|problem| problems.push(problem)).ok()?;
    Some(csv::Reader::from_reader(Cursor::new(text)))
}

/// The rows that could be read. A run that is being written may end in half a line.
fn keep_good<Row>(
    path: &Path,
    rows: impl Iterator<Item = Result<Row, csv::Error>>,
    problems: &mut Vec<String>,
) -> Vec<Row> {
    let mut good = Vec::new();
    let mut bad = 0;
    let mut first_error = String::new();
    for row in rows {
        match row {
            Ok(row) => good.push(row),
            Err(error) => {
                if bad == 0 {
                    first_error = error.to_string();
                }
                bad += 1;
            }
        }
    }
    match bad {
        0 => {}
        1 => problems.push(format!("{} has a row that was left out: {first_error}.", file_name(path))),
        _ => problems.push(format!("{} has {bad} rows that were left out; the first: {first_error}.", file_name(path))),
    }
    good
}
