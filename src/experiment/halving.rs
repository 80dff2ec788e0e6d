//! Successive halving: trials that are behind are ended early, so that their time goes to the others.

use schemars::JsonSchema;
use serde::Serialize;

use crate::settings::{Choice, TableReader, Variant};

/// After `first` steps, and whenever `factor` times as many have been made, the best one in `factor` of the trials that are
/// trained together goes on; the others are measured as they are and end.
///
/// Source: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Halving {
    /// Number of steps after which trials end for the first time; below those of every trial.
    pub first: u64,
    /// After the first steps, and whenever this times as many have been made, the best one in so many of the trials that are
    /// trained together goes on.
    pub factor: u64,
    /// By what trials are compared, on average over their seeds.
    pub measurement: Criterion,
}

/// By what trials are compared: the mean over their replicas, of which diverged ones count as the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The score of `scores.csv`, the largest first.
    #[default]
    Score,
    /// The area under the rate-distortion curve, `mean_log_error` of `scores.csv`, the smallest first.
    MeanLogError,
}

impl Choice for Criterion {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("score", Self::Score), Variant::Word("mean_log_error", Self::MeanLogError)];
}

impl Halving {
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            first: table.number("first").at_least(1).at_most(1_000_000_000).such_as(2_000),
            factor: table.number("factor").at_least(2).at_most(1_000).or(3),
            measurement: table.choice("measurement").or(Criterion::default()),
        }
    }

    /// The numbers of steps after which trials end, but for those that make all `steps`.
    pub fn rungs(&self, steps: u64) -> Vec<u64> {
        std::iter::successors(Some(self.first), |rung| rung.checked_mul(self.factor))
            .take_while(|&rung| rung < steps)
            .collect()
    }

    /// The places of those that go on, ascending; `values` say how good each is. Of equals the first go on.
    pub fn best(&self, values: &[f64]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&one, &other| values[other].total_cmp(&values[one]));
        order.truncate(self.left_of(values.len()));
        order.sort_unstable();
        order
    }

    fn left_of(&self, trials: usize) -> usize {
        trials.div_ceil(usize::try_from(self.factor).unwrap_or(usize::MAX))
    }

    /// The share of their steps that so many trials make, all together.
    pub fn share_of_steps(&self, trials: usize, steps: u64) -> f64 {
        let (mut left, mut before, mut made) = (trials, 0, 0.0);
        for rung in self.rungs(steps) {
            made += left as f64 * (rung - before) as f64;
            (left, before) = (self.left_of(left), rung);
        }
        made += left as f64 * (steps - before) as f64;
        made / (trials as f64 * steps as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_THREES: Halving = Halving { first: 100, factor: 3, measurement: Criterion::Score };

    #[test]
    fn rungs_are_a_factor_apart_and_before_the_end() {
        assert_eq!(BY_THREES.rungs(2_700), [100, 300, 900]);
        assert_eq!(BY_THREES.rungs(100), [0; 0]);
        assert_eq!(Halving { first: u64::MAX / 2, ..BY_THREES }.rungs(u64::MAX), [u64::MAX / 2]);
    }

    #[test]
    fn the_best_go_on_and_of_equals_the_first() {
        assert_eq!(BY_THREES.best(&[0.0, 5.0, 1.0, 7.0, 1.0, 1.0, 0.5]), [1, 2, 3]);
        assert_eq!(BY_THREES.best(&[f64::NEG_INFINITY]), [0], "one always does");
    }

    /// 9 trials: 100 steps of nine, 200 of three, 600 of one.
    #[test]
    fn the_steps_of_all_rounds_are_counted() {
        assert!((BY_THREES.share_of_steps(9, 900) - (900.0 + 600.0 + 600.0) / 8_100.0).abs() < 1e-12);
        assert_eq!(BY_THREES.share_of_steps(9, 50), 1.0);
    }
}
