//! The inputs that a network sees in training, decomposition and measurement: sparse feature vectors.

use rand::{Rng, RngExt, rngs::ChaCha8Rng};
use schemars::JsonSchema;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use crate::{
    random::{Purpose, stream},
    settings::{Choice, TableReader, Variant},
    slices::slice_mut,
};

/// Every input distribution that the spec can name, `[target.inputs.<distribution>]`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inputs {
    Independent(IndependentFeatures),
    Exactly(ExactlyActive),
    Synced(SyncedFeatures),
    Gated(GatedInputs),
}

impl Choice for Inputs {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Table("independent", |table| Self::Independent(IndependentFeatures::read(table))),
        Variant::Table("exactly", |table| Self::Exactly(ExactlyActive::read(table))),
        Variant::Table("synced", |table| Self::Synced(SyncedFeatures::read(table))),
        Variant::Table("gated", |table| Self::Gated(GatedInputs::read(table))),
    ];
}

/// Each feature is active independently with one probability; an active one is uniform in [low, high).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct IndependentFeatures {
    /// Probability of a feature to be active.
    pub probability: f64,
    /// The least value of an active feature.
    pub low: f64,
    /// Where the values of an active feature end; this one is not among them.
    pub high: f64,
}

impl IndependentFeatures {
    /// The values lie in [0, 1) unless the spec says otherwise: the paper's toy models of superposition.
    fn read(table: &mut TableReader) -> Self {
        let probability = table.number("probability").above(0.0).at_most(1.0).such_as(0.05);
        let (low, high) = read_range(table);
        Self { probability, low, high }
    }
}

fn read_range(table: &mut TableReader) -> (f64, f64) {
    let (low, high) = (table.number("low").or(0.0), table.number("high").or(1.0));
    check_range(table, low, high);
    (low, high)
}

fn check_range(table: &mut TableReader, low: f64, high: f64) {
    table.check(&["low", "high"], low < high, "`low` must be below `high`", format!("`high` is {high}"));
}

/// The same number of features is active on every sample, any set of them equally often; an active one is uniform in
/// [low, high).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExactlyActive {
    /// Number of active features on every sample.
    pub active: usize,
    /// The least value of an active feature.
    pub low: f64,
    /// Where the values of an active feature end; this one is not among them.
    pub high: f64,
}

impl ExactlyActive {
    fn read(table: &mut TableReader) -> Self {
        let active = table.size("active").such_as(1);
        let (low, high) = read_range(table);
        Self { active, low, high }
    }

    /// The first places of a shuffle of the features.
    fn fill(&self, entries: &mut [f32], features: usize, generator: &mut ChaCha8Rng) {
        let mut order: Vec<usize> = (0..features).collect();
        for sample in entries.chunks_exact_mut(features) {
            for place in 0..self.active {
                order.swap(place, generator.random_range(place..features));
                sample[order[place]] = value(self.low, self.high, generator);
            }
        }
    }
}

/// Neighbouring features in groups of one size (the last may be smaller): those of a group are active together, each group
/// independently with one probability; an active feature is uniform in [low, high).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SyncedFeatures {
    /// Number of features in a group.
    pub group: usize,
    /// Probability of a group to be active.
    pub probability: f64,
    /// The least value of an active feature.
    pub low: f64,
    /// Where the values of an active feature end; this one is not among them.
    pub high: f64,
}

impl SyncedFeatures {
    fn read(table: &mut TableReader) -> Self {
        let group = table.size("group").such_as(2);
        let probability = table.number("probability").above(0.0).at_most(1.0).such_as(0.05);
        let (low, high) = read_range(table);
        Self { group, probability, low, high }
    }

    fn fill(&self, entries: &mut [f32], features: usize, generator: &mut ChaCha8Rng) {
        let groups = entries.chunks_exact_mut(features).flat_map(|sample| sample.chunks_mut(self.group));
        for group in groups {
            if f64::from(uniform(generator)) < self.probability {
                group.iter_mut().for_each(|entry| *entry = value(self.low, self.high, generator));
            }
        }
    }
}

/// What gated functions, and only they, are given: first a number x that is always there, uniform in [low, high), then control bits, each 1
/// independently with one probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GatedInputs {
    /// Probability of a control bit to be 1.
    pub probability: f64,
    /// The least value of x.
    pub low: f64,
    /// Where the values of x end; this one is not among them.
    pub high: f64,
}

impl GatedInputs {
    /// Where the range of x may end.
    pub const LARGEST_X: f64 = 5.0;

    /// Anywhere in [0, 5] unless the spec says otherwise: where the functions are interpolated.
    fn read(table: &mut TableReader) -> Self {
        let largest = Self::LARGEST_X;
        let probability = table.number("probability").above(0.0).at_most(1.0).such_as(0.05);
        let low = table.number("low").at_least(0.0).at_most(largest).or(0.0);
        let high = table.number("high").at_least(0.0).at_most(largest).or(largest);
        check_range(table, low, high);
        Self { probability, low, high }
    }

    fn fill(&self, entries: &mut [f32], features: usize, generator: &mut ChaCha8Rng) {
        for sample in entries.chunks_exact_mut(features) {
            sample[0] = value(self.low, self.high, generator);
            for bit in &mut sample[1..] {
                *bit = f32::from(f64::from(uniform(generator)) < self.probability);
            }
        }
    }
}

impl Inputs {
    /// One batch [replica, sample, feature] in main memory, each replica's samples a pure function of its seed, the
    /// purpose and the step.
    pub fn batch(&self, seeds: &[u64], purpose: Purpose, step: u64, batch: usize, features: usize) -> Tensor {
        let shape = [seeds.len() as i64, batch as i64, features as i64];
        let mut tensor = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        for (entries, &seed) in slice_mut(&mut tensor).chunks_exact_mut(batch * features).zip(seeds) {
            let mut generator = stream(seed, purpose, step);
            match self {
                Inputs::Independent(rule) => rule.fill(entries, &mut generator),
                Inputs::Exactly(rule) => rule.fill(entries, features, &mut generator),
                Inputs::Synced(rule) => rule.fill(entries, features, &mut generator),
                Inputs::Gated(rule) => rule.fill(entries, features, &mut generator),
            }
        }
        tensor
    }

    /// How many of `features` are active in a mean sample; of gated inputs, how many of the control bits.
    pub fn mean_active(&self, features: usize) -> f64 {
        match self {
            Inputs::Independent(rule) => rule.probability * features as f64,
            Inputs::Exactly(rule) => rule.active as f64,
            Inputs::Synced(rule) => rule.probability * features as f64,
            Inputs::Gated(rule) => rule.probability * features.saturating_sub(1) as f64,
        }
    }

    /// Share of the samples in which no feature is active.
    pub fn share_of_empty(&self, features: usize) -> f64 {
        let none_of = |probability: f64, number: usize| (1.0 - probability).powf(number as f64);
        match self {
            Inputs::Independent(rule) => none_of(rule.probability, features),
            Inputs::Exactly(rule) => f64::from(rule.active == 0),
            Inputs::Synced(rule) => none_of(rule.probability, features.div_ceil(rule.group)),
            Inputs::Gated(_) => 0.0,
        }
    }
}

impl IndependentFeatures {
    /// Draws the distances between active entries instead of deciding entry by entry: the work is that of the active ones.
    fn fill(&self, entries: &mut [f32], generator: &mut ChaCha8Rng) {
        let log_inactive = libm::log1p(-self.probability);
        let mut position = 0.0;
        loop {
            // The number of inactive entries before the next active one is geometric: floor(ln u / ln(1 - p)).
            position += (libm::log(uniform_open(generator)) / log_inactive).floor();
            let Some(entry) = entries.get_mut(position as usize) else { break };
            *entry = value(self.low, self.high, generator);
            position += 1.0;
        }
    }
}

/// Uniform in [low, high).
fn value(low: f64, high: f64, generator: &mut ChaCha8Rng) -> f32 {
    (low + (high - low) * f64::from(uniform(generator))) as f32
}

/// Uniform in [0, 1) with 24 bits.
fn uniform(generator: &mut ChaCha8Rng) -> f32 {
    (generator.next_u32() >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// Uniform in (0, 1] with 53 bits.
fn uniform_open(generator: &mut ChaCha8Rng) -> f64 {
    ((generator.next_u64() >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(probability: f64, seeds: &[u64], step: u64) -> Tensor {
        let inputs = Inputs::Independent(IndependentFeatures { probability, low: -1.0, high: 3.0 });
        inputs.batch(seeds, Purpose::DecompositionInputs, step, 2_000, 50)
    }

    #[test]
    fn features_are_active_with_the_stated_probability_and_uniform() {
        let inputs = batch(0.05, &[3], 0);
        let active = inputs.masked_select(&inputs.not_equal(0.0));
        let share = active.numel() as f64 / inputs.numel() as f64;
        assert!((share - 0.05).abs() < 0.003, "share {share}");
        let (mean, deviation) = (active.mean(Kind::Double).double_value(&[]), active.std(true).double_value(&[]));
        assert!((mean - 1.0).abs() < 0.06, "mean {mean}");
        assert!((deviation - 4.0 / 12.0_f64.sqrt()).abs() < 0.03, "deviation {deviation}");
    }

    #[test]
    fn every_feature_is_active_equally_often() {
        let counts = batch(0.2, &[5], 1).not_equal(0.0).sum_dim_intlist([0, 1].as_slice(), false, Kind::Double);
        // Binomial(2000, 0.2) has standard deviation 17.9.
        assert!((counts - 400.0).abs().max().double_value(&[]) < 80.0);
    }

    #[test]
    fn a_replica_sees_the_same_inputs_alone_and_in_company() {
        let company = batch(0.05, &[1, 2, 3], 7);
        assert_eq!(company.select(0, 2), batch(0.05, &[3], 7).select(0, 0));
        assert_ne!(company.select(0, 0), company.select(0, 1));
        assert_ne!(batch(0.05, &[1], 8), batch(0.05, &[1], 7));
    }

    #[test]
    fn exactly_so_many_features_are_active_and_each_equally_often() {
        let inputs = Inputs::Exactly(ExactlyActive { active: 3, low: 0.5, high: 1.0 });
        let batch = inputs.batch(&[1], Purpose::DecompositionInputs, 0, 2_000, 12);
        let over = |axis: i64| batch.not_equal(0.0).sum_dim_intlist([0, axis].as_slice(), false, Kind::Double);
        assert_eq!(over(2), Tensor::full([2_000], 3.0, (Kind::Double, Device::Cpu)));
        // Binomial(2000, 1/4) has standard deviation 19.4.
        assert!((over(1) - 500.0).abs().max().double_value(&[]) < 90.0);
    }

    #[test]
    fn the_share_of_empty_samples_and_the_number_of_active_features_are_those_found_in_a_batch() {
        let (probability, low, high) = (0.1, 0.5, 1.0);
        for inputs in [
            Inputs::Independent(IndependentFeatures { probability, low, high }),
            Inputs::Synced(SyncedFeatures { group: 3, probability, low, high }),
            Inputs::Exactly(ExactlyActive { active: 1, low, high }),
            Inputs::Gated(GatedInputs { probability, low, high }),
        ] {
            let batch = inputs.batch(&[1], Purpose::DecompositionInputs, 0, 2_000, 8);
            let empty = batch.sum_dim_intlist([2].as_slice(), false, Kind::Double).eq(0.0);
            let found = empty.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
            // A share of a half has standard deviation 0.011.
            assert!((found - inputs.share_of_empty(8)).abs() < 0.04, "{inputs:?}: {found}");
            let switches = if let Inputs::Gated(_) = inputs { batch.narrow(2, 1, 7) } else { batch };
            let active = switches.not_equal(0.0).sum(Kind::Double).double_value(&[]) / 2_000.0;
            // A sample's number has a standard deviation below 1.6.
            assert!((active - inputs.mean_active(8)).abs() < 0.15, "{inputs:?}: {active}");
        }
    }

    #[test]
    fn synced_features_are_active_together() {
        let inputs = Inputs::Synced(SyncedFeatures { group: 2, probability: 0.25, low: 0.5, high: 1.0 });
        let active = inputs.batch(&[1], Purpose::DecompositionInputs, 0, 2_000, 4).not_equal(0.0);
        assert_eq!(active.select(2, 0), active.select(2, 1));
        assert_eq!(active.select(2, 2), active.select(2, 3));
        assert_ne!(active.select(2, 0), active.select(2, 2));
        let share = active.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        assert!((share - 0.25).abs() < 0.04, "share {share}");
    }

    #[test]
    fn x_is_always_there_and_control_bits_are_sparse() {
        let inputs = Inputs::Gated(GatedInputs { probability: 0.2, low: 1.0, high: 5.0 });
        let batch = inputs.batch(&[1], Purpose::DecompositionInputs, 0, 5_000, 4);
        let (x, bits) = (batch.select(2, 0), batch.narrow(2, 1, 3));
        assert!(x.min().double_value(&[]) >= 1.0 && x.max().double_value(&[]) < 5.0);
        assert!((x.mean(Kind::Double).double_value(&[]) - 3.0).abs() < 0.1);
        assert_eq!(bits, bits.not_equal(0.0).to_kind(Kind::Float), "zeros and ones");
        // Binomial(5000, 1/5) has standard deviation 28.
        let counts = bits.sum_dim_intlist([0, 1].as_slice(), false, Kind::Double);
        assert!((counts - 1_000.0).abs().max().double_value(&[]) < 140.0);
    }

    #[test]
    fn probability_one_activates_everything() {
        assert_eq!(batch(1.0, &[0], 0).count_nonzero(0).min().int64_value(&[]), 1);
    }
}
