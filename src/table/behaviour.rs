//! What target and components do on chosen inputs.

use super::{
    NetworkKind::{GatedFunctions, ResidualMlp, Tms},
    column::{key, number},
};

table! {
    /// One row per replica, feature and alive component (all components if none is alive): its attribution to the feature.
    struct AttributionRow in "attributions.csv".short_numbers() per replica {
        /// Number of the feature, from 0; of gated functions of the control bit.
        feature: usize => key(),
        /// Number of the component, from 0.
        component: usize => key(),
        /// Root mean square of A_c(x) over inputs with only this feature active at 0.01, 0.02 ... 1.
        ///
        /// Of methods that learn importances it is the causal importance, a share of one.
        /// Of gated functions only this control bit is 1, and x takes 101 even steps from `low` to `high`.
        attribution: f64 => number("output units"),
    }
}

table! {
    /// One row per replica and pair of components: how their activity goes together.
    ///
    /// Pairs of which both components are active on some of the samples of `summary.csv` and not on all.
    struct CoactivityRow in "coactivity.csv".of_selections().short_numbers() per replica {
        /// Number of the one component, from 0.
        component: usize => key(),
        /// Number of the other component, above that of the one.
        other: usize => key(),
        /// Pearson's correlation, over the samples, of whether the components are selected, 0 or 1.
        correlation: f64 => number("correlation"),
    }
}

table! {
    /// One row per replica, feature and output: what comes out if this feature is 1 and all others are 0.
    struct ResponseRow in "responses.csv".of(&[Tms, ResidualMlp]).short_numbers() per replica {
        /// Number of the feature, from 0.
        feature: usize => key(),
        /// Number of the output, from 0.
        output: usize => key(),
        /// Output of the target.
        target: f64 => number("output units"),
        /// Output when only the feature's component of `features.csv` is kept; empty if it has none.
        component: Option<f64> => number("output units"),
    }
}

table! {
    /// One row per replica, feature and value of its input: the feature's own output.
    ///
    /// The feature alone is active, at -1, -0.95 ... 1. Of gated functions one control bit alone is 1, and x takes 101 even
    /// steps from `low` to `high`.
    struct CurveRow in "curves.csv".of(&[ResidualMlp, GatedFunctions]).short_numbers() per replica {
        /// Number of the feature, from 0; of gated functions of the control bit.
        feature: usize => key(),
        /// Value of the feature; of gated functions x.
        input: f64 => number("input units"),
        /// What was trained for; of gated functions the smooth function that the network interpolates.
        ///
        /// Empty where that is not known.
        label: Option<f64> => number("output units"),
        /// Output of the target.
        target: f64 => number("output units"),
        /// Output when only the most attributed component is kept; empty of what the target does not represent.
        component: Option<f64> => number("output units"),
        /// Output with the trained selection from the inputs of all features at the same value as one batch.
        ///
        /// Of gated functions as many inputs as in training that have no control bit stand beside them. Empty in the L_p form,
        /// which selects nothing.
        selected: Option<f64> => number("output units"),
    }
}

table! {
    /// One row per replica, feature and neuron: how much of the feature's function goes through the neuron.
    struct ContributionRow in "contributions.csv".of(&[ResidualMlp]) per replica {
        /// Number of the feature, from 0.
        feature: usize => key(),
        /// Number of the neuron, from 0, counted on from layer to layer.
        neuron: usize => key(),
        /// Neuron contribution of the target.
        target: f64 => number("output units"),
        /// Neuron contribution of the feature's most attributed component; empty of what the target does not represent.
        component: Option<f64> => number("output units"),
    }
}
