//! What is left when half of the components are ablated, sparing or including those that serve an active feature.

use super::{
    NetworkKind::ResidualMlp,
    column::{key, number},
};

table! {
    /// One row per replica and percentile of the errors with half of the components ablated.
    ///
    /// Each column is a distribution over the samples with an active feature, of the mean squared error over the outputs.
    struct ScrubbingRow in "scrubbing.csv".of(&[ResidualMlp]) per replica {
        /// Share of the samples whose error is at most that of the row: 0, 0.01 ... 1.
        quantile: f64 => number("share of samples"),
        /// Error of the target's output to the labels.
        target_to_labels: f64 => number("squared output units"),
        /// Error to the target's output, sparing the components that serve an active feature.
        scrubbed: f64 => number("squared output units"),
        /// Error to the target's output, including all components that serve an active feature.
        anti_scrubbed: f64 => number("squared output units"),
        /// Error to the labels, sparing the components that serve an active feature.
        scrubbed_to_labels: f64 => number("squared output units"),
        /// Error to the labels, including all components that serve an active feature.
        anti_scrubbed_to_labels: f64 => number("squared output units"),
    }
}

table! {
    /// One row per replica, feature and value of its input: the feature's own output with half of the components ablated.
    ///
    /// Of the first three represented features and those of the smallest and the largest `error_alone`, at the inputs of
    /// `curves.csv`. Outputs are taken over 200 draws of the ablated half, the same draws for every input.
    struct ScrubbingCurveRow in "scrubbing_curves.csv".of(&[ResidualMlp]).short_numbers() per replica {
        /// Number of the feature, from 0.
        feature: usize => key(),
        /// Value of the feature.
        input: f64 => number("input units"),
        /// What was trained for.
        label: f64 => number("output units"),
        /// Output of the target.
        target: f64 => number("output units"),
        /// 5 % quantile of the output, sparing the components that serve the feature.
        scrubbed_low: f64 => number("output units"),
        /// Median of the output, sparing the components that serve the feature.
        scrubbed_median: f64 => number("output units"),
        /// 95 % quantile of the output, sparing the components that serve the feature.
        scrubbed_high: f64 => number("output units"),
        /// 5 % quantile of the output, including the components that serve the feature.
        anti_scrubbed_low: f64 => number("output units"),
        /// Median of the output, including the components that serve the feature.
        anti_scrubbed_median: f64 => number("output units"),
        /// 95 % quantile of the output, including the components that serve the feature.
        anti_scrubbed_high: f64 => number("output units"),
    }
}
