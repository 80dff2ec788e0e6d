//! `features.csv`, which every kind of network has with columns of its own.

use super::{
    NetworkKind::{GatedFunctions, ResidualMlp, Tms},
    column::{key, number, verdict},
};

table! {
    /// One row per replica and feature of a toy model of superposition: how well a component matches it.
    ///
    /// What compares a component with the target is empty of a feature that the target does not represent.
    struct TmsFeatureRow in "features.csv".of(&[Tms]) per replica {
        /// Number of the feature, from 0.
        feature: usize => key(),
        /// Component that the optimal assignment gives the feature.
        component: Option<usize> => key(),
        /// Cosine between the component and the target's weights of the feature.
        cosine: Option<f64> => number("cosine"),
        /// Norm of the component at the feature over that of the target's weights.
        norm_ratio: Option<f64> => number("ratio"),
        /// Largest norm of any other component at the feature over that of the target's weights.
        ///
        /// The largest `|P_c[j]| / |W[j]|` of any other component c.
        leak: Option<f64> => number("ratio"),
        /// Mean squared error to the target's output when only that component is kept.
        ///
        /// Of components that live at one site, those that are matched with the feature at every site are kept, with all of the hidden layers.
        /// On inputs with only this feature active at 0.01, 0.02 ... 1.
        error_alone: Option<f64> => number("squared output units"),
        /// Whether the target represents the feature; if not, it is left out of the verdict.
        represented: Option<bool> => verdict(),
    }
}

table! {
    /// One row per replica and feature of a residual MLP: whether one component alone does its work.
    ///
    /// Of components that live at one site, several are a feature's mechanism and take the place of the one, and those that all
    /// features share are always kept; what belongs to a mechanism is said in how to read the results.
    ///
    /// Errors are mean squared errors on inputs with only this feature active at 0.01, 0.02 ... 1. What compares a component
    /// with the target is empty of a feature that the target does not represent.
    struct MlpFeatureRow in "features.csv".of(&[ResidualMlp]) per replica {
        /// Number of the feature, from 0.
        feature: usize => key(),
        /// Component that is most attributed, or most important, on the feature's inputs.
        component: Option<usize> => key(),
        /// Whether the feature has a component of its own.
        own_component: Option<bool> => verdict(),
        /// Error to the target's output without any component.
        error_none: Option<f64> => number("squared output units"),
        /// Error to the target's output when only `component`, or its mechanism, is kept.
        error_alone: Option<f64> => number("squared output units"),
        /// Error to the target's output with the trained selection from the inputs of all features as one batch.
        ///
        /// Empty in the L_p form, which selects nothing.
        error_selected: Option<f64> => number("squared output units"),
        /// Error of the target's output to the labels.
        target_error: Option<f64> => number("squared output units"),
        /// Components per sample in the trained selection, on average.
        mean_active: Option<f64> => number("components"),
        /// Components that serve the feature.
        components_serving: Option<usize> => number("components"),
        /// Slope of the neuron contributions of `component` over the target's.
        slope: Option<f64> => number("ratio"),
        /// Cosine between the neuron contributions of `component` and the target's.
        cosine: Option<f64> => number("cosine"),
        /// Whether the target represents the feature; if not, it is left out of the verdict.
        represented: Option<bool> => verdict(),
    }
}

table! {
    /// One row per replica and gated function: how well a component matches it.
    ///
    /// What compares a component with the target is empty of a function that has no weights.
    struct FunctionRow in "features.csv".of(&[GatedFunctions]) per replica {
        /// Number of the function, from 0.
        feature: usize => key(),
        /// Component that the optimal assignment gives the function.
        component: Option<usize> => key(),
        /// Cosine between the component and the function's true weights, over all sites together.
        cosine: Option<f64> => number("cosine"),
        /// Whether the function has a component of its own: the cosine is at least 0.95.
        own_component: Option<bool> => verdict(),
        /// Whether the target represents the function; if not, it is left out of the verdict.
        represented: Option<bool> => verdict(),
    }
}
