//! What came out of several runs, a column a run.

use super::comparison::header;
use crate::report::{
    left_out,
    rows::SummaryRow,
    run_data::RunData,
    table::{self, Share, Table, mean},
};

/// A number of a replica: how the table of replicas calls it, and the number.
type Number = (&'static str, fn(&SummaryRow) -> f64);

const NUMBERS: [Number; 18] = [
    ("MMCS", |row| row.mmcs),
    ("ML2R", |row| row.ml2r),
    ("own", |row| row.features_with_own_component),
    ("mono", |row| row.monosemantic),
    ("dupl", |row| row.duplicate),
    ("mixed", |row| row.mixed),
    ("idle", |row| row.idle),
    ("scrub", |row| row.scrubbed_error),
    ("anti", |row| row.anti_scrubbed_error),
    ("faithful", |row| row.faithfulness),
    ("minimal", |row| row.minimality),
    ("simple", |row| row.simplicity),
    ("active", |row| row.mean_active),
    ("alive", |row| row.alive),
    ("hidden", |row| row.alive_on_hidden),
    ("rank", |row| row.mean_rank),
    ("layers", |row| row.mean_layers_spanned),
    ("bits", |row| row.description_length),
];

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
    for (name, number) in NUMBERS {
        row(name, &|run| mean(run.summary.iter().map(number)));
    }
    for (name, number) in NUMBERS {
        let recovered = |row: &&SummaryRow| row.recovered == Some(true);
        row(&format!("{name}, recovered replicas"), &|run| mean(run.summary.iter().filter(recovered).map(number)));
    }
    row("replicas measured", &|run| Some(run.summary.len().to_string()));
    row("status", &|run| run.status.clone());
    row("working time", &|run| run.seconds.filter(|seconds| seconds.is_finite()).map(table::duration));
    row("device", &|run| run.device.clone());
    Table { header: header("result", names), rows }
}
