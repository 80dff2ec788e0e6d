//! The inputs that a network sees in training, decomposition and measurement: sparse feature vectors.

use rand::{Rng, rngs::ChaCha8Rng};
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use crate::{
    memory::slice_mut,
    random::{Purpose, stream},
    spec::{Choice, TableReader, Variant},
};

/// Every input distribution that the spec can name, `[target.inputs.<distribution>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Inputs {
    Independent(IndependentFeatures),
}

impl Choice for Inputs {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Table("independent", |table| Self::Independent(IndependentFeatures::read(table)))];
}

/// Each feature is active independently with one probability; an active one is uniform in [low, high).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IndependentFeatures {
    pub probability: f64,
    pub low: f64,
    pub high: f64,
}

impl IndependentFeatures {
    /// The values lie in [0, 1) unless the spec says otherwise: the paper's toy models of superposition.
    fn read(table: &mut TableReader) -> Self {
        let features = Self {
            probability: table.number("probability").above(0.0).at_most(1.0).such_as(0.05),
            low: table.number("low").or(0.0),
            high: table.number("high").or(1.0),
        };
        let Self { low, high, .. } = features;
        table.check(&["low", "high"], low < high, "`low` must be below `high`", format!("`high` is {high}"));
        features
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
                Inputs::Independent(features) => features.fill(entries, &mut generator),
            }
        }
        tensor
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
            *entry = (self.low + (self.high - self.low) * f64::from(uniform(generator))) as f32;
            position += 1.0;
        }
    }
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
    fn probability_one_activates_everything() {
        assert_eq!(batch(1.0, &[0], 0).count_nonzero(0).min().int64_value(&[]), 1);
    }
}
