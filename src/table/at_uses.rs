//! What learned importances are at every use of a decomposed matrix. Tables of methods that learn them; other runs have none.

use super::column::{key, number, words};

table! {
    /// One row per replica and use of a decomposed matrix: how many subcomponents are active there, and whether they tell the
    /// features apart.
    ///
    /// Of methods that learn importances. A tied weight that is decomposed as one has two uses.
    struct SiteRow in "sites.csv".not_missed() per replica {
        /// Name of the site; `<site>.transposed` is the second use of a tied weight.
        site: String => key(),
        /// Number of subcomponents.
        subcomponents: usize => number("subcomponents"),
        /// Subcomponents that are active on at least one of the samples of `summary.csv`.
        alive: usize => number("subcomponents"),
        /// Subcomponents active per sample on average: CI-L0.
        ///
        /// A subcomponent is active where its importance exceeds `active_above` of the method's settings.
        mean_active: f64 => number("subcomponents"),
        /// How far importances are from one subcomponent a feature: `IdentityCIError` at a tolerance of 0.1.
        ///
        /// From the importances on inputs that are 0.75 at one feature and 0 elsewhere: subcomponents are assigned to features
        /// so that the assigned ones have the largest sum; counted are assigned ones below 0.9 and others above 0.1. Empty of
        /// gated functions, and where there are more features than subcomponents.
        identity_error: Option<usize> => number("entries"),
        /// How far importances are from as many subcomponents for all features as the weight matrix has ranks: `DenseCIError` at a
        /// tolerance of 0.1.
        ///
        /// From the same importances: of that many subcomponents with the largest sums, counted are those that are nowhere at
        /// least 0.9; of the others, entries above 0.1. Empty where there are fewer subcomponents.
        dense_error: Option<usize> => number("entries"),
        /// Numerical rank of the target's weight matrix.
        rank: usize => number("ranks"),
    }
}

table! {
    /// One row per replica, use of a decomposed matrix and subcomponent: how often it is active there and how important it is.
    struct ImportanceRow in "importances.csv".not_missed().short_numbers() per replica {
        /// Name of the site; `<site>.transposed` is the second use of a tied weight.
        site: String => key(),
        /// Number of the component, from 0 over all sites.
        component: usize => key(),
        /// Share of the samples of `summary.csv` on which the subcomponent is active.
        activation_frequency: f64 => number("share of samples"),
        /// Mean of the subcomponent's causal importance over all those samples.
        mean_importance: f64 => number("share of one"),
    }
}

table! {
    /// One row per replica, use of a decomposed matrix, feature and subcomponent: its causal importance on the input that is
    /// 0.75 at this feature and 0 elsewhere. Importances below 0.01 have no row.
    struct OneHotImportanceRow in "one_hot_importances.csv".not_missed().short_numbers() per replica {
        /// Name of the site; `<site>.transposed` is the second use of a tied weight.
        site: String => key(),
        /// Number of the feature, from 0.
        feature: usize => key(),
        /// Number of the component, from 0 over all sites.
        component: usize => key(),
        /// Causal importance.
        importance: f64 => number("share of one"),
    }
}

table! {
    /// One row per replica, use of a decomposed matrix and range of importances: how many of them are in it.
    struct ImportanceHistogramRow in "importance_histogram.csv".not_missed().short_numbers() per replica {
        /// Name of the site; `<site>.transposed` is the second use of a tied weight.
        site: String => key(),
        /// Least importance of the range.
        low: f64 => number("share of one"),
        /// Importance that the range ends below; the last range includes 1.
        high: f64 => number("share of one"),
        /// Share of the samples and subcomponents whose importance is in the range.
        share: f64 => number("share of importances"),
    }
}

table! {
    /// One row per replica and kind of masks: the error of the network's output under them. Of methods that are trained with masks.
    struct MaskedErrorRow in "masked_errors.csv".not_missed() per replica {
        /// What the subcomponents are multiplied by.
        ///
        /// `unmasked`: 1 for all subcomponents, without what they leave of the weights; `importance_masked`: the importances;
        /// `rounded`: 1 where an importance exceeds `active_above` and 0 elsewhere; `stochastic`: uniform between importance and
        /// 1, with what is left of the weights times a uniform number; `random`: uniform from 0 to 1; `zero`: 0.
        masks: String => words(),
        /// Mean squared error to the target's output, on the samples of `summary.csv`.
        error: f64 => number("squared output units"),
    }
}
