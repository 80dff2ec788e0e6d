//! The tables of a sweep's folder.

use super::{
    Source::Sweep,
    column::{key, number, verdict, words},
};

table! {
    /// One row per trial: its pack, and a column for each varied key with the value.
    struct PlanRow in "plan.csv".made_by(Sweep) {
        /// Number of the trial, from 0.
        trial: usize => key(),
        /// Number of the pack in which the trial is trained, from 0.
        pack: usize => key(),
        /// SHA-256 of the trial's resolved spec.
        hash: String => words(),
    }
}

table! {
    /// One row per trial and seed that has ended, in the order of the trials.
    ///
    /// A column for each varied key stands between `seed` and `status`. The columns of `summary.csv` follow, but for `replica`
    /// and `seed`.
    struct TrialRow in "trials.csv".made_by(Sweep) {
        /// Number of the trial, from 0.
        trial: usize => key(),
        /// Seed of the replica.
        seed: u64 => key(),
        /// How the replica ended: `finished`, `diverged: WHAT at step N`, `halted at step N` or `failed`.
        ///
        /// A diverged one is as `diverged_in` and `diverged_at` of `summary.csv` say: it is not measured, and counts as not
        /// recovered. A halted one was ended by `halving`, and measured as it was. A failed trial could not be finished,
        /// `apd sweep status` tells why, and all that follows is empty.
        status: String => words(),
        /// Score of the replica, as in `scores.csv`: the larger, the better.
        score: Option<f64> => number("powers of ten"),
    }
}

table! {
    /// One row per trial: how long it took.
    ///
    /// Seconds differ from run to run, and so stand in no other table.
    struct SecondsRow in "seconds.csv".made_by(Sweep) {
        /// Number of the trial, from 0.
        trial: usize => key(),
        /// Number of the pack in which the trial is trained, from 0.
        pack: usize => key(),
        /// Seconds of work, over all resumptions, from the beginning of the pack to the trial's last file.
        seconds: f64 => number("seconds"),
    }
}

table! {
    /// One row per varied key and group of its values: the main effect.
    ///
    /// More than six different numbers are divided into three ranges with about as many trials in each.
    struct EffectRow in "effects.csv".made_by(Sweep) {
        /// The varied key.
        key: String => words(),
        /// The value, or `LOW to HIGH`.
        values: String => words(),
        /// Trials with such values.
        trials: usize => number("trials"),
        /// Replicas of these trials.
        replicas: usize => number("replicas"),
        /// Recovered replicas of these trials; empty where none is judged.
        recovered: Option<usize> => number("replicas"),
        /// Mean over these trials of their mean scores.
        score: Option<f64> => number("powers of ten"),
    }
}

table! {
    /// One row per varied key: how much the score depends on it, the key with the largest effect first.
    struct SensitivityRow in "sensitivity.csv".made_by(Sweep) {
        /// The varied key.
        key: String => words(),
        /// Largest `score` of a group in `effects.csv` less the smallest.
        effect: Option<f64> => number("powers of ten"),
        /// Spearman's correlation of the values and the trials' mean scores; empty for words, and where nothing varies.
        rank_correlation: Option<f64> => number("correlation"),
    }
}

table! {
    /// One row per value of a trade-off, in the order of the trials: active components against error.
    ///
    /// `apd sweep hyperparameters SPEC --trade-off` makes it. Means are over the seeds, and empty unless the replica of every seed
    /// was trained to its end without diverging.
    struct TradeOffRow in "trade_off.csv".made_by(Sweep) {
        /// Number of the trial, from 0.
        trial: usize => key(),
        /// The value of the key that is traded off.
        value: String => words(),
        /// Components active per sample on average, mean over the seeds.
        mean_active: Option<f64> => number("components"),
        /// Mean squared error to the target's output with the active components, mean over the seeds.
        ///
        /// The mean of `minimality` of `summary.csv`.
        error: Option<f64> => number("squared output units"),
        /// `error` as a share of D(0), the error without any component.
        ///
        /// D(0) is the mean over the seeds of the first error in `rate_distortion.csv`.
        error_share: Option<f64> => number("share"),
        /// The largest error that is accepted: that of `--largest-error`, or a tenth of D(0).
        largest_error: Option<f64> => number("squared output units"),
        /// Share of the judged replicas that are recovered; empty where none is judged.
        recovered: Option<f64> => number("share"),
        /// Whether the value is recommended.
        ///
        /// It has the fewest active components of all values whose error is accepted.
        recommended: Option<bool> => verdict(),
    }
}

table! {
    /// One row per array of jobs that was handed to Slurm, in the folder `slurm`.
    struct JobRow in "jobs.csv".made_by(Sweep) {
        /// Number of the array, as Slurm gave it.
        job: u64 => key(),
        /// Name of the cluster; empty where there is but one.
        cluster: String => words(),
        /// Packs of the array's tasks, such as `0-3,7`; tasks are counted from the first of them.
        packs: String => words(),
        /// When the array was submitted: UTC, RFC 3339.
        submitted: String => words(),
    }
}
