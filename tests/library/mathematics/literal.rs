//! The fast step against the paper's formulas as they stand: over fifty steps from the same start, the same selections, losses,
//! gradients and components.

use crate::literal_form::Literal;
use crate::support::{assert_close, components, inputs, residual_mlp, settings, tms, weights};
use apd::{
    fit::{InputStream, Moment, Objective, total},
    graph::Activation,
    inputs::{ExactlyActive, Inputs},
    method::{
        Decomposed,
        apd::{Apd, ApdObjective, Coefficients, Columns, SparsePass},
    },
    network::{Biases, Embedding, Network},
    optimizer::{Adam, Rate},
};
use tch::{Device, Tensor};

const SEEDS: [u64; 2] = [4, 5];
const COMPONENTS: usize = 6;
const RANK: usize = 2;
const STEPS: u64 = 50;
const BATCH: usize = 48;

/// Of the largest magnitude. A sum of n float32 numbers in another order differs by some sqrt(n) times 6e-8, here below 1e-6;
/// fifty updates of Adam, which divides by the gradients' size, make more of what they begin with.
const TOLERANCE: f64 = 1e-4;

/// Both forms step by step, each on its own components, on the same inputs.
fn walk_together(network: &Network, settings: &[Apd], sparse_pass: SparsePass) {
    // More threads than one would only wait for each other over tensors so small.
    tch::set_num_threads(1);
    let weights = weights(network, &SEEDS);
    let start = || components(network, COMPONENTS, RANK, &SEEDS);
    let mut fast = ApdObjective::new(network, &weights, settings.to_vec(), start()).with_sparse_pass(sparse_pass);
    let mut slow = Literal::new(network, &weights, settings.to_vec(), start());
    let (mut fast_optimizer, mut slow_optimizer) = (Adam::new(fast.parameters()), Adam::new(slow.parameters()));
    // Samples without any active feature would tie, and the formulas do not say which of equal attributions are selected.
    let active = Inputs::Exactly(ExactlyActive { active: 2, low: -0.2, high: 1.0 });
    let stream = InputStream { inputs: active, ..inputs(network, &SEEDS) };
    let rates = [0.01, 0.02].map(|learning_rate| Rate { learning_rate, weight_decay: 0.0 });
    for step in 0..STEPS {
        let input = stream.batch(step, BATCH, Device::Cpu);
        let (seen, expected) = (fast.observe(&input), slow.observe(&input));
        assert_close(&seen.importances, &expected.importances, TOLERANCE, &format!("attributions of step {step}"));
        assert_eq!(seen.mask, expected.mask, "selection of step {step}");

        let moment = Moment::before(step, STEPS).logged();
        let (mut terms, mut expected) = (fast.add_gradients(moment, &input), slow.add_gradients(moment, &input));
        terms.push(total(&terms));
        expected.push(total(&expected));
        assert_eq!(terms.len(), expected.len(), "terms");
        for (term, expected) in terms.iter().zip(&expected) {
            assert_eq!((term.name, &term.coefficients), (expected.name, &expected.coefficients));
            let values = [term, expected].map(|term| Tensor::from_slice(&term.values));
            assert_close(&values[0], &values[1], TOLERANCE, &format!("{} of step {step}", term.name));
        }
        for (parameter, expected) in fast.parameters().iter().zip(slow.parameters()) {
            assert_eq!(parameter.name, expected.name);
            let what = format!("gradient of {} at step {step}", parameter.name);
            assert_close(&parameter.derivative(), &expected.derivative(), TOLERANCE, &what);
        }
        fast_optimizer.update(step + 1, &rates);
        slow_optimizer.update(step + 1, &rates);
    }
    for (parameter, expected) in fast.parameters().iter().zip(slow.parameters()) {
        assert_close(&parameter.value, &expected.value, TOLERANCE, &format!("{} after training", parameter.name));
    }
}

fn walk_with_both_passes(network: &Network, settings: &[Apd]) {
    for sparse_pass in [SparsePass::Pairs, SparsePass::Masks] {
        walk_together(network, settings, sparse_pass);
    }
}

/// Replicas with other coefficients and powers.
fn two_settings() -> Vec<Apd> {
    let first = settings(COMPONENTS, RANK);
    let coefficients = Coefficients { minimality: 1.5, simplicity: 0.2, ..first.coefficients };
    vec![first.clone(), Apd { coefficients, schatten_power: 1.0, ..first }]
}

/// With the hidden loss.
fn two_settings_with_hidden() -> Vec<Apd> {
    let with_hidden = |apd: Apd| Apd { coefficients: Coefficients { hidden: 0.5, ..apd.coefficients }, ..apd };
    two_settings().into_iter().map(with_hidden).collect()
}

#[test]
fn a_toy_model_of_superposition_is_taken_apart_as_the_formulas_say() {
    walk_with_both_passes(&tms(5, 2, 0), &two_settings());
}

#[test]
fn one_with_hidden_layers_is_taken_apart_as_the_formulas_say() {
    walk_with_both_passes(&tms(7, 3, 2), &two_settings());
}

#[test]
fn a_residual_mlp_of_one_layer_with_unit_norm_columns_is_taken_apart_as_the_formulas_say() {
    let network = residual_mlp(1, Activation::Relu, Biases::Inner, Embedding::Random);
    let unit_norm = |apd: Apd| Apd { columns: Columns::UnitNorm, ..apd };
    walk_with_both_passes(&network, &two_settings_with_hidden().into_iter().map(unit_norm).collect::<Vec<_>>());
}

#[test]
fn components_that_count_whether_active_or_not_are_taken_apart_as_the_formulas_say() {
    let floors = two_settings().into_iter().zip([0.4, 0.0]);
    let settings: Vec<Apd> = floors.map(|(apd, activity_floor)| Apd { activity_floor, ..apd }).collect();
    walk_with_both_passes(&tms(5, 2, 0), &settings);
}

#[test]
fn a_residual_mlp_of_two_layers_is_taken_apart_as_the_formulas_say() {
    let network = residual_mlp(2, Activation::Gelu, Biases::Both, Embedding::Trained);
    walk_with_both_passes(&network, &two_settings_with_hidden());
}

#[test]
#[should_panic(expected = "only the paper's main form is written out literally")]
fn a_variant_that_is_not_written_out_is_refused() {
    let network = tms(5, 2, 0);
    let apd = settings(COMPONENTS, RANK);
    let apd = Apd { coefficients: Coefficients { output: 1.0, ..apd.coefficients }, ..apd };
    let _ = Literal::new(&network, &weights(&network, &[1]), vec![apd], components(&network, COMPONENTS, RANK, &[1]));
}
