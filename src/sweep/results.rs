//! What came of the trials, and which of them did best.

use std::cmp::Ordering;

use super::{Ending, Point, rows::Rows};
use crate::statistics::{MeanDeviation, mean_and_deviation, score_of_diverged};

/// The columns of a row of `trials.csv` by which trials are compared.
#[derive(Clone, Debug)]
pub struct ReplicaResult {
    pub trial: usize,
    pub seed: String,
    pub ending: Ending,
    pub recovered: Option<bool>,
    pub score: Option<f64>,
    /// Where it has both numbers.
    pub point: Option<Point>,
}

impl ReplicaResult {
    /// Of every replica of the trials that have ended.
    pub fn all(rows: &Rows) -> Vec<Self> {
        let cell = |row: &[String], name: &str| {
            let cell = rows.header.iter().zip(row).find(|(column, _)| *column == name);
            cell.map(|(_, cell)| cell.clone()).expect("a column of trials.csv")
        };
        let number = |row: &[String], name| cell(row, name).parse().ok().filter(|number: &f64| number.is_finite());
        let point =
            |row: &[String]| Some(Point { active: number(row, "mean_active")?, error: number(row, "minimality")? });
        let read = |row: &Vec<String>| Self {
            trial: cell(row, "trial").parse().expect("a number of ours"),
            seed: cell(row, "seed"),
            ending: cell(row, "status").parse().expect("an ending of ours"),
            recovered: cell(row, "recovered").parse().ok(),
            score: cell(row, "score").parse().ok(),
            point: point(row),
        };
        rows.of_replicas.iter().map(read).collect()
    }
}

/// What came of one trial that has ended. A replica that has diverged is not recovered, and scores as
/// [`score_of_diverged`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialResult {
    pub trial: usize,
    pub replicas: usize,
    pub diverged: usize,
    /// Whether it was ended before its time, because others were ahead.
    pub halted: bool,
    /// How many replicas have a verdict: of the others nothing is known, as where the target represents no feature.
    pub judged: usize,
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

    /// Share of the replicas that were judged.
    pub fn recovered_share(&self) -> Option<f64> {
        self.recovered.map(|recovered| recovered as f64 / self.judged as f64)
    }

    /// By the share of recovered replicas where mechanisms are known, then by the mean score.
    pub fn compare(&self, other: &TrialResult) -> Ordering {
        let key = |result: &TrialResult| {
            [result.recovered_share(), result.score().map(|score| score.mean)]
                .map(|part| part.unwrap_or(f64::NEG_INFINITY))
        };
        let ([share, score], [other_share, other_score]) = (key(self), key(other));
        share.total_cmp(&other_share).then(score.total_cmp(&other_score))
    }
}

/// Of every trial that has ended and has not failed, in their order.
pub fn results(replicas: &[ReplicaResult]) -> Vec<TrialResult> {
    let worst = score_of_diverged(replicas.iter().filter_map(|replica| replica.score));
    let of_trial = |replicas: &[ReplicaResult]| {
        let diverged = |replica: &&ReplicaResult| matches!(replica.ending, Ending::Diverged { .. });
        let score = |replica: &ReplicaResult| if diverged(&replica) { Some(worst) } else { replica.score };
        let recovered = || replicas.iter().filter(|replica| replica.recovered == Some(true)).count();
        let is_judged = |replica: &&ReplicaResult| replica.recovered.is_some() || diverged(replica);
        // Of replicas that have diverged it is not known whether they could be judged, unless others were.
        let is_known = replicas.iter().any(|replica| replica.recovered.is_some());
        let judged = if is_known { replicas.iter().filter(is_judged).count() } else { 0 };
        TrialResult {
            trial: replicas[0].trial,
            replicas: replicas.len(),
            diverged: replicas.iter().filter(diverged).count(),
            halted: replicas.iter().any(|replica| matches!(replica.ending, Ending::Halted { .. })),
            judged,
            recovered: (judged > 0).then(recovered),
            scores: replicas.iter().filter_map(score).collect(),
        }
    };
    let of_trials = replicas.chunk_by(|one, next| one.trial == next.trial);
    of_trials.filter(|replicas| replicas[0].ending != Ending::Failed).map(of_trial).collect()
}

/// The best of some trials, but for halted ones and those that diverged in every replica; of equals the first.
pub fn best(results: &[TrialResult]) -> Option<&TrialResult> {
    // `max_by` would take the last of equals.
    let sound = |result: &&TrialResult| !result.halted && result.diverged < result.replicas;
    results.iter().rev().filter(sound).max_by(|one, other| one.compare(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(trial: usize, recovered: Option<usize>, scores: &[f64]) -> TrialResult {
        TrialResult { trial, replicas: 2, diverged: 0, halted: false, judged: 2, recovered, scores: scores.to_vec() }
    }

    #[test]
    fn replicas_without_a_verdict_are_in_no_share() {
        let replica = |ending: Ending, recovered| ReplicaResult {
            trial: 0,
            seed: "0".into(),
            ending,
            recovered,
            score: Some(1.0),
            point: None,
        };
        let found = |replicas: &[ReplicaResult]| {
            let result = results(replicas).swap_remove(0);
            (result.recovered, result.judged, result.replicas)
        };
        let finished = |recovered| replica(Ending::Finished, recovered);
        assert_eq!(found(&[finished(Some(true)), finished(None)]), (Some(1), 1, 2));
        assert_eq!(found(&[finished(None), finished(None)]), (None, 0, 2));
        let diverged = replica(Ending::Diverged { what: "total".into(), step: 3 }, None);
        assert_eq!(found(&[finished(Some(true)), diverged]), (Some(1), 2, 2));
    }

    #[test]
    fn the_share_of_recovered_replicas_decides_and_then_the_mean_score() {
        let best_of = |results: &[TrialResult]| best(results).map(|result| result.trial);
        assert_eq!(best_of(&[result(0, Some(1), &[9.0, 9.0]), result(1, Some(2), &[1.0, 1.0])]), Some(1));
        assert_eq!(best_of(&[result(0, Some(1), &[1.0, 2.0]), result(1, Some(1), &[1.0, 3.0])]), Some(1));
        assert_eq!(best_of(&[result(0, None, &[]), result(1, None, &[-1.0]), result(2, None, &[-1.0])]), Some(1));
        assert_eq!(best_of(&[]), None);
        let halted = TrialResult { halted: true, ..result(0, Some(2), &[9.0, 9.0]) };
        let diverged = TrialResult { diverged: 2, ..result(0, Some(0), &[0.0, 0.0]) };
        assert_eq!(best_of(&[diverged]), None, "there is nothing to recommend");
        assert_eq!(best_of(&[halted, result(1, Some(0), &[1.0, 1.0])]), Some(1), "it was not trained to its end");
    }
}
