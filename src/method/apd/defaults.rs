//! How a network is taken apart whose spec has no `[method]`: one rule for all networks, given by their sizes and inputs alone.
//! Where the rule comes from, and what it recovers: `results/README.md`, "One setting for all".

use toml::{Table, toml};

use crate::{inputs::Inputs, network::Network};

/// Components for each feature: spare ones die out, and without any a feature finds none that is free.
const COMPONENTS_A_FEATURE: f64 = 1.5;

/// The rank budget where the weights have more: mechanisms seldom need it, and a step's time grows with it.
const RANK: i64 = 10;

/// Mean active components for each mean active feature. With places for many more of them, some are split over two components;
/// with fewer, some components take two.
const SELECTED_SHARE: f64 = 0.525;

/// The weight of simplicity against minimality is so much times a power of the parameters for each output: the mean of one loss is
/// taken over all parameters, that of the other over the outputs.
const SIMPLICITY: f64 = 0.6;
const SIZE_POWER: f64 = 2.0 / 3.0;

/// Samples in a batch, unless inputs are so sparse that fewer than so many pairs of sample and component would be selected.
const BATCH: i64 = 256;
const LARGEST_BATCH: i64 = 1_000_000;
const LEAST_PAIRS: f64 = 32.0;

/// `[method]` and `[decomposition]` for a network with such inputs; without one, for some other, so that all keys are there.
pub fn defaults(target: Option<(&Network, &Inputs)>) -> Table {
    target.map_or(STAND_IN, |(network, inputs)| Sizes::of(network, inputs)).defaults()
}

/// What the rule asks of a target.
struct Sizes {
    features: f64,
    /// Number N of parameters at all sites.
    parameters: f64,
    /// The largest rank that the matrix of a site can have.
    full_rank: i64,
    /// Features in a mean sample.
    active: f64,
    has_hidden_activations: bool,
}

const STAND_IN: Sizes =
    Sizes { features: 5.0, parameters: 10.0, full_rank: 2, active: 1.0, has_hidden_activations: false };

/// A network that has nothing in common with [`STAND_IN`].
const ANOTHER: Sizes =
    Sizes { features: 40.0, parameters: 800.0, full_rank: 10, active: 0.01, has_hidden_activations: true };

/// The dotted keys that the rule fills in, each with its value if that is the same for every network.
pub fn filled_in() -> Vec<(String, Option<toml::Value>)> {
    let [one, another] = [STAND_IN, ANOTHER].map(|sizes| {
        let mut keys = Vec::new();
        collect("", sizes.defaults(), &mut keys);
        keys
    });
    let pairs = one.into_iter().zip(another);
    pairs.map(|((key, value), (_, other))| (key, (value == other).then_some(value))).collect()
}

fn collect(prefix: &str, table: Table, keys: &mut Vec<(String, toml::Value)>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => collect(&format!("{prefix}{key}."), inner, keys),
            value => keys.push((format!("{prefix}{key}"), value)),
        }
    }
}

impl Sizes {
    fn of(network: &Network, inputs: &Inputs) -> Self {
        let features = network.features();
        Self {
            features: features as f64,
            parameters: network.parameters() as f64,
            full_rank: network.sites().iter().map(|site| site.d_in.min(site.d_out)).max().unwrap_or(1),
            active: inputs.mean_active(features),
            has_hidden_activations: network.has_hidden_activations(),
        }
    }

    fn defaults(&self) -> Table {
        let components = (COMPONENTS_A_FEATURE * self.features).ceil() as i64;
        let rank = self.full_rank.min(RANK);
        let k = (SELECTED_SHARE * self.active).min(components as f64);
        let batch = ((LEAST_PAIRS / k).ceil() as i64).clamp(BATCH, LARGEST_BATCH);
        let simplicity = SIMPLICITY * (self.parameters / self.features).powf(SIZE_POWER);
        let hidden = f64::from(u8::from(self.has_hidden_activations));
        toml! {
            [method.apd]
            components = components
            rank = rank
            rank_growth = 0.75
            schatten_power = 0.8
            columns = "unit_norm"
            simplicity_fade = 0.1
            activity_floor = 0.1

            [method.apd.initial_values]
            scale = 3.0

            [method.apd.selection.batch_top_k]
            k = k

            [method.apd.coefficients]
            faithfulness = 0.25
            minimality = 1.0
            simplicity = simplicity
            hidden = hidden

            [decomposition]
            steps = 12_000
            batch = batch
            learning_rate = 0.005
            warm_up = 0.01
            schedule = "cosine"
        }
    }
}
