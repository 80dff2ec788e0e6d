//! What came out of several runs, a column a run.

use super::comparison::header;
use crate::{
    report::{
        left_out,
        run_data::RunData,
        table::{self, Share, Table, mean},
    },
    table::{Column, Holds, Place, Row, SummaryRow},
};

/// Verdict, means over all replicas and over the recovered ones, and what else there is to say. A number that no run
/// has is left out.
pub fn results(runs: &[RunData], names: &[String]) -> Table {
    let mut rows = Vec::new();
    let mut row = |name: &str, cell: &dyn Fn(&RunData) -> Option<String>| {
        let cells: Vec<Option<String>> = runs.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or("–".to_owned()));
            rows.push([name.to_owned()].into_iter().chain(cells).collect());
        }
    };
    row("recovered", &|run| Some(Share::of(run)?.count()));
    row("recovered, share", &|run| Some(Share::of(run)?.percent()));
    row("recovered, Wilson 95 % interval", &|run| Some(Share::of(run)?.interval()));
    row("left out of the verdict", &left_out::words);
    for (heading, column) in numbers() {
        row(heading, &|run| mean(run.summary.iter().map(|row| row.number(column))));
    }
    for (heading, column) in numbers() {
        let recovered = |row: &&SummaryRow| row.recovered == Some(true);
        let numbers = |run: &RunData| mean(run.summary.iter().filter(recovered).map(|row| row.number(column)));
        row(&format!("{heading}, recovered replicas"), &numbers);
    }
    row("replicas measured", &|run| Some(run.summary.len().to_string()));
    row("status", &|run| run.status_words.as_deref().map(crate::visible::visible));
    row("training", &|run| run.training_seconds.map(table::duration));
    row("working time", &|run| run.seconds.map(table::duration));
    row("device", &|run| run.device.clone());
    Table { header: header("result", names), rows }
}

/// The numbers of a replica that reports have a heading for, with their columns; what is known of the mechanisms first.
fn numbers() -> Vec<(&'static str, &'static str)> {
    let is_number = |column: &&Column| column.holds == Holds::Number;
    let mut columns: Vec<&Column> = SummaryRow::TABLE.columns.iter().filter(is_number).collect();
    columns.sort_by_key(|column| (column.place != Place::Mechanisms, column.place));
    columns.into_iter().filter_map(|column| Some((column.heading()?, column.name))).collect()
}
