//! The weight of the simplicity loss over the steps of a decomposition.

use crate::support::{components, inputs, residual_mlp, settings, weights};
use apd::{
    fit::{Moment, Objective},
    graph::Activation,
    method::apd::{Apd, ApdObjective, Coefficients},
    network::{Biases, Embedding},
};
use tch::Device;

const SEEDS: [u64; 1] = [3];
const STEPS: u64 = 100;

#[test]
fn it_rises_stays_and_fades_in_the_terms_and_in_the_gradient() {
    tch::set_num_threads(1);
    let network = residual_mlp(1, Activation::Relu, Biases::None, Embedding::Random);
    let weights = weights(&network, &SEEDS);
    let input = inputs(&network, &SEEDS).batch(0, 64, Device::Cpu);
    let only_simple = Coefficients { faithfulness: 0.0, minimality: 0.0, simplicity: 2.0, hidden: 0.0, output: 0.0 };
    let settings = |simplicity_rise: f64, simplicity_fade: f64| Apd {
        simplicity_rise,
        simplicity_fade,
        coefficients: only_simple,
        ..settings(4, 2)
    };
    // The weight in the terms, and what the gradient says.
    let at = |settings: &Apd, step: u64| {
        let start = components(&network, 4, 2, &SEEDS);
        let mut decomposition = ApdObjective::new(&network, &weights, vec![settings.clone()], start);
        let terms = decomposition.add_gradients(Moment::before(step, STEPS).logged(), &input);
        let simplicity = terms.iter().find(|term| term.name == "simplicity").unwrap();
        let derivative = decomposition.parameters()[0].derivative().abs().max().double_value(&[]);
        (simplicity.coefficients[0], derivative)
    };
    let (full, derivative_of_full) = at(&settings(0.0, 0.0), 0);
    assert_eq!(full, 2.0, "in full from the first step on, unless the spec says otherwise");
    let changing = settings(0.2, 0.4);
    for (step, share) in [(0, 0.0), (5, 0.25), (20, 1.0), (60, 1.0), (70, 0.75), (99, 0.025)] {
        let (weight, derivative) = at(&changing, step);
        assert!((weight - share * full).abs() < 1e-12, "step {step}: {weight}");
        assert!(
            (derivative - share * derivative_of_full).abs() < 1e-6 * derivative_of_full,
            "step {step}: {derivative}"
        );
    }
}
