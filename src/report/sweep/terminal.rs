//! The report of a sweep as plain text.

use super::{data::SweepData, table, words};
use crate::{
    report::terminal::{aligned, narrowed, wrapped},
    visible::visible,
};

/// Trials beyond these are only in the page.
const TRIALS_SHOWN: usize = 10;

/// How the sweep stands, its best trial beside the base setting, and the best trials.
pub fn text(sweep: &SweepData, width: usize) -> String {
    let line = |text: &str| wrapped(&visible(text), width);
    let mut parts = vec![line(&format!("{}: {}", sweep.name, words::about(sweep)))];
    parts.push(words::standing(sweep).iter().map(|sentence| line(sentence)).collect::<Vec<_>>().join("\n"));
    parts.extend(words::failures(sweep).iter().map(|failure| line(failure)));
    if let Some((table, sentence)) = table::trade_off(sweep).zip(words::trade_off(sweep)) {
        parts.push(line(&sentence));
        parts.push(aligned(&narrowed(visible_table(table), &["recovered", "trial"], width), width));
    }
    if let Some((trial, outcome)) = words::best(sweep) {
        parts.push(line(&format!("{}: {trial}, {outcome}", capitalised(sweep.best_is()))));
        parts.push(line(&words::base(sweep)));
        parts.extend(table::against_base(sweep).map(|table| aligned(&visible_table(table), width)));
        let (trials, _) = table::trials(sweep, TRIALS_SHOWN);
        parts
            .push(aligned(&narrowed(visible_table(trials), &["ML2R", "MMCS", "own", "active", "error"], width), width));
    }
    parts.join("\n\n")
}

fn visible_table(mut table: crate::report::table::Table) -> crate::report::table::Table {
    table.header.iter_mut().chain(table.rows.iter_mut().flatten()).for_each(|cell| *cell = visible(cell));
    table
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
