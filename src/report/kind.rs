//! Which columns of `summary.csv` and `scores.csv` the tables of a report show, by the kind of the run's network.

use super::{
    run_data::RunData,
    table::{fixed, scientific, verdict},
};
use crate::{
    run::TargetKind,
    table::{
        Cell, Column, Format, FunctionRow, Holds, MlpFeatureRow, NetworkKind, Row, ScoreRow, SummaryRow, TmsFeatureRow,
        column::Mean,
    },
};

/// The kind of the run's network; a run of an unknown one is shown as if it were of a toy model of superposition.
pub fn network(run: &RunData) -> NetworkKind {
    run.kind().map_or(NetworkKind::Tms, TargetKind::network)
}

/// The columns of the run's table of replicas, in order.
pub fn columns(run: &RunData) -> Vec<&'static Column> {
    let network = network(run);
    let is_known = |column: &Column| run.summary.iter().any(|row| value(run, row, column).number().is_finite());
    let is_shown = |column: &&Column| {
        column.shown.is_some_and(|shown| shown.of.contains(&network) && (!shown.if_known || is_known(column)))
    };
    let mut columns: Vec<&Column> = declared().filter(is_shown).collect();
    columns.sort_by_key(|column| column.place);
    columns
}

/// The columns of which the means are shown, in order.
pub fn means(network: NetworkKind) -> Vec<(&'static Column, Mean)> {
    let is_shown = |mean: &Mean| mean.of.contains(&network);
    let mut means: Vec<_> = declared().filter_map(|column| Some((column, column.mean.filter(is_shown)?))).collect();
    means.sort_by_key(|(column, _)| column.place);
    means
}

/// What the columns are, for the foot of the table.
pub fn columns_explained(run: &RunData) -> String {
    let columns = columns(run);
    let with_means = means(network(run)).into_iter().map(|(column, _)| column);
    let others = with_means.filter(|column| columns.iter().all(|shown| shown.name != column.name));
    let explained = |column: &Column| {
        let heading = column.heading().filter(|_| column.holds == Holds::Number)?;
        Some(format!("{heading}: {}", in_a_clause(&column.in_short())))
    };
    let words: Vec<String> = columns.iter().copied().chain(others).filter_map(explained).collect();
    format!("{}.", words.join("; "))
}

/// A sentence as a part of another.
fn in_a_clause(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let first = sentence.chars().next().into_iter().flat_map(char::to_lowercase);
    first.chain(sentence.chars().skip(1)).collect()
}

/// The cell of a replica in the table of replicas.
pub fn cell(run: &RunData, row: &SummaryRow, column: &Column) -> String {
    let value = value(run, row, column);
    match column.shown.map_or(Format::Plain, |shown| shown.format) {
        Format::Fixed(digits) => fixed(value.number(), digits),
        Format::Scientific => scientific(value.number()),
        Format::Plain if column.holds == Holds::Verdict => verdict(value.text().parse().ok()).to_owned(),
        Format::Plain => value.text(),
    }
}

/// The columns of the run's `features.csv`.
pub fn feature_columns(run: &RunData) -> &'static [Column] {
    match network(run) {
        NetworkKind::Tms => TmsFeatureRow::TABLE.columns,
        NetworkKind::ResidualMlp => MlpFeatureRow::TABLE.columns,
        NetworkKind::GatedFunctions => FunctionRow::TABLE.columns,
    }
}

/// The number of a replica of which the mean is taken.
pub fn number(row: &SummaryRow, (column, mean): &(&Column, Mean)) -> f64 {
    row.number(column.name) / mean.over.map_or(1.0, |over| row.number(over))
}

fn declared() -> impl Iterator<Item = &'static Column> {
    SummaryRow::TABLE.columns.iter().chain(ScoreRow::TABLE.columns)
}

/// What stands in the column in the row of a replica, or in that of the same replica in `scores.csv`.
fn value<'a>(run: &'a RunData, row: &'a SummaryRow, column: &Column) -> &'a dyn Cell {
    let scored = || run.evidence.scores.iter().find(|scored| scored.replica == row.replica);
    row.cell(column.name).or_else(|| scored()?.cell(column.name)).unwrap_or(&None::<f64>)
}
