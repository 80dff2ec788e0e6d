//! Inputs with only one feature active, for every feature in turn.

use tch::{Kind, Tensor};

/// Values of the active feature.
const VALUES: i64 = 100;

/// x = 0.01, 0.02 .. 1, `[value]`: an even grid in the place of draws from [0, 1].
pub fn values(like: &Tensor) -> Tensor {
    Tensor::linspace(1.0 / VALUES as f64, 1.0, VALUES, (like.kind(), like.device()))
}

/// Every feature alone at every value.
pub struct OneFeatureInputs {
    /// [1, feature * value, feature].
    pub input: Tensor,
    features: i64,
}

impl OneFeatureInputs {
    /// `like` names kind and device.
    pub fn new(features: usize, like: &Tensor) -> Self {
        let features = features as i64;
        let one_hot = Tensor::eye(features, (like.kind(), like.device())).unsqueeze(1);
        let input = (one_hot * values(like).view([1, -1, 1])).view([1, -1, features]);
        Self { input, features }
    }

    /// Means over the values of `numbers` [feature * value, ...], [feature, ...].
    pub fn means(&self, numbers: &Tensor) -> Tensor {
        numbers.unflatten(0, [self.features, VALUES]).mean_dim([1].as_slice(), false, Kind::Double)
    }

    /// As [`OneFeatureInputs::means`], of one number a sample.
    pub fn means_by_feature(&self, numbers: &Tensor) -> Vec<f64> {
        Vec::try_from(self.means(numbers)).expect("one axis")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_stands_alone_at_a_hundred_values() {
        let inputs = OneFeatureInputs::new(3, &Tensor::zeros([1], (Kind::Float, tch::Device::Cpu)));
        assert_eq!(inputs.input.size(), [1, 300, 3]);
        let sums = inputs.input.squeeze_dim(0).sum_dim_intlist([0].as_slice(), false, Kind::Double);
        assert!((sums - 50.5).abs().max().double_value(&[]) < 1e-4);
        let second = inputs.input.select(2, 1).squeeze_dim(0);
        let means = inputs.means_by_feature(&second);
        assert!(means.iter().zip([0.0, 0.505, 0.0]).all(|(mean, known)| (mean - known).abs() < 1e-6), "{means:?}");
    }
}
