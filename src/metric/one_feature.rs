//! Inputs with only one feature active, for every feature in turn.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

/// Values of the active feature of which means are taken.
const VALUES: i64 = 100;

/// Steps of a curve from 0 to its end, where a feature is active.
const CURVE_STEPS: i64 = 20;

/// Steps of a curve of gated functions.
const GATED_CURVE_STEPS: i64 = 100;

/// Entries of the inputs of a block of features: 16 megabytes, whatever the number of features.
const BLOCK_ENTRIES: usize = 1 << 22;

/// x = 0.01, 0.02 .. 1, `[value]`: an even grid in the place of draws from [0, 1].
pub fn values(like: &Tensor) -> Tensor {
    Tensor::linspace(1.0 / VALUES as f64, 1.0, VALUES, (like.kind(), like.device()))
}

/// x = -1, -0.95 .. 1, `[value]`: where the curves of a residual MLP's features are drawn.
pub fn curve_values(like: &Tensor) -> Tensor {
    Tensor::arange_start(-CURVE_STEPS, CURVE_STEPS + 1, (like.kind(), like.device())) / CURVE_STEPS
}

/// Some features, each alone at every value.
pub struct OneFeatureInputs {
    /// [1, feature * value, input].
    pub input: Tensor,
    /// What the feature's value is, or, of gated functions, what they are functions of; `[value]`.
    pub values: Vec<f64>,
    features: Range<usize>,
}

impl OneFeatureInputs {
    /// All features at 0.01, 0.02 .. 1. `like` names kind and device.
    pub fn new(features: usize, like: &Tensor) -> Self {
        Self::at(&values(like), 0..features, features)
    }

    /// As [`OneFeatureInputs::new`], in blocks of features that are no burden to memory.
    pub fn blocks(features: usize, like: &Tensor) -> impl Iterator<Item = Self> {
        let block = (BLOCK_ENTRIES / (features * VALUES as usize)).max(1);
        let values = values(like);
        let starts = (0..features).step_by(block);
        starts.map(move |start| Self::at(&values, start..features.min(start + block), features))
    }

    /// Some of a network's `number` features at `values` `[value]`.
    pub fn at(values: &Tensor, features: Range<usize>, number: usize) -> Self {
        let one_hot = Tensor::eye(number as i64, (values.kind(), values.device()));
        let one_hot = one_hot.narrow(0, features.start as i64, features.len() as i64).unsqueeze(1);
        let input = (one_hot * values.view([1, -1, 1])).view([1, -1, number as i64]);
        Self { input, values: numbers(values), features }
    }

    /// For each of some gated functions, only its control bit 1, and x on an even grid of 101 values from `low` to `high`.
    pub fn of_control_bits(functions: usize, low: f64, high: f64, like: &Tensor) -> Self {
        let options = (like.kind(), like.device());
        let x = Tensor::arange(GATED_CURVE_STEPS + 1, options) / GATED_CURVE_STEPS * (high - low) + low;
        let (number, values) = (functions as i64, x.numel() as i64);
        let bits = Tensor::eye(number, options).unsqueeze(1).expand([number, values, number], false);
        let x_of_all = x.view([1, -1, 1]).expand([number, values, 1], false);
        let input = Tensor::cat(&[x_of_all, bits], 2).view([1, -1, 1 + number]);
        Self { input, values: numbers(&x), features: 0..functions }
    }

    /// Means over the values of `numbers` [feature * value, ...], [feature, ...].
    pub fn means(&self, numbers: &Tensor) -> Tensor {
        self.by_feature(numbers, 0).mean_dim([1].as_slice(), false, Kind::Double)
    }

    /// As [`OneFeatureInputs::means`], of one number a sample.
    pub fn means_by_feature(&self, numbers: &Tensor) -> Vec<f64> {
        Vec::try_from(self.means(numbers)).expect("one axis")
    }

    /// Means over the values of `attributions` [1, feature * value, component], `[feature][component]`.
    pub fn mean_attributions(&self, attributions: &Tensor) -> Vec<Vec<f64>> {
        Vec::try_from(self.means(&attributions.squeeze_dim(0))).expect("a table of [feature, component]")
    }

    /// Of `output` [1, feature * value, output], the output that belongs to the active feature, or the only one there is,
    /// `[feature][value]`.
    pub fn own_outputs(&self, output: &Tensor) -> Vec<Vec<f64>> {
        let by_feature = self.by_feature(output, 1).squeeze_dim(0);
        let own = match by_feature.size()[2] {
            1 => by_feature.squeeze_dim(2),
            _ => by_feature.narrow(2, self.features.start as i64, self.features.len() as i64).diagonal(0, 0, 2).tr(),
        };
        Vec::try_from(own.to_kind(Kind::Double)).expect("a table of [feature, value]")
    }

    /// The samples of `numbers`, which are its `axis`, apart: features, then values.
    pub fn by_feature(&self, numbers: &Tensor, axis: i64) -> Tensor {
        numbers.unflatten(axis, [self.features.len() as i64, self.values.len() as i64])
    }

    /// For every sample what belongs to its feature.
    pub fn of_samples<T: Clone>(&self, of_features: &[T]) -> Vec<T> {
        of_features.iter().flat_map(|component| std::iter::repeat_n(component.clone(), self.values.len())).collect()
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).to_device(Device::Cpu)).expect("one axis")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like() -> Tensor {
        Tensor::zeros([1], (Kind::Float, Device::Cpu))
    }

    #[test]
    fn every_feature_stands_alone_at_a_hundred_values() {
        let inputs = OneFeatureInputs::new(3, &like());
        assert_eq!(inputs.input.size(), [1, 300, 3]);
        let sums = inputs.input.squeeze_dim(0).sum_dim_intlist([0].as_slice(), false, Kind::Double);
        assert!((sums - 50.5).abs().max().double_value(&[]) < 1e-4);
        let second = inputs.input.select(2, 1).squeeze_dim(0);
        let means = inputs.means_by_feature(&second);
        assert!(means.iter().zip([0.0, 0.505, 0.0]).all(|(mean, known)| (mean - known).abs() < 1e-6), "{means:?}");
    }

    #[test]
    fn blocks_hold_every_feature_once() {
        let features = 300;
        let blocks: Vec<OneFeatureInputs> = OneFeatureInputs::blocks(features, &like()).collect();
        assert!(blocks.len() > 1 && blocks.iter().all(|block| block.input.numel() <= BLOCK_ENTRIES));
        let inputs: Vec<&Tensor> = blocks.iter().map(|block| &block.input).collect();
        assert_eq!(Tensor::cat(&inputs, 1), OneFeatureInputs::new(features, &like()).input);
    }

    #[test]
    fn a_feature_reads_its_own_output() {
        let values = curve_values(&like());
        let inputs = OneFeatureInputs::at(&values, 1..3, 3);
        assert_eq!((inputs.values.len(), inputs.values[0], inputs.values[20], inputs.values[40]), (41, -1.0, 0.0, 1.0));
        let factors = Tensor::from_slice(&[1.0_f32, 2.0, 3.0]);
        let own = inputs.own_outputs(&((&inputs.input + 1.0) * factors));
        let expected = |factor: f64| inputs.values.iter().map(move |x| factor * (x + 1.0));
        for (own, factor) in own.iter().zip([2.0, 3.0]) {
            assert!(own.iter().zip(expected(factor)).all(|(own, expected)| (own - expected).abs() < 1e-6), "{own:?}");
        }
    }

    #[test]
    fn every_control_bit_stands_alone_along_x() {
        let inputs = OneFeatureInputs::of_control_bits(2, 1.0, 3.0, &like());
        assert_eq!(inputs.input.size(), [1, 202, 3]);
        assert_eq!((inputs.values[0], inputs.values[50], inputs.values[100]), (1.0, 2.0, 3.0));
        let sample = |number: i64| Vec::<f64>::try_from(inputs.input.get(0).get(number).to_kind(Kind::Double)).unwrap();
        assert_eq!((sample(50), sample(201)), (vec![2.0, 1.0, 0.0], vec![3.0, 0.0, 1.0]));
        let x = inputs.own_outputs(&inputs.input.narrow(2, 0, 1));
        assert_eq!((x.len(), &x[1]), (2, &inputs.values));
    }
}
