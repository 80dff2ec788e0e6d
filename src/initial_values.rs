//! The rule by which weights and factors get their random initial values.

use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;
use tch::Tensor;

use crate::{memory::tensor_from, spec::TableReader};

/// Xavier's rule seen over an array with a leading axis of `instances`, as the authors' code applies it: the entries
/// of an array [instances, d_1, d_2, ...] are N(0, scale^2 * 2 / ((d_1 + instances) * d_2 * ...)). The number of
/// instances is a constant of the experiment, not the number of replicas that a run happens to train together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InitialValues {
    /// Length of the leading axis in the rule.
    pub instances: u64,
    /// Factor on the standard deviation.
    pub scale: f64,
}

impl InitialValues {
    /// One instance at full scale unless the spec says otherwise: Xavier's rule for a network on its own.
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            instances: table.number("instances").at_least(1).at_most(1_000_000).or(1),
            scale: table.number("scale").above(0.0).or(1.0),
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
        let size: i64 = shape.iter().product();
        let whole: Vec<i64> = std::iter::once(generators.len() as i64).chain(shape.iter().copied()).collect();
        let values = generators.iter_mut().flat_map(|generator| {
            StandardNormal
                .sample_iter(generator)
                .take(size as usize)
                .map(|normal: f64| (standard_deviation * normal) as f32)
        });
        tensor_from(&whole, values)
    }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn the_variance_is_that_of_the_authors_code() {
        // For a target weight [d_in, d_out]: 2 / (d_out (d_in + n)); for A [C, d_in, m]: 2 / (d_in m (C + n)).
        let rule = InitialValues { instances: 12, scale: 1.0 };
        assert_eq!(rule.standard_deviation(&[5, 2]).powi(2), 2.0 / (2.0 * 17.0));
        assert!((rule.standard_deviation(&[50, 40, 11]).powi(2) - 2.0 / (40.0 * 11.0 * 62.0)).abs() < 1e-15);
    }

    #[test]
    fn samples_have_the_stated_deviation_and_belong_to_their_replica() {
        let rule = InitialValues { instances: 3, scale: 2.0 };
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
