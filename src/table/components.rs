//! What is known of each component.

use super::{
    NetworkKind::{GatedFunctions, ResidualMlp, Tms},
    Row,
    column::{key, number, verdict, words},
};

table! {
    /// One row per replica and component: how often it is active, and which mechanism it is like.
    struct ComponentRow in "components.csv" per replica {
        /// Number of the component, from 0.
        component: usize => key(),
        /// Share of the samples on which the component is selected.
        activation_frequency: f64 => number("share of samples"),
        /// Mean of the component's attribution A_c(x) over the samples on which it is selected.
        ///
        /// Of methods that learn importances it is the causal importance, a share of one.
        mean_attribution: Option<f64> => number("output units"),
        /// Feature that the optimal assignment gives the component; of gated functions the function that it is most like.
        ///
        /// Empty of an unmatched component.
        matched_feature: Option<usize> => key().of(&[Tms, GatedFunctions]),
        /// Cosine between the component and the target's weights of the matched feature.
        ///
        /// `cos(P_c[j], W[j])` with the matched feature j; of gated functions over all sites, with that function's true weights.
        cosine: Option<f64> => number("cosine").of(&[Tms, GatedFunctions]),
        /// Norm of the component at the matched feature over that of the target's weights.
        ///
        /// `|P_c[j]| / |W[j]|` with the matched feature j.
        norm_ratio: Option<f64> => number("ratio").of(&[Tms]),
        /// Largest norm of the component over that of the target's weights at any other represented feature.
        ///
        /// The largest `|P_c[i]| / |W[i]|` of any other represented feature i.
        largest_leak: Option<f64> => number("ratio").of(&[Tms]),
        /// Whether the component is selected on at least one of the samples; otherwise it is dead.
        alive: Option<bool> => verdict(),
        /// Share of the component in the sum over components of the squared Frobenius norms at all sites.
        norm_share: f64 => number("share"),
        /// What the component serves: `monosemantic`, `duplicate`, `mixed`, `idle` or `dead`.
        ///
        /// A monosemantic component serves one feature; a duplicate one serves one feature that another serves more; a mixed one
        /// serves several; an idle one serves none; a dead one is never selected.
        state: Option<String> => words().of(&[ResidualMlp]),
        /// Features that the component serves, with a weight of at least 0.2 of the largest for the feature.
        features_served: Option<usize> => number("features").of(&[ResidualMlp]),
        /// Layers that the component spans: 1 if it lies in one layer, the number of layers if it is spread evenly.
        ///
        /// 1 / Σ share² over its shares in `layers.csv`.
        layers_spanned: Option<f64> => number("layers").of(&[ResidualMlp]),
    }
}

table! {
    /// One row per replica, component and site: ranks and singular values of the component's matrix there.
    ///
    /// The matrix is P_c at that site, with singular values σ_1 ≥ σ_2 ≥ ...
    struct RankRow in "ranks.csv" per replica {
        /// Number of the component, from 0.
        component: usize => key(),
        /// Name of the site, such as `embed` or `layers.0.mlp_in`.
        site: String => words(),
        /// Singular values above 0.01 σ_1 (`measurement.rank_threshold`).
        numerical_rank: usize => number("ranks"),
        /// Stable rank: Σ σ_i² / σ_1².
        stable_rank: f64 => number("ranks"),
        /// Entropy rank: exponential of the entropy of σ_i / Σ σ.
        entropy_rank: f64 => number("ranks"),
        /// Frobenius norm: (Σ σ_i²)^½.
        frobenius_norm: f64 => number("parameter units"),
        /// Nuclear norm: Σ σ_i.
        nuclear_norm: f64 => number("parameter units"),
        /// Leading singular values, largest first: as many columns as there are, ten at most.
        singular_value: Vec<Option<f64>> => number("parameter units"),
    }
}

impl RankRow {
    /// The names of the columns, with so many singular values.
    pub fn header(width: usize) -> Vec<String> {
        let mut header: Vec<String> = Self::TABLE.header().into_iter().map(str::to_owned).collect();
        let list = header.pop().expect("the singular values are the last");
        header.extend((1..=width).map(|number| format!("{list}_{number}")));
        header
    }

    /// The row with empty fields up to so many singular values.
    pub fn padded(&self, width: usize) -> Self {
        let mut row = self.clone();
        row.singular_value.resize(width, None);
        row
    }
}

table! {
    /// One row per replica, feature and component that serves the feature.
    struct ServingRow in "serving.csv".of(&[ResidualMlp]).not_missed() per replica {
        /// Number of the feature, from 0.
        feature: usize => key(),
        /// Number of the component, from 0.
        component: usize => key(),
        /// Slope of the component's neuron contributions over the target's: 1 if it holds the whole function.
        weight: f64 => number("ratio"),
        /// Weight over the largest for the feature.
        share: f64 => number("share"),
    }
}

table! {
    /// One row per replica, component and layer: how much of the component lies there.
    struct LayerRow in "layers.csv".of(&[ResidualMlp]) per replica {
        /// Number of the component, from 0.
        component: usize => key(),
        /// Number of the layer, from 0.
        layer: usize => key(),
        /// The layer's share of the component's squared Frobenius norm.
        share: f64 => number("share"),
    }
}
