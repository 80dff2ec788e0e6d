//! The colours of recovered and other replicas.

use super::{sheet::Sheet, style};
use crate::report::run_data::RunData;

/// In the order in which they are named; drawn the other way round, so that what is recovered lies on top.
pub const VERDICTS: [(Option<bool>, &str); 3] =
    [(Some(true), "recovered"), (Some(false), "not recovered"), (None, "not yet judged")];

pub fn colour(recovered: Option<bool>) -> &'static str {
    match recovered {
        Some(true) => style::BLUE,
        Some(false) => style::VERMILLION,
        None => style::FAINT,
    }
}

/// Says what the colours mean and how many of the replicas have each; returns where it ends.
pub fn keys(sheet: &mut Sheet, run: &RunData, replicas: impl Iterator<Item = usize>, (mut x, y): (f64, f64)) -> f64 {
    let mut replicas: Vec<usize> = replicas.collect();
    replicas.sort_unstable();
    replicas.dedup();
    for (verdict, meaning) in VERDICTS {
        let count = replicas.iter().filter(|replica| run.recovered(**replica) == verdict).count();
        if count > 0 {
            x = sheet.key((x, y), colour(verdict), &format!("{meaning}: {count}"));
        }
    }
    x
}
