//! What came of each replica.

use super::{
    Format::{Fixed, Plain, Scientific},
    NetworkKind::{GatedFunctions, ResidualMlp, Tms},
    Place::{Activity, Losses, Mechanisms, Outcome},
    column::{key, number, verdict, words},
};

table! {
    /// One row per replica: losses, activity and the verdict at the end of training.
    ///
    /// Losses and activity are means over 100,000 samples (`measurement.samples`, rounded up to whole batches) that were not
    /// trained on. Of a replica that has diverged only the seed, the verdict and the divergence are known.
    struct SummaryRow in "summary.csv" {
        /// Number of the replica, from 0 in the order of the spec's seeds.
        replica: usize => key().shown("replica", Plain, Losses),
        /// Seed of the replica.
        seed: u64 => key().shown("seed", Plain, Losses),
        /// Faithfulness loss without coefficient.
        ///
        /// The mean squared difference between the sum of the components and the target's parameters.
        faithfulness: Option<f64> => number("squared parameter units").shown("faithful", Scientific, Losses)
            .if_known(),
        /// Minimality loss without coefficient.
        ///
        /// The mean squared error to the target's output with the trained selection; in the L_p form the L_p loss of the
        /// attributions. Of methods that learn importances it is the error with every subcomponent whole whose importance is above
        /// `active_above`, and without the others and the delta component.
        minimality: Option<f64> => number("squared output units").shown("minimal", Scientific, Losses).if_known(),
        /// Simplicity loss without coefficient.
        ///
        /// The Schatten norm of the active components per parameter. Empty of methods without such a term.
        simplicity: Option<f64> => number("").shown("simple", Scientific, Losses).shown_of(&[Tms, GatedFunctions])
            .if_known(),
        /// Weighted sum of all losses.
        total: Option<f64> => number(""),
        /// Mean max cosine similarity of components and features.
        ///
        /// The mean over represented features j of the largest `cos(P_c[j], W[j])` of any component c.
        mmcs: Option<f64> => number("cosine").of(&[Tms]).shown("MMCS", Fixed(3), Mechanisms).mean("MMCS", 3, Mechanisms),
        /// Mean ratio of the L2 norms of components and features.
        ///
        /// The mean over represented features j of `|P_c[j]| / |W[j]|` for the component c of the largest cosine.
        ml2r: Option<f64> => number("ratio").of(&[Tms]).shown("ML2R", Fixed(3), Mechanisms).mean("ML2R", 3, Mechanisms),
        /// Components active per sample on average.
        mean_active: Option<f64> => number("components").shown("active", Fixed(2), Activity),
        /// Components that are active on at least one of the samples.
        alive: Option<usize> => number("components").shown("alive", Fixed(0), Activity),
        /// Numerical rank, mean over alive components and sites.
        mean_rank: Option<f64> => number("ranks").shown("rank", Fixed(2), Outcome),
        /// Whether the replica is recovered: its components are the target's mechanisms.
        ///
        /// Empty where the target represents nothing. A replica that has diverged is not recovered. In an untied toy model,
        /// components must be the features at the unembedding too, each feature by the same component as at the embedding.
        recovered: Option<bool> => verdict().shown("recovered", Plain, Outcome),
        /// Ranks of the active components per sample on average, summed over components and sites.
        ///
        /// A singular value counts if it exceeds 0.01 (`measurement.rank_threshold`) of the component's largest at any site.
        active_ranks: Option<f64> => number("ranks"),
        /// Description length per sample on average.
        ///
        /// L_MDL = α · `active_ranks` + log₂ C · `mean_active` with α = 1 bit per rank and C components; for another α take the
        /// two columns.
        description_length: Option<f64> => number("bits").mean("bits", 1, Activity).mean_of(&[ResidualMlp, GatedFunctions]),
        /// Components alive on a hidden layer, of targets with hidden layers.
        ///
        /// Their Frobenius norm on a hidden layer exceeds 0.1 of the largest component's there.
        alive_on_hidden: Option<usize> => number("components").of(&[Tms]).shown("hidden", Fixed(0), Activity).if_known(),
        /// Features with a component of their own (of gated functions: one with a cosine of at least 0.95 to their true
        /// weights).
        features_with_own_component: Option<usize> => number("features").of(&[ResidualMlp, GatedFunctions])
            .shown("own", Fixed(0), Mechanisms).mean("own", 1, Mechanisms),
        /// Components that serve one feature, as the first for it.
        monosemantic: Option<usize> => number("components").of(&[ResidualMlp]).shown("mono", Fixed(0), Mechanisms),
        /// Components that serve one feature, which another component serves more.
        duplicate: Option<usize> => number("components").of(&[ResidualMlp]).shown("dupl", Fixed(0), Mechanisms),
        /// Components that serve several features.
        mixed: Option<usize> => number("components").of(&[ResidualMlp]).shown("mixed", Fixed(0), Mechanisms),
        /// Alive components that serve no feature.
        idle: Option<usize> => number("components").of(&[ResidualMlp]).shown("idle", Fixed(0), Mechanisms),
        /// Layers that a component spans, mean over alive components.
        ///
        /// The mean of `layers_spanned` of `components.csv`.
        mean_layers_spanned: Option<f64> => number("layers").of(&[ResidualMlp]).mean("layers", 2, Mechanisms),
        /// Mean squared error of the target's output to the labels.
        ///
        /// The mean of `target_to_labels` of `scrubbing.csv`: on those of 4,096 samples that have an active feature. Empty if
        /// none has.
        target_error: Option<f64> => number("squared output units").of(&[ResidualMlp]),
        /// Mean squared error with half of the components ablated, sparing those of the active features.
        ///
        /// The mean of `scrubbed` of `scrubbing.csv`.
        scrubbed_error: Option<f64> => number("squared output units").of(&[ResidualMlp])
            .shown("scrub", Scientific, Mechanisms).ratio("scrub / anti", "anti_scrubbed_error", 3),
        /// Mean squared error with half of the components ablated, including all those of the active features.
        ///
        /// The mean of `anti_scrubbed` of `scrubbing.csv`.
        anti_scrubbed_error: Option<f64> => number("squared output units").of(&[ResidualMlp])
            .shown("anti", Scientific, Mechanisms),
        /// Number of updates before the step at which the replica's training diverged.
        ///
        /// At this step a loss term, a gradient or a parameter was no longer finite (or beyond 1e15). The replica stays as it
        /// was before the step, is not measured, and counts as not recovered: of it `training.csv` ends with that step, and the
        /// other tables have no row. A command whose replicas have all diverged ends with exit code 1.
        diverged_at: Option<u64> => key(),
        /// What was no longer finite at that step: the loss term if the step is logged and one is not finite, or else the tensor.
        diverged_in: Option<String> => words(),
        /// What makes the other columns say less than they seem to, if anything does.
        ///
        /// Attributions that are all zero, components of which none is ever active, or equal attributions above zero on both
        /// sides of the cut in more than 5 % of the selections.
        remarks: Option<String> => words(),
    }
}
