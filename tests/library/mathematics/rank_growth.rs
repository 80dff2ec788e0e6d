//! Components that begin at rank one and grow to their rank budget.

use crate::support::{inputs, residual_mlp, settings, weights};
use apd::{
    components::Components,
    fit::{Moment, Objective},
    graph::Activation,
    method::{
        Decomposed,
        apd::{Apd, ApdObjective, Columns},
    },
    network::{Biases, Embedding},
    optimizer::{Adam, Rate},
};
use tch::{Device, Kind, Tensor};

const SEEDS: [u64; 2] = [4, 8];
const COMPONENTS: usize = 12;
const RANK: usize = 4;
const STEPS: u64 = 40;

/// How many of the parts of a replica's components have anything in any B.
fn parts(components: &Components, replica: usize) -> usize {
    let alive = |part: i64| {
        let rows = components.factors.iter().map(|factors| factors.b.select(0, replica as i64).select(1, part));
        rows.map(|rows| rows.abs().sum(Kind::Double).double_value(&[])).sum::<f64>() > 0.0
    };
    let alive: Vec<bool> = (0..RANK as i64).map(alive).collect();
    assert!(alive.is_sorted_by(|before, after| before >= after), "the parts grow in their order: {alive:?}");
    alive.into_iter().filter(|&alive| alive).count()
}

#[test]
fn the_parts_of_components_join_one_after_the_other_and_all_are_trained_in_the_end() {
    tch::set_num_threads(1);
    let network = residual_mlp(2, Activation::Relu, Biases::None, Embedding::Random);
    let weights = weights(&network, &SEEDS);
    // All four parts after 20 steps in the first replica, after 10 in the second.
    let grown = [0.5, 0.25];
    let settings =
        grown.map(|rank_growth| Apd { rank_growth, columns: Columns::UnitNorm, ..settings(COMPONENTS, RANK) });
    let start = settings[0].initial_components(&network.sites(), &SEEDS);
    let mut decomposition = ApdObjective::new(&network, &weights, settings.to_vec(), start);
    let mut optimizer = Adam::new(decomposition.parameters());
    let stream = inputs(&network, &SEEDS);
    let mut seen = Vec::new();
    for step in 0..STEPS {
        seen.push([0, 1].map(|replica| parts(decomposition.components(), replica)));
        let input = stream.batch(step, 256, Device::Cpu);
        decomposition.add_gradients(Moment::before(step, STEPS), &input);
        optimizer.update(step + 1, &[Rate { learning_rate: 0.01, weight_decay: 0.0 }; 2]);
    }
    // A part is seen once it has been moved: after the step in which it joined.
    let at = |steps: [usize; 8], replica: usize| steps.map(|step| seen[step][replica]);
    assert_eq!(at([0, 10, 11, 16, 17, 20, 21, 39], 0), [1, 1, 2, 2, 3, 3, 4, 4]);
    assert_eq!(at([0, 5, 6, 8, 9, 10, 11, 39], 1), [1, 1, 2, 2, 3, 3, 4, 4]);
}

#[test]
fn the_derivatives_of_growing_components_are_those_of_whole_ones_whose_other_parts_are_zero() {
    tch::set_num_threads(1);
    let network = residual_mlp(2, Activation::Relu, Biases::None, Embedding::Random);
    let weights = weights(&network, &SEEDS);
    let input = inputs(&network, &SEEDS).batch(0, 256, Device::Cpu);
    let derivatives = |rank_growth: f64| {
        let growing = Apd { rank_growth: 0.5, columns: Columns::UnitNorm, ..settings(COMPONENTS, RANK) };
        let start = growing.initial_components(&network.sites(), &SEEDS);
        let settings = Apd { rank_growth, ..growing };
        let mut decomposition = ApdObjective::new(&network, &weights, vec![settings; SEEDS.len()], start);
        decomposition.add_gradients(Moment::before(0, STEPS), &input);
        decomposition.parameters()
    };
    for (growing, whole) in derivatives(0.5).into_iter().zip(derivatives(0.0)) {
        let name = &growing.name;
        let parts = if name.ends_with(".A") { 3 } else { 2 };
        let first = |tensor: &Tensor| tensor.narrow(parts, 0, 1);
        assert!(first(&growing.value).equal(&first(&whole.value)), "{name} is normalised");
        let [growing, whole] = [growing.derivative(), whole.derivative()];
        let difference = (first(&growing) - first(&whole)).abs().max().double_value(&[]);
        assert!(difference < 1e-5 * first(&whole).abs().max().double_value(&[]), "{name}: {difference}");
        let others = growing.narrow(parts, 1, RANK as i64 - 1).abs().max().double_value(&[]);
        assert_eq!(others, 0.0, "{name}: parts that have not joined stay");
    }
}

#[test]
fn an_update_of_the_parts_that_have_joined_leaves_the_bytes_that_one_of_all_parts_leaves() {
    tch::set_num_threads(1);
    let network = residual_mlp(2, Activation::Relu, Biases::None, Embedding::Random);
    let weights = weights(&network, &SEEDS);
    let stream = inputs(&network, &SEEDS);
    let growing = Apd { rank_growth: 0.75, columns: Columns::UnitNorm, ..settings(COMPONENTS, RANK) };
    let trained = |is_told: bool, weight_decay: f64| {
        let start = growing.initial_components(&network.sites(), &SEEDS);
        let settings = vec![growing.clone(); SEEDS.len()];
        let mut decomposition = ApdObjective::new(&network, &weights, settings, start);
        let mut optimizer = Adam::new(decomposition.parameters());
        let mut told = Vec::new();
        for step in 0..STEPS {
            let moment = Moment::before(step, STEPS);
            decomposition.add_gradients(moment, &stream.batch(step, 256, Device::Cpu));
            if is_told {
                told.push(decomposition.parts_with_gradient(moment));
                optimizer.expect_parts(decomposition.parts_with_gradient(moment));
            }
            optimizer.update(step + 1, &[Rate { learning_rate: 0.01, weight_decay }; 2]);
        }
        if is_told {
            told.dedup();
            assert_eq!(told, [Some(1), Some(2), Some(3), None], "parts are passed over");
        }
        optimizer.state().into_iter().map(|(name, tensor)| (name, tensor.copy())).collect::<Vec<_>>()
    };
    // Decay moves all parts, so then none is passed over.
    for weight_decay in [0.0, 0.1] {
        for ((name, told), (_, whole)) in trained(true, weight_decay).into_iter().zip(trained(false, weight_decay)) {
            assert!(told.equal(&whole), "{name}, decay {weight_decay}");
        }
    }
}
