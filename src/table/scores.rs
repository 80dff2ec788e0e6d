//! What tells a right decomposition from a wrong one without the mechanisms.

use super::{
    Format::Fixed,
    Place::Activity,
    column::{key, number, verdict},
};

table! {
    /// One row per measured replica: its score, which knows no mechanism, and the score's rivals.
    ///
    /// Errors are shares of D(0), the mean squared error to the target's output without any component. A field is empty where
    /// D(0) is zero or an error is not finite; the replica then has no score. a_j is the square of entry j of a
    /// component's profile, its row in `attributions.csv`.
    struct ScoreRow in "scores.csv".not_missed() per replica {
        /// Seed of the replica.
        seed: Option<u64> => key(),
        /// Powers of ten by which few components lower the error, less what profiles that are not one to one cost.
        ///
        /// The larger, the better: `-L - 4 log10(F G)`, with L as `mean_log_error`, F as `features_per_component` and G as
        /// `components_per_feature`. 0 if no component responds to any feature.
        score: Option<f64> => number("powers of ten").shown("score", Fixed(2), Activity).if_known(),
        /// Whether the replica's score is the largest of all replicas; of equal ones the first.
        chosen: Option<bool> => verdict(),
        /// Inputs that are active (not zero) per sample on average, of gated functions control bits: r.
        active_inputs: f64 => number("inputs"),
        /// D(r) / D(0), with D(r) the error on the rate-distortion curve at r active components per sample.
        ///
        /// Between the points of the curve the logarithm of the error is linear.
        error_at_rate: Option<f64> => number("share"),
        /// Error with all components: what faithfulness leaves.
        error_with_all: Option<f64> => number("share"),
        /// Active components per sample of the smallest selection on the curve that leaves a tenth of the error.
        ///
        /// Empty if no selection does.
        active_at_error: Option<f64> => number("components"),
        /// Description length of that selection.
        description_length_at_error: Option<f64> => number("bits"),
        /// Area under the logarithmic rate-distortion curve.
        ///
        /// The mean of log10(D / D(0)) over the logarithms of the rates from r / 4 to 4 r.
        mean_log_error: Option<f64> => number("powers of ten"),
        /// Error with inactive components ablated or kept at even chances.
        ///
        /// On 1,024 samples with the r largest attributions per sample active, and each other component drawn for each sample.
        error_ablated_at_random: Option<f64> => number("share"),
        /// Error with inactive components ablated or kept as does most harm to first order.
        ///
        /// On the same samples, by the sign of the error's derivative with respect to the component's weight, with all inactive
        /// ones at weight 1/2.
        error_ablated_by_gradient: Option<f64> => number("share"),
        /// Mean over the other replicas of the mean cosine between the profiles of matched components.
        ///
        /// The optimal assignment matches; components left over count 0. Profiles compare inputs, so that replicas may have
        /// different targets. Empty of a single replica.
        profile_agreement: Option<f64> => number("cosine"),
        /// Mean over the other replicas of the mean cosine of matched components over all sites.
        ///
        /// Only where all replicas share a target (`target.seed`): parameters of different targets have nothing in common.
        parameter_agreement: Option<f64> => number("cosine"),
        /// Features that a component responds to, mean over alive components.
        ///
        /// (Σ_j a_j)² / Σ_j a_j², weighted by Σ_j a_j: above 1 where a component responds to several inputs.
        features_per_component: Option<f64> => number("features"),
        /// Components that respond to a feature, mean over features.
        components_per_feature: Option<f64> => number("components"),
        /// Components that are never active.
        dead: Option<usize> => number("components"),
        /// Alive components with a profile whose cosine with that of a component before it is at least 0.95.
        duplicates: Option<usize> => number("components"),
    }
}

table! {
    /// One row per replica and selection, from no component to all: the error against how much is selected.
    ///
    /// On 4,096 samples, in steps of a factor √2 of the selected pairs of sample and component: those with the largest
    /// attributions or causal importances of the whole table (of equal ones those of earlier samples), or with `sample_top_k` of
    /// each sample. The lower the curve, the better the
    /// decomposition: no mechanism needs to be known for that.
    struct RateDistortionRow in "rate_distortion.csv" per replica {
        /// Components selected per sample on average.
        mean_active: f64 => number("components"),
        /// Ranks of the selected components per sample on average, as in `summary.csv`.
        active_ranks: f64 => number("ranks"),
        /// Description length per sample on average, as in `summary.csv`.
        description_length: f64 => number("bits"),
        /// Mean squared error to the target's output with this selection.
        error: f64 => number("squared output units"),
    }
}
