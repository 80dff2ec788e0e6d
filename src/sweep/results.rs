//! What came of the trials, read back from `trials.csv`, and which of them did best.

use std::cmp::Ordering;

use crate::{
    run::{RunError, SweepFolder, read_table},
    statistics::{MeanDeviation, mean_and_deviation},
};

/// The columns of `trials.csv` by which trials are compared.
#[derive(Clone, Debug, serde::Deserialize)]
struct Row {
    trial: usize,
    status: String,
    recovered: Option<bool>,
    score: Option<f64>,
}

/// What came of one trial that has ended. A replica that has diverged is not recovered, and scores 0: it lowers the error by
/// nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialResult {
    pub trial: usize,
    pub replicas: usize,
    pub diverged: usize,
    /// `None` if no replica was judged.
    pub recovered: Option<usize>,
    /// Of the replicas; empty if none is known, as of trials that are older than scores.
    pub scores: Vec<f64>,
}

impl TrialResult {
    /// Mean and standard deviation over the replicas.
    pub fn score(&self) -> Option<MeanDeviation> {
        mean_and_deviation(self.scores.iter().copied())
    }

    /// Share of its replicas.
    fn recovered_share(&self) -> Option<f64> {
        self.recovered.map(|recovered| recovered as f64 / self.replicas as f64)
    }

    /// By the share of recovered replicas where mechanisms are known, then by the mean score.
    fn compare(&self, other: &TrialResult) -> Ordering {
        let key = |result: &TrialResult| {
            [result.recovered_share(), result.score().map(|score| score.mean)]
                .map(|part| part.unwrap_or(f64::NEG_INFINITY))
        };
        let ([share, score], [other_share, other_score]) = (key(self), key(other));
        share.total_cmp(&other_share).then(score.total_cmp(&other_score))
    }
}

/// Of every trial that has ended and has not failed, in their order.
pub fn results(folder: &SweepFolder) -> Result<Vec<TrialResult>, RunError> {
    let table = folder.trials_table();
    let rows: Vec<Row> = if table.is_file() { read_table(&table)? } else { Vec::new() };
    let of_trial = |rows: &[Row]| {
        let diverged = |row: &&Row| row.status.starts_with("diverged");
        let judged = rows.iter().any(|row| row.recovered.is_some());
        let score = |row: &Row| if diverged(&row) { Some(0.0) } else { row.score };
        TrialResult {
            trial: rows[0].trial,
            replicas: rows.len(),
            diverged: rows.iter().filter(diverged).count(),
            recovered: judged.then(|| rows.iter().filter(|row| row.recovered == Some(true)).count()),
            scores: rows.iter().filter_map(score).collect(),
        }
    };
    let ended: Vec<Row> = rows.into_iter().filter(|row| row.status != "failed").collect();
    Ok(ended.chunk_by(|row, next| row.trial == next.trial).map(of_trial).collect())
}

/// The best of some trials; of equals the first.
pub fn best(results: &[TrialResult]) -> Option<&TrialResult> {
    // `max_by` would take the last of equals.
    results.iter().rev().max_by(|one, other| one.compare(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(trial: usize, recovered: Option<usize>, scores: &[f64]) -> TrialResult {
        TrialResult { trial, replicas: 2, diverged: 0, recovered, scores: scores.to_vec() }
    }

    #[test]
    fn the_share_of_recovered_replicas_decides_and_then_the_mean_score() {
        let best_of = |results: &[TrialResult]| best(results).map(|result| result.trial);
        assert_eq!(best_of(&[result(0, Some(1), &[9.0, 9.0]), result(1, Some(2), &[1.0, 1.0])]), Some(1));
        assert_eq!(best_of(&[result(0, Some(1), &[1.0, 2.0]), result(1, Some(1), &[1.0, 3.0])]), Some(1));
        assert_eq!(best_of(&[result(0, None, &[]), result(1, None, &[-1.0]), result(2, None, &[-1.0])]), Some(1));
        assert_eq!(best_of(&[]), None);
    }
}
