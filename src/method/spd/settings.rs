//! What a spec says under `[method.spd]` and `[method.vpd]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Gate, ImportanceKind, InitialFactors, Subcomponents};
use crate::{
    fit::Moment,
    method::Annealed,
    settings::{Choice, TableReader, Variant, is_default},
};

/// The settings of Stochastic Parameter Decomposition and of its successor with adversaries.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Spd {
    /// Whose defaults an absent key has.
    #[serde(skip)]
    pub generation: Generation,
    /// Number of subcomponents C at each site: a number, `{ per_feature = .. }` of the inputs, or a table by site.
    pub subcomponents: Subcomponents,
    /// What the two uses of a tied weight are.
    #[serde(skip_serializing_if = "is_default")]
    pub tied_weights: TiedWeights,
    /// Whether what the subcomponents leave of a matrix, W - V U, is used too, under a mask of its own.
    pub delta_component: bool,
    /// What an importance function sees, and what it is made of.
    pub importance_function: ImportanceKind,
    /// Widths of the hidden layers of an importance function.
    pub hidden_widths: Vec<usize>,
    /// What becomes of an importance below zero.
    #[serde(skip_serializing_if = "is_default")]
    pub gate: Gate,
    /// What random masks are.
    #[serde(skip_serializing_if = "is_default")]
    pub masks: Masks,
    /// Number of masks drawn for each sample and term, over which errors are averaged.
    pub mask_samples: usize,
    /// Above this importance a subcomponent is active on a sample, wherever one is counted or is used whole.
    pub active_above: f64,
    /// Random initial values of V and U.
    #[serde(skip_serializing_if = "is_default")]
    pub initial_factors: InitialFactors,
    /// What the distance between the matrices and the sums of their subcomponents is measured in.
    #[serde(skip_serializing_if = "is_default")]
    pub faithfulness: FaithfulnessIn,
    /// The weights of the loss terms; one with 0 throughout is not computed.
    pub coefficients: Coefficients,
    /// How much a causal importance counts.
    pub penalty: Penalty,
    /// The part of the penalty that grows with how often a subcomponent matters.
    #[serde(skip_serializing_if = "is_default")]
    pub frequency: Frequency,
    /// Updates of the factors alone towards faithfulness before the first step, with AdamW whose moments are then forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faithfulness_warm_up: Option<FaithfulnessWarmUp>,
    /// Sources of masks that are made anew in each step and moved so that the output changes most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_adversary: Option<FreshAdversary>,
    /// Sources of masks that live through the training and are moved so that the output changes most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent_adversary: Option<PersistentAdversary>,
    /// The lengths that derivatives are cut down to.
    #[serde(skip_serializing_if = "is_default")]
    pub largest_gradient_norms: LargestGradientNorms,
}

/// Whose defaults an absent key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    Spd,
    Vpd,
}

/// What the two uses of a tied weight are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TiedWeights {
    /// Two sites, each with subcomponents of its own.
    #[default]
    Apart,
    /// One site, whose subcomponents are used transposed; each use has importances of its own.
    Together,
    /// As together, but each use has a derivative and moments of its own, by which the one memory moves twice in a step, as
    /// in the authors' code.
    SharedStorage,
}

impl Choice for TiedWeights {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("apart", Self::Apart),
        Variant::Word("together", Self::Together),
        Variant::Word("shared_storage", Self::SharedStorage),
    ];
}

/// What random masks are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Masks {
    /// Uniform between the importance and 1.
    #[default]
    Uniform,
    /// The importance or 1, with equal chances; the gate sees 1.05 z - 0.05 u with u uniform in [0, 1).
    Binomial,
}

impl Choice for Masks {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("uniform", Self::Uniform), Variant::Word("binomial", Self::Binomial)];
}

/// What the distance between the matrices and the sums of their subcomponents is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaithfulnessIn {
    /// The sum of the squared distances over the number of decomposed weights.
    #[default]
    Weights,
    /// The mean over sites of the squared distance over the squared length of the matrix.
    Lengths,
}

impl Choice for FaithfulnessIn {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("weights", Self::Weights), Variant::Word("lengths", Self::Lengths)];
}

/// The weights of the loss terms.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Coefficients {
    /// Weight of the distance between the matrices and the sums of their subcomponents.
    pub faithfulness: Annealed,
    /// Weight of what causal importances cost.
    pub importance: Annealed,
    /// Weight of the error with random masks at all uses.
    pub stochastic: Annealed,
    /// Weight of the error with random masks at one use at a time, averaged over uses.
    pub layerwise: Annealed,
    /// Weight of the error with random masks at a random subset of the uses.
    pub subset: Annealed,
    /// Weight of the error with all subcomponents and without the delta component.
    pub unmasked: Annealed,
    /// Weight of the error with importances as masks and without the delta component.
    pub importance_masked: Annealed,
}

/// How much a causal importance g counts, psi(g).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// psi(g) = (g + 1e-12)^p.
    Lp {
        /// The power p.
        power: Annealed,
    },
    /// psi(g) = g^2 / (g^2 + gamma^2).
    SmoothL0 {
        /// The width gamma below which an importance counts little.
        gamma: Annealed,
    },
}

impl Choice for Penalty {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Table("lp", |table| Self::Lp {
            power: table.number("power").above(0.0).at_most(4.0).or_table(Annealed::read).or(1.0),
        }),
        Variant::Table("smooth_l0", |table| Self::SmoothL0 {
            gamma: table.number("gamma").above(0.0).or_table(Annealed::read).or(1.0),
        }),
    ];
}

/// The part of the penalty that grows with how often a subcomponent matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Frequency {
    /// Weight beta of f log2(1 + a f) beside f, the mean of psi(g) over a batch.
    pub weight: f64,
    /// Number a of samples among which occurrences are counted; absent, that of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<f64>,
}

/// Updates of the factors alone towards faithfulness before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FaithfulnessWarmUp {
    /// Number of updates.
    pub steps: u64,
    /// Learning rate of AdamW, constant.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

/// Sources of masks that are made anew in each step and moved by signed ascent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FreshAdversary {
    /// Weight of the error that the adversary reaches.
    pub coefficient: Annealed,
    /// Number of ascents.
    pub steps: u64,
    /// How far an ascent moves every source.
    pub step_size: f64,
    /// Which samples share their sources.
    pub scope: Scope,
    /// On which samples each use is masked.
    pub routing: Routing,
    /// Where the ascent begins.
    pub start: Start,
}

/// Which samples share the sources of an adversary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of the batch.
    #[default]
    Batch,
    /// None: each has its own.
    Sample,
}

impl Choice for Scope {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("batch", Self::Batch), Variant::Word("sample", Self::Sample)];
}

/// On which samples a use is masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// On all.
    #[default]
    All,
    /// On each sample a random subset of the uses, k of n with k uniform in 1..n.
    Subset,
}

impl Choice for Routing {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("all", Self::All), Variant::Word("subset", Self::Subset)];
}

/// Where the ascent of an adversary begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Uniform in [0, 1).
    #[default]
    Random,
    /// At 0: masks are the importances.
    Zeros,
    /// At 1: masks are 1.
    Ones,
}

impl Choice for Start {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("random", Self::Random),
        Variant::Word("zeros", Self::Zeros),
        Variant::Word("ones", Self::Ones),
    ];
}

/// Sources of masks that live through the training and are moved by Adam.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PersistentAdversary {
    /// Weight of the error with its masks.
    pub coefficient: Annealed,
    /// Number of sources at each use, which the samples of a batch face in turn; absent, one for each sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<usize>,
    /// Number of ascents on a batch before its losses are taken; one more follows the update.
    pub ascents: u64,
    /// Learning rate of Adam's ascent.
    pub learning_rate: f64,
    /// Share of the steps over which that rate rises linearly from zero.
    pub warm_up: f64,
    /// How much of the mean slope each ascent keeps, in Adam.
    pub first_decay: f64,
    /// How much of the mean squared slope each ascent keeps, in Adam.
    pub second_decay: f64,
    /// With a number, one pass serves both: this share of the samples faces the adversary at all uses, the others have random
    /// masks at a random subset of the uses. Absent, all samples face it in a pass of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_share: Option<f64>,
}

impl PersistentAdversary {
    fn read(table: &mut TableReader) -> Self {
        Self {
            coefficient: table.number("coefficient").at_least(0.0).or_table(Annealed::read).or(0.5),
            sources: table.size("sources").optional(),
            ascents: table.number("ascents").at_most(1_000).or(2),
            learning_rate: table.number("learning_rate").above(0.0).or(0.01),
            warm_up: table.number("warm_up").at_least(0.0).below(1.0).or(0.025),
            first_decay: table.number("first_decay").at_least(0.0).below(1.0).or(0.5),
            second_decay: table.number("second_decay").at_least(0.0).below(1.0).or(0.99),
            merged_share: table.number("merged_share").above(0.0).at_most(1.0).optional(),
        }
    }

    /// The rate of an ascent at this moment.
    pub fn rate(&self, moment: Moment) -> f64 {
        let warm_up = (moment.steps as f64 * self.warm_up) as u64;
        let risen = if moment.step < warm_up { moment.step as f64 / warm_up as f64 } else { 1.0 };
        self.learning_rate * risen
    }
}

/// The lengths that the derivatives with respect to all parameters of a group together are cut down to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct LargestGradientNorms {
    /// Of V and U at all sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factors: Option<f64>,
    /// Of all importance functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance_functions: Option<f64>,
}

impl Penalty {
    /// p at this moment, where the penalty has one.
    pub fn power_at(&self, moment: Moment) -> Option<f64> {
        if let Self::Lp { power } = self { Some(power.at(moment)) } else { None }
    }

    /// gamma at this moment, where the penalty has one.
    pub fn gamma_at(&self, moment: Moment) -> Option<f64> {
        if let Self::SmoothL0 { gamma } = self { Some(gamma.at(moment)) } else { None }
    }
}

impl Spd {
    /// The authors' newest settings for small networks, with the defaults of the generation, unless the spec says otherwise.
    pub fn read(table: &mut TableReader, generation: Generation) -> Self {
        let is_vpd = generation == Generation::Vpd;
        let weight = |table: &mut TableReader, key, default: f64| {
            table.number(key).at_least(0.0).or_table(Annealed::read).or(default)
        };
        Self {
            generation,
            subcomponents: table.size("subcomponents").or_table(Subcomponents::read).such_as(20),
            tied_weights: table.choice("tied_weights").or(TiedWeights::default()),
            delta_component: table.boolean_or("delta_component", true),
            importance_function: table.choice("importance_function").or(ImportanceKind::default()),
            hidden_widths: table.size("hidden_widths").list_or(&[16]),
            gate: table.choice("gate").or(Gate::default()),
            masks: table.choice("masks").or(Masks::default()),
            mask_samples: table.number("mask_samples").at_least(1).at_most(255).or(1),
            active_above: table.number("active_above").at_least(0.0).below(1.0).or(0.1),
            initial_factors: table.choice("initial_factors").or(InitialFactors::default()),
            faithfulness: table.choice("faithfulness").or(if is_vpd {
                FaithfulnessIn::Lengths
            } else {
                FaithfulnessIn::Weights
            }),
            coefficients: table.table("coefficients", |table| Coefficients {
                faithfulness: weight(table, "faithfulness", if is_vpd { 1.0 } else { 0.0 }),
                importance: table.number("importance").at_least(0.0).or_table(Annealed::read).such_as(0.003),
                stochastic: weight(table, "stochastic", if is_vpd { 0.0 } else { 1.0 }),
                layerwise: weight(table, "layerwise", if is_vpd { 0.0 } else { 1.0 }),
                subset: weight(table, "subset", if is_vpd { 0.5 } else { 0.0 }),
                unmasked: weight(table, "unmasked", 0.0),
                importance_masked: weight(table, "importance_masked", 0.0),
            }),
            penalty: table.choice("penalty").or(if is_vpd {
                let gamma = Annealed::Linear { start: 1.0, final_value: 0.01, begin: 0.0, end: 1.0 };
                Penalty::SmoothL0 { gamma }
            } else {
                Penalty::Lp { power: Annealed::Constant(1.0) }
            }),
            frequency: table.table("frequency", |table| Frequency {
                weight: table.number("weight").at_least(0.0).or(0.0),
                reference: table.number("reference").above(0.0).optional(),
            }),
            faithfulness_warm_up: table.optional_table("faithfulness_warm_up", |table| FaithfulnessWarmUp {
                steps: table.number("steps").at_least(1).at_most(1_000_000).or(200),
                learning_rate: table.number("learning_rate").above(0.0).or(0.01),
                weight_decay: table.number("weight_decay").at_least(0.0).or(0.0),
            }),
            fresh_adversary: table.optional_table("fresh_adversary", |table| FreshAdversary {
                coefficient: weight(table, "coefficient", 1.0),
                steps: table.number("steps").at_least(1).at_most(10_000).or(1),
                step_size: table.number("step_size").above(0.0).or(1.0),
                scope: table.choice("scope").or(Scope::default()),
                routing: table.choice("routing").or(Routing::default()),
                start: table.choice("start").or(Start::default()),
            }),
            persistent_adversary: if is_vpd {
                Some(table.table("persistent_adversary", PersistentAdversary::read))
            } else {
                table.optional_table("persistent_adversary", PersistentAdversary::read)
            },
            largest_gradient_norms: table.table("largest_gradient_norms", |table| LargestGradientNorms {
                factors: table.number("factors").above(0.0).optional(),
                importance_functions: table.number("importance_functions").above(0.0).optional(),
            }),
        }
    }
}
