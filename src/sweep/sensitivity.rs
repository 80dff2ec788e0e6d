//! What the outcome of a sweep depends on: main effects and rank correlations of every key.

use super::{Plan, TrialResult};
use crate::statistics::{mean_and_deviation, rank_correlation};

/// Distinct values of a key that each make a group of their own; more, in numbers, are divided into as many ranges as
/// [`RANGES`] says.
const VALUES_APART: usize = 6;

/// Ranges with about as many trials in each.
const RANGES: usize = 3;

/// How the outcome depends on one key, whatever the others are.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    pub key: String,
    /// In the order of the values.
    pub groups: Vec<Group>,
    /// Spearman's, of the values and the trials' mean scores; `None` of words, and where nothing varies.
    pub rank_correlation: Option<f64>,
}

/// The main effect of some values of a key: the outcome of the trials that have them.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// A value, or `LOW to HIGH`.
    pub values: String,
    pub trials: usize,
    pub replicas: usize,
    /// How many of the replicas have a verdict.
    pub judged: usize,
    /// `None` if no replica was judged.
    pub recovered: Option<usize>,
    /// The mean over its trials of their mean scores; `None` if none is known.
    pub score: Option<f64>,
    /// The smallest and the largest of these mean scores.
    pub range: Option<(f64, f64)>,
}

impl Sensitivity {
    /// The largest mean score of a group less the smallest.
    pub fn effect(&self) -> Option<f64> {
        let scores = || self.groups.iter().filter_map(|group| group.score);
        let (smallest, largest) = (scores().fold(f64::INFINITY, f64::min), scores().fold(f64::NEG_INFINITY, f64::max));
        (largest >= smallest).then_some(largest - smallest)
    }
}

/// Of every key of the plan, the one with the largest effect first. A trial that repeats another, as plans of older versions
/// have them, does not count again.
pub fn sensitivities(plan: &Plan, results: &[TrialResult]) -> Vec<Sensitivity> {
    let results: Vec<&TrialResult> = results.iter().filter(|result| !plan.repeats.contains(&result.trial)).collect();
    let of_key = |(place, key): (usize, &str)| {
        let of_trial = |result: &TrialResult| plan.values(result.trial).nth(place).expect("a value of every key");
        of_values(key, &results.iter().map(|&result| (of_trial(result), result)).collect::<Vec<_>>())
    };
    let mut found: Vec<Sensitivity> = plan.keys().enumerate().map(of_key).collect();
    let effect = |sensitivity: &Sensitivity| sensitivity.effect().unwrap_or(f64::NEG_INFINITY);
    found.sort_by(|one, other| effect(other).total_cmp(&effect(one)));
    found
}

/// Of one key, from its value in each trial.
fn of_values(key: &str, trials: &[(String, &TrialResult)]) -> Sensitivity {
    let numbers: Option<Vec<f64>> = trials.iter().map(|(value, _)| value.parse().ok()).collect();
    let scores: Vec<Option<f64>> = trials.iter().map(|(_, result)| result.score().map(|score| score.mean)).collect();
    let correlation = numbers.as_ref().and_then(|numbers| {
        let pairs: Vec<(f64, f64)> = numbers.iter().zip(&scores).filter_map(|(&x, y)| Some((x, (*y)?))).collect();
        rank_correlation(&pairs)
    });
    let mut order: Vec<usize> = (0..trials.len()).collect();
    match &numbers {
        Some(numbers) => order.sort_by(|&one, &other| numbers[one].total_cmp(&numbers[other])),
        None => order.sort_by(|&one, &other| trials[one].0.cmp(&trials[other].0)),
    }
    let of_one_value: Vec<&[usize]> = order.chunk_by(|&one, &other| trials[one].0 == trials[other].0).collect();
    let groups: Vec<Vec<usize>> = if of_one_value.len() > VALUES_APART && numbers.is_some() {
        in_ranges(&of_one_value)
    } else {
        of_one_value.into_iter().map(<[usize]>::to_vec).collect()
    };
    let group = |members: &Vec<usize>| {
        let [low, high] = [members[0], members[members.len() - 1]].map(|trial| &trials[trial].0);
        let results = || members.iter().map(|&trial| trials[trial].1);
        let known = || members.iter().filter_map(|&trial| scores[trial]);
        let judged = results().map(|result| result.judged).sum();
        Group {
            values: if low == high { low.clone() } else { format!("{low} to {high}") },
            trials: members.len(),
            replicas: results().map(|result| result.replicas).sum(),
            judged,
            recovered: (judged > 0).then(|| results().filter_map(|result| result.recovered).sum()),
            score: mean_and_deviation(known()).map(|score| score.mean),
            range: known()
                .map(|score| (score, score))
                .reduce(|(low, high), (score, _)| (low.min(score), high.max(score))),
        }
    };
    Sensitivity { key: key.into(), groups: groups.iter().map(group).collect(), rank_correlation: correlation }
}

/// The trials of neighbouring values together, equal values never apart.
fn in_ranges(of_one_value: &[&[usize]]) -> Vec<Vec<usize>> {
    let all: usize = of_one_value.iter().map(|trials| trials.len()).sum();
    let mut ranges = vec![Vec::new(); RANGES];
    let mut before = 0;
    for trials in of_one_value {
        ranges[before * RANGES / all].extend_from_slice(trials);
        before += trials.len();
    }
    ranges.retain(|trials| !trials.is_empty());
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(scores: &[f64]) -> Vec<TrialResult> {
        let result = |(trial, &score): (usize, &f64)| TrialResult {
            trial,
            replicas: 1,
            diverged: 0,
            halted: false,
            judged: 1,
            recovered: Some(usize::from(score > 1.0)),
            scores: vec![score],
        };
        scores.iter().enumerate().map(result).collect()
    }

    fn of(values: &[&str], scores: &[f64]) -> Sensitivity {
        let results = results(scores);
        of_values("key", &values.iter().map(ToString::to_string).zip(&results).collect::<Vec<_>>())
    }

    #[test]
    fn every_value_of_a_few_is_a_group_with_the_mean_of_its_trials() {
        let found = of(&["10", "9", "10", "9"], &[2.0, 0.5, 3.0, 1.0]);
        let groups: Vec<_> =
            found.groups.iter().map(|group| (group.values.as_str(), group.recovered, group.score)).collect();
        assert_eq!(groups, [("9", Some(0), Some(0.75)), ("10", Some(2), Some(2.5))], "in the order of the numbers");
        assert_eq!(found.groups[0].range, Some((0.5, 1.0)));
        assert_eq!(found.effect(), Some(1.75));
    }

    #[test]
    fn many_numbers_are_divided_into_ranges_that_leave_equal_ones_together() {
        let found = of(&["1", "2", "3", "3", "5", "6", "7", "8", "9"], &[0.0; 9]);
        let groups: Vec<_> = found.groups.iter().map(|group| (group.values.as_str(), group.trials)).collect();
        assert_eq!(groups, [("1 to 3", 4), ("5 to 6", 2), ("7 to 9", 3)]);
        assert_eq!(found.rank_correlation, None, "the scores do not vary");
    }

    #[test]
    fn words_are_groups_and_have_no_rank_correlation() {
        let found = of(&["cosine", "constant", "cosine"], &[1.0, 2.0, 2.0]);
        assert_eq!(found.groups.iter().map(|group| group.values.as_str()).collect::<Vec<_>>(), ["constant", "cosine"]);
        assert_eq!((found.effect(), found.rank_correlation), (Some(0.5), None));
    }
}
