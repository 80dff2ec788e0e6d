//! The rule by which weights and factors get their random initial values.

use rand::{RngExt, rngs::ChaCha8Rng};
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::Serialize;
use tch::Tensor;

use crate::{
    settings::{Choice, TableReader, Variant},
    slices::tensor_from,
};

/// Xavier's rule seen over an array with a leading axis of `instances`, as the authors' code applies it: the entries
/// of an array [instances, d_1, d_2, ...] are N(0, scale^2 * 2 / ((d_1 + instances) * d_2 * ...)). The number of
/// instances is a constant of the experiment, not the number of replicas that a run happens to train together. The uniform
/// distribution has the same variance: with no instances, between +-sqrt(6 / (d_1 d_2)) for a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct InitialValues {
    /// Length of the leading axis of instances that Xavier's rule counts with; not the number of replicas.
    pub instances: u64,
    /// Factor on the standard deviation of Xavier's rule.
    pub scale: f64,
    /// Shape of the distribution, whose variance is the same.
    #[serde(skip_serializing_if = "Shape::is_normal")]
    pub distribution: Shape,
}

/// The shape of the distribution of initial values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Normal around zero.
    Normal,
    /// Uniform between two numbers of opposite sign.
    Uniform,
}

impl Shape {
    /// Unless a spec says otherwise.
    fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

impl Choice for Shape {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("normal", Self::Normal), Variant::Word("uniform", Self::Uniform)];
}

impl InitialValues {
    /// One instance at full scale unless the spec says otherwise: Xavier's rule for a network on its own.
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            instances: table.number("instances").at_most(1_000_000).or(1),
            scale: table.number("scale").above(0.0).or(1.0),
            distribution: table.choice("distribution").or(Shape::Normal),
        }
    }
}

impl InitialValues {
    /// Standard deviation of the entries of an array of `shape` (without the leading axis of instances).
    pub fn standard_deviation(&self, shape: &[i64]) -> f64 {
        let others: i64 = shape[1..].iter().product();
        self.scale * (2.0 / ((shape[0] as f64 + self.instances as f64) * others as f64)).sqrt()
    }

    /// An array [replica, shape...], each replica's entries from its own generator.
    pub fn sample(&self, shape: &[i64], generators: &mut [ChaCha8Rng]) -> Tensor {
        let standard_deviation = self.standard_deviation(shape);
        match self.distribution {
            Shape::Normal => sample_normal(shape, standard_deviation, generators),
            Shape::Uniform => {
                let bound = 3.0_f64.sqrt() * standard_deviation;
                sample(shape, generators, |generator| bound * (2.0 * generator.random::<f64>() - 1.0))
            }
        }
    }
}

/// Independent normal entries, [replica, shape...].
pub fn sample_normal(shape: &[i64], standard_deviation: f64, generators: &mut [ChaCha8Rng]) -> Tensor {
    sample(shape, generators, |generator| {
        let normal: f64 = StandardNormal.sample(generator);
        standard_deviation * normal
    })
}

fn sample(shape: &[i64], generators: &mut [ChaCha8Rng], draw: impl Fn(&mut ChaCha8Rng) -> f64) -> Tensor {
    let size: i64 = shape.iter().product();
    let whole: Vec<i64> = std::iter::once(generators.len() as i64).chain(shape.iter().copied()).collect();
    let draw = &draw;
    let values = generators.iter_mut().flat_map(|generator| (0..size).map(move |_| draw(generator) as f32));
    tensor_from(&whole, values)
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn the_variance_is_that_of_the_authors_code() {
        // For a target weight [d_in, d_out]: 2 / (d_out (d_in + n)); for A [C, d_in, m]: 2 / (d_in m (C + n)).
        let rule = InitialValues { instances: 12, scale: 1.0, distribution: Shape::Normal };
        assert_eq!(rule.standard_deviation(&[5, 2]).powi(2), 2.0 / (2.0 * 17.0));
        assert!((rule.standard_deviation(&[50, 40, 11]).powi(2) - 2.0 / (40.0 * 11.0 * 62.0)).abs() < 1e-15);
    }

    #[test]
    fn samples_have_the_stated_deviation_and_belong_to_their_replica() {
        let rule = InitialValues { instances: 3, scale: 2.0, distribution: Shape::Normal };
        let sample = |seeds: &[u64]| {
            let mut generators: Vec<_> = seeds.iter().map(|&seed| stream(seed, Purpose::InitialTarget, 0)).collect();
            rule.sample(&[100, 200], &mut generators)
        };
        let both = sample(&[4, 9]);
        assert_eq!(both.select(0, 1), sample(&[9]).select(0, 0));
        let ratio = both.std(true).double_value(&[]) / rule.standard_deviation(&[100, 200]);
        assert!((ratio - 1.0).abs() < 0.02, "ratio {ratio}");
        assert_eq!(both.kind(), Kind::Float);
    }
}
