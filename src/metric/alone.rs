//! How well the components of one mechanism do a feature's work alone.

use tch::Tensor;

use super::one_feature::values;
use crate::{
    components::Components,
    execute::{Masked, Tape},
    network::Network,
    weights::Weights,
};

/// Mean squared error, over the outputs and over inputs with only `feature` active at 0.01, 0.02 .. 1, of the network with
/// only the components that are `kept` against the target's output. All of one replica.
pub fn error_with_components(
    network: &Network,
    weights: &Weights,
    components: &Components,
    feature: usize,
    kept: &[usize],
) -> f64 {
    let options = (components.factors.iter().next().expect("a network has a site").a.kind(), components.device());
    let ones_at = |width: i64, places: &[usize]| {
        let places = Tensor::from_slice(&places.iter().map(|&place| place as i64).collect::<Vec<_>>());
        Tensor::zeros([1, 1, width], options).index_fill(2, &places.to_device(options.1), 1.0)
    };
    let values = values(&ones_at(1, &[0])).view([1, -1, 1]);
    let input = ones_at(network.features() as i64, &[feature]) * &values;
    let mask = ones_at(components.number(), kept).expand([1, values.size()[1], -1], false);
    let tape = Tape::new(network.graph(), Masked::new(components, &mask), weights, &input);
    let difference = tape.output() - network.output(weights, &input);
    difference.square().mean(tch::Kind::Double).double_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        components::Factors,
        network::{HiddenKind, Tms},
        slices::tensor_from,
    };

    #[test]
    fn a_feature_of_length_one_is_given_back_by_its_component_and_by_no_other() {
        let network = Network::Tms(Tms {
            features: 2,
            hidden: 2,
            hidden_layers: 0,
            hidden_kind: HiddenKind::Trained,
            tied: true,
        });
        let identity = || [1.0, 0.0, 0.0, 1.0].into_iter();
        let weights = Weights {
            sites: [tensor_from(&[1, 2, 2], identity())].into_iter().collect(),
            embeddings: Vec::new(),
            biases: vec![tensor_from(&[1, 2], [0.0, 0.0].into_iter())],
        };
        // P_c = e_c e_c^T.
        let a = tensor_from(&[1, 2, 2, 1], identity());
        let components = Components::everywhere([Factors { b: a.view([1, 2, 1, 2]), a }].into_iter().collect());
        let error = |component| error_with_components(&network, &weights, &components, 0, &[component]);
        assert!(error(0) < 1e-12);
        // The other gives back nothing: mean over two outputs of x^2 over x = 0.01 .. 1.
        assert!((error(1) - 0.5 * 0.33835).abs() < 1e-6, "{}", error(1));
    }
}
