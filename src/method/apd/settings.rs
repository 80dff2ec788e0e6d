//! What a spec says under `[method.apd]`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    attribution::{Attribution, AttributionsAt},
    components::Components,
    fit::Moment,
    initial_values::InitialValues,
    selection::Selection,
    settings::{Choice, TableReader, Variant, is_default},
    site::{PerSite, Site},
};

/// The settings of Attribution-based Parameter Decomposition.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Apd {
    /// Number of components C.
    pub components: usize,
    /// Rank budget m of each component at each site.
    pub rank: usize,
    /// Power p of the Schatten norm in the simplicity loss.
    pub schatten_power: f64,
    /// Share of the steps over which components grow from rank one to the rank budget, by the same factor in equal times: the
    /// first rank-one part of each is trained from the first step on, the others start at zero and are introduced one after the
    /// other. With 0 all are trained from the first step on.
    #[serde(skip_serializing_if = "is_default")]
    pub rank_growth: f64,
    /// Share of the steps, the first ones, over which the weight of the simplicity loss rises evenly from zero, so that the
    /// selection alone forms the components and simplicity then cleans them. With 0 it counts in full from the first step on.
    #[serde(skip_serializing_if = "is_default")]
    pub simplicity_rise: f64,
    /// Share of the steps, the last ones, over which the weight of the simplicity loss falls evenly to zero, so that what it has
    /// shrunk grows back.
    #[serde(skip_serializing_if = "is_default")]
    pub simplicity_fade: f64,
    /// What a component counts in the simplicity loss at least, active or not, as a share of what one counts on average:
    /// nothing else asks those that are never active for what they hold of the parameters. With 0 a component counts as often
    /// as it is active.
    #[serde(skip_serializing_if = "is_default")]
    pub activity_floor: f64,
    /// How the dependence of the output on a component is measured.
    #[serde(skip_serializing_if = "is_default")]
    pub attribution: Attribution,
    /// The weights at which the derivatives of attributions are taken.
    #[serde(skip_serializing_if = "is_default")]
    pub attributions_at: AttributionsAt,
    /// What is demanded of the columns of the factors A.
    #[serde(skip_serializing_if = "is_default")]
    pub columns: Columns,
    /// What the last component is.
    #[serde(skip_serializing_if = "is_default")]
    pub last_component: LastComponent,
    /// The weights of the loss terms.
    pub coefficients: Coefficients,
    /// Random initial values of the factors.
    pub initial_values: InitialValues,
    /// Which components are active on which sample.
    pub selection: Selection,
}

impl Apd {
    /// The paper's main form unless the spec says otherwise.
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            components: table.size("components").such_as(5),
            rank: table.size("rank").such_as(3),
            schatten_power: table.number("schatten_power").above(0.0).at_most(2.0).such_as(1.0),
            rank_growth: table.number("rank_growth").at_least(0.0).at_most(1.0).or(0.0),
            simplicity_rise: table.number("simplicity_rise").at_least(0.0).at_most(1.0).or(0.0),
            simplicity_fade: table.number("simplicity_fade").at_least(0.0).at_most(1.0).or(0.0),
            activity_floor: table.number("activity_floor").at_least(0.0).at_most(1.0).or(0.0),
            attribution: table.choice("attribution").or(Attribution::default()),
            attributions_at: table.choice("attributions_at").or(AttributionsAt::default()),
            columns: table.choice("columns").or(Columns::default()),
            last_component: table.choice("last_component").or(LastComponent::default()),
            coefficients: table.table("coefficients", Coefficients::read),
            initial_values: table.table("initial_values", InitialValues::read),
            selection: table.table("selection", TableReader::variant),
        }
    }
}

impl Apd {
    /// Number of components that are selected among.
    pub(super) fn candidates(&self) -> usize {
        self.components.saturating_sub(usize::from(self.last_component == LastComponent::AlwaysActive))
    }

    /// Initial factors for replicas of these seeds.
    pub fn initial_components(&self, sites: &PerSite<Site>, seeds: &[u64]) -> Components {
        let mut components = Components::random(sites, self.components, self.rank, self.initial_values, seeds);
        if self.rank_growth > 0.0 {
            components.drop_parts_from(1);
        }
        components
    }

    /// How many rank-one parts of each component are trained at this moment: m to the power of the share of the growth that is
    /// over. A component grows by the same factor in equal times, so that it settles while it has few parts, when a step
    /// costs least, however large the budget is.
    pub fn trained_parts(&self, moment: Moment) -> usize {
        if self.rank_growth == 0.0 {
            return self.rank;
        }
        let grown = moment.step as f64 / (self.rank_growth * moment.steps as f64);
        if grown < 1.0 { (self.rank as f64).powf(grown) as usize } else { self.rank }
    }
}

impl Apd {
    /// The weight of the simplicity loss at this moment.
    pub(super) fn simplicity_at(&self, moment: Moment) -> f64 {
        let (made, left) = (moment.step as f64, (moment.steps - moment.step) as f64);
        let share = |steps: f64, of: f64| {
            if steps < of * moment.steps as f64 { steps / (of * moment.steps as f64) } else { 1.0 }
        };
        share(made, self.simplicity_rise).min(share(left, self.simplicity_fade)) * self.coefficients.simplicity
    }
}

/// The weights of the loss terms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Coefficients {
    /// Weight of the distance between the sum of the components and the target's weights.
    pub faithfulness: f64,
    /// Weight of the error of the output with the active components alone.
    pub minimality: f64,
    /// Weight of the Schatten norms of the active components.
    pub simplicity: f64,
    /// Weight of the error of the hidden activations with the active components alone.
    #[serde(skip_serializing_if = "is_default")]
    pub hidden: f64,
    /// Weight of the error of the output with all components.
    #[serde(skip_serializing_if = "is_default")]
    pub output: f64,
}

impl Coefficients {
    /// Faithfulness and minimality count once unless the spec says otherwise, as in most experiments of the paper; what
    /// is tuned is simplicity.
    fn read(table: &mut TableReader) -> Self {
        Self {
            faithfulness: table.number("faithfulness").at_least(0.0).or(1.0),
            minimality: table.number("minimality").at_least(0.0).or(1.0),
            simplicity: table.number("simplicity").at_least(0.0).such_as(0.7),
            hidden: table.number("hidden").at_least(0.0).or(0.0),
            output: table.number("output").at_least(0.0).or(0.0),
        }
    }
}

/// What is demanded of the columns of the factors A.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// Nothing.
    #[default]
    Free,
    /// Length one: before each step they are normalised, and of the gradient the part along each column is dropped.
    UnitNorm,
}

impl Choice for Columns {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("free", Self::Free), Variant::Word("unit_norm", Self::UnitNorm)];
}

/// What the last component is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LastComponent {
    /// A component like the others.
    #[default]
    Selected,
    /// Active on every sample and not selected among: it takes up what no other component explains.
    AlwaysActive,
}

impl Choice for LastComponent {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("selected", Self::Selected), Variant::Word("always_active", Self::AlwaysActive)];
}
