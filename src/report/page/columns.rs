//! What the columns of `components.csv` and `features.csv` say, in short; the data dictionary of the README says it in
//! full.

/// A column, by its name in the file.
pub struct Column {
    pub name: &'static str,
    /// Empty where there is none.
    pub unit: &'static str,
    pub meaning: &'static str,
}

const fn column(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    Column { name, unit, meaning }
}

pub const COMPONENTS: &[Column] = &[
    column("activation_frequency", "share of samples", "on which it was selected"),
    column("mean_attribution", "output units", "mean of its attribution over the samples on which it was selected"),
    column(
        "matched_feature",
        "",
        "feature of the optimal assignment; of gated functions the function that it is most like",
    ),
    column("cosine", "cosine", "between it and the target's weights of the matched feature"),
    column("norm_ratio", "ratio", "of its norm at the matched feature to the target's"),
    column("largest_leak", "ratio", "of its norm to the target's at any other feature, the largest"),
    column("alive", "", "whether it was selected on any sample; otherwise it is dead"),
    column("norm_share", "share", "of the sum over components of the squared norms at all sites"),
    column(
        "state",
        "",
        "monosemantic: serves one feature; duplicate: another serves it more; mixed: serves several; idle: none",
    ),
    column("features_served", "features", "that it serves, with a weight of at least 0.2 of the feature's largest"),
    column("layers_spanned", "layers", "1 if it lies in one layer, the number of layers if it is spread evenly"),
];

pub const FEATURES: &[Column] = &[
    column("component", "", "of the optimal assignment; of residual MLPs the most attributed one"),
    column("cosine", "cosine", "between the component and the target, for this feature"),
    column("norm_ratio", "ratio", "of the component's norm at this feature to the target's"),
    column("leak", "ratio", "of the norm of any other component at this feature to the target's, the largest"),
    column("own_component", "", "whether the feature has a component of its own"),
    column(
        "error_none",
        "squared output units",
        "to the target's output without any component, with only this feature active",
    ),
    column("error_alone", "squared output units", "the same with that component alone"),
    column("error_selected", "squared output units", "the same with the trained selection"),
    column("target_error", "squared output units", "of the target's output to the labels"),
    column("mean_active", "components", "in the trained selection"),
    column("components_serving", "components", "that serve the feature"),
    column("slope", "ratio", "of the component's neuron contributions over the target's"),
    column("represented", "", "whether the target represents the feature; if not, it is left out of the verdict"),
];
