//! Which replica the score would pick, a score that knows no mechanism.

use super::{run_data::RunData, table::fixed};
use crate::table::Cell;

/// "By its score (1.94), which knows no mechanism, replica 3 of 12 is the best; it is recovered."; `None` where no replica is
/// chosen, as in runs that are older than scores, and where there is no choice.
pub fn sentence(run: &RunData) -> Option<String> {
    let scores = &run.evidence.scores;
    let chosen = scores.iter().filter(|_| scores.len() > 1).find(|row| row.chosen == Some(true))?;
    let recovered = match run.recovered(chosen.replica) {
        Some(true) => "; it is recovered",
        Some(false) => "; it is not recovered",
        None => "",
    };
    Some(format!(
        "By its score ({}), which knows no mechanism, replica {} of {} is the best{recovered}.",
        fixed(chosen.score.number(), 2),
        chosen.replica,
        scores.len()
    ))
}
