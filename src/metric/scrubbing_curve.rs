//! One feature's response while half of the components are ablated: what scrubbing does, seen along the feature's values.

use rand::rngs::ChaCha8Rng;
use tch::Tensor;

use super::{
    Partial, Serving,
    scrubbing::{ablate_half, serves_an_active_feature},
};
use crate::{
    components::Factors,
    network::{Network, ResidualMlp},
    site::PerSite,
    slices::tensor_from,
    weights::Weights,
};

/// Entries of the weights of a block of draws: 32 megabytes, whatever the number of draws.
const BLOCK_ENTRIES: i64 = 1 << 23;

/// The output of one feature, a number for every draw of the ablated half; `[value][draw]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrubbedResponses {
    /// Sparing the components that serve the feature.
    pub scrubbed: Vec<Vec<f64>>,
    /// Including them.
    pub anti_scrubbed: Vec<Vec<f64>>,
}

/// A residual MLP whose components are ablated for one feature alone. Each draw is a network with weights of its own, the
/// sums of the components that are left, so that all values go through it together.
pub struct FeatureScrubbing<'a> {
    partial: &'a Partial<'a>,
    mlp: &'a ResidualMlp,
    /// The components' matrices, [component, d_in * d_out] at every site.
    matrices: PerSite<Tensor>,
}

impl<'a> FeatureScrubbing<'a> {
    pub fn new(mlp: &'a ResidualMlp, partial: &'a Partial<'a>) -> Self {
        let matrices = |factors: &Factors| factors.matrices().squeeze_dim(0).flatten(1, 2);
        Self { partial, mlp, matrices: partial.components.at_all_sites().map(matrices) }
    }

    /// The responses of `feature`, alone active at each of `values` `[value]`, over so many draws of the ablated half.
    pub fn responses(
        &self,
        feature: usize,
        values: &Tensor,
        serving: &Serving,
        draws: usize,
        generator: &mut ChaCha8Rng,
    ) -> ScrubbedResponses {
        let mut alone = vec![0.0; self.mlp.features];
        alone[feature] = 1.0;
        let of_feature = serves_an_active_feature(serving, &alone, self.partial.candidates() as usize);
        let mut responses = |first: bool| {
            let masks: Vec<f32> = (0..draws).flat_map(|_| ablate_half(&of_feature, first, generator)).collect();
            let masks = tensor_from(&[draws as i64, self.partial.candidates()], masks.into_iter());
            self.outputs(feature, values, &masks.to_device(values.device()))
        };
        ScrubbedResponses { scrubbed: responses(false), anti_scrubbed: responses(true) }
    }

    /// The feature's output with the components that `masks` [draw, candidate] names by ones, `[value][draw]`.
    fn outputs(&self, feature: usize, values: &Tensor, masks: &Tensor) -> Vec<Vec<f64>> {
        let masks = self.partial.whole(masks);
        let draws = masks.size()[0];
        let block = (BLOCK_ENTRIES / self.partial.network.parameters()).max(1);
        let of_block = |start: i64| {
            let masks = masks.narrow(0, start, block.min(draws - start));
            let input = values.view([1, -1, 1]).expand([masks.size()[0], -1, 1], false);
            self.of_feature_alone().output(&self.weights(feature, &masks), &input).squeeze_dim(2)
        };
        let outputs: Vec<Tensor> = (0..draws).step_by(block as usize).map(of_block).collect();
        Vec::try_from(Tensor::cat(&outputs, 0).tr().to_kind(tch::Kind::Double)).expect("a table of [value, draw]")
    }

    /// The network as one feature sees it.
    fn of_feature_alone(&self) -> Network {
        Network::ResidualMlp(ResidualMlp { features: 1, ..self.mlp.clone() })
    }

    /// Its weights for every draw, in the place of the replicas.
    fn weights(&self, feature: usize, masks: &Tensor) -> Weights {
        let draws = masks.size()[0];
        let of_all_draws = |tensor: &Tensor| {
            let shape: Vec<i64> = [draws].into_iter().chain(tensor.size().into_iter().skip(1)).collect();
            tensor.expand(shape, false)
        };
        let whole = self.partial.weights;
        let [embedding, unembedding] = &whole.embeddings[..] else { panic!("a residual MLP has two embeddings") };
        let feature = feature as i64;
        let kept = |matrix: &Tensor, matrices: &Tensor| {
            masks.matmul(matrices).view([draws, matrix.size()[1], matrix.size()[2]])
        };
        Weights {
            sites: whole.sites.iter().zip(self.matrices.iter()).map(|(site, matrices)| kept(site, matrices)).collect(),
            embeddings: [embedding.narrow(1, feature, 1), unembedding.narrow(2, feature, 1)]
                .iter()
                .map(of_all_draws)
                .collect(),
            biases: whole.biases.iter().map(of_all_draws).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{
        metric::{one_feature::curve_values, tiny},
        random::{Purpose, stream},
    };

    fn responses(partial: &Partial, mlp: &ResidualMlp, feature: usize) -> (Vec<f64>, ScrubbedResponses) {
        let serving = Serving { by_feature: vec![vec![(0, 1.0)], vec![(1, 0.75)]] };
        let values = curve_values(&Tensor::zeros([1], (Kind::Float, Device::Cpu)));
        let mut generator = stream(1, Purpose::Scrubbing, 1);
        let found = FeatureScrubbing::new(mlp, partial).responses(feature, &values, &serving, 60, &mut generator);
        (Vec::try_from(values.to_kind(Kind::Double)).unwrap(), found)
    }

    /// That the responses at every value are x + factor relu(x), each factor occurring.
    fn assert_factors(values: &[f64], found: &[Vec<f64>], factors: &[f64]) {
        assert_eq!((found.len(), found[0].len()), (41, 60));
        for (x, draws) in values.iter().zip(found) {
            let is = |response: f64, factor: f64| (response - (x + factor * x.max(0.0))).abs() < 1e-6;
            assert!(draws.iter().all(|&response| factors.iter().any(|&factor| is(response, factor))), "{x}: {draws:?}");
            assert!(factors.iter().all(|&factor| draws.iter().any(|&response| is(response, factor))), "{x}: {draws:?}");
        }
    }

    #[test]
    fn a_feature_answers_as_ever_or_not_at_all() {
        let tiny = tiny::residual_mlp();
        let (values, found) = responses(&tiny.partial(), tiny.mlp(), 0);
        assert_factors(&values, &found.scrubbed, &[2.0]);
        assert_factors(&values, &found.anti_scrubbed, &[0.0]);
    }

    #[test]
    fn a_component_that_holds_a_part_and_serves_nothing_is_ablated_in_some_draws() {
        // Component 1 reads the feature and writes 1.5, component 2 reads nothing and writes another 0.5.
        let tiny = tiny::residual_mlp();
        let (values, found) = responses(&tiny.partial(), tiny.mlp(), 1);
        assert_factors(&values, &found.scrubbed, &[1.5, 2.0]);
        assert_factors(&values, &found.anti_scrubbed, &[0.0]);
    }

    #[test]
    fn a_component_that_is_always_active_is_never_ablated() {
        let mut tiny = tiny::residual_mlp();
        // The last component does for feature 0 what component 0 does.
        let first_again = |tensor: &Tensor, axis: i64| {
            let parts = [tensor.narrow(axis, 0, 3), tensor.narrow(axis, 0, 1)];
            Tensor::cat(&parts, axis).contiguous()
        };
        let factors = &tiny.components.factors;
        tiny.components.factors =
            factors.map(|Factors { a, b }| Factors { a: first_again(a, 2), b: first_again(b, 1) });
        let partial = Partial { last_always_active: true, ..tiny.partial() };
        let (values, found) = responses(&partial, tiny.mlp(), 0);
        assert_factors(&values, &found.anti_scrubbed, &[2.0]);
    }
}
