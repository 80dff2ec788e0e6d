//! Losses over the steps of a training, and what simple answers to the target's task would cost.

use super::{
    Row, Source, Table,
    column::{key, number, words},
};

table! {
    /// One row per replica, logged step and loss term of the training of the components.
    ///
    /// About 200 steps are logged. Losses are those of the paper, without their coefficients.
    struct TrainingRow in "training.csv".made_by(Source::Training) per replica {
        /// Number of updates before this one: the terms are those before the update of this step.
        step: u64 => key(),
        /// Name of the loss term: `faithfulness`, `minimality`, `simplicity` and so on, and `total`, their weighted sum.
        term: String => words(),
        /// Value of the term on this step's batch, in the term's unit.
        value: f64 => number("the term's"),
    }
}

/// The training of the targets, in the columns of `training.csv`.
pub const TARGET_TRAINING: Table = Table::new(
    "target_training.csv",
    "One row per replica, logged step and loss term of the training of the targets.

    The columns are those of `training.csv`. The term `error` is the mean squared error to the labels, in squared output
    units, and `total` equals it.",
    TrainingRow::TABLE.columns,
)
.made_by(Source::Targets);

table! {
    /// One row per replica and answer: the error of the target beside those of simple answers to its task.
    ///
    /// All are measured on the same 100,000 samples that were not trained on. The folder of a trained target holds the table
    /// without `replica`.
    struct BaselineRow in "baselines.csv".made_by(Source::Targets) per replica {
        /// Whose error it is: that of the `target`, or of a simple answer, `monosemantic` or `nothing`.
        ///
        /// In `monosemantic` each hidden dimension (toy models) or neuron (residual MLPs) serves one feature, the first ones, as
        /// well as one can, and all other features are answered as by `nothing`. In `nothing` the answer is 0 (toy models), or x,
        /// as if the residual stream brought every feature through undisturbed. A warning names a target that is not below both;
        /// where there are as many dimensions or neurons as features, so that none can be below `monosemantic`, one that is no
        /// nearer to it than to `nothing`.
        answer: String => words(),
        /// Mean over samples and outputs of the squared difference to the labels, as in training.
        ///
        /// With `importance_base` it is weighted; with `loss = "residual_stream"` it is taken over the entries of the residual
        /// stream.
        error: f64 => number("squared output units"),
    }
}

table! {
    /// One row per answer: the error of one target beside those of simple answers to its task.
    struct TargetBaselineRow in "baselines.csv".made_by(Source::Targets) {
        /// Whose error it is: that of the `target`, or of a simple answer, `monosemantic` or `nothing`.
        answer: String => words(),
        /// Mean over samples and outputs of the squared difference to the labels, as in training.
        error: f64 => number("squared output units"),
    }
}
