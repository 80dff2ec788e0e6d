//! A step repeated gives the same bytes; a replica means the same alone and in company; a resumed training ends like an
//! uninterrupted one.

#[path = "../library/support/mod.rs"]
mod support;

use apd::{
    components::Components,
    fit::{Divergence, Fit, Moment, Objective, Training},
    graph::Activation,
    method::{Decomposed, apd::ApdObjective},
    network::{Biases, Embedding, Network, Task},
    slices::slice,
    weights::Weights,
};
use support::{assert_close, components, inputs, residual_mlp, settings, tms, training, weights};
use tch::{Device, Tensor};

const NUMBER: usize = 12;
const RANK: usize = 4;

fn decomposition<'a>(network: &'a Network, weights: &'a Weights, seeds: &[u64]) -> ApdObjective<'a> {
    let components = components(network, NUMBER, RANK, seeds);
    ApdObjective::new(network, weights, vec![settings(NUMBER, RANK); seeds.len()], components)
}

fn fit<'a>(decomposition: &'a ApdObjective<'_>, network: &Network, seeds: &[u64]) -> Fit<'a> {
    Fit::new(decomposition, vec![training(60, 512); seeds.len()], inputs(network, seeds), Device::Cpu, 2)
}

fn bytes(components: &Components, network: &Network) -> Vec<u32> {
    let named = components.named(&network.sites());
    named.iter().flat_map(|(_, tensor)| slice(tensor)).map(|entry| entry.to_bits()).collect()
}

#[test]
fn one_step_two_hundred_times_on_two_threads_gives_the_same_bytes() {
    tch::set_num_threads(2);
    let seeds = [1, 2, 3];
    let network = tms(40, 10, 1);
    let weights = weights(&network, &seeds);
    let input = inputs(&network, &seeds).batch(0, 512, Device::Cpu);
    let step = || {
        let mut decomposition = decomposition(&network, &weights, &seeds);
        decomposition.add_gradients(Moment::before(0, 1), &input);
        let gradients = decomposition.parameters();
        gradients.iter().flat_map(|parameter| slice(&parameter.gradient)).map(|slope| slope.to_bits()).collect()
    };
    let first: Vec<u32> = step();
    assert!(first.iter().any(|bits| *bits != 0), "the step has a gradient");
    for repetition in 1..200 {
        assert!(step() == first, "repetition {repetition} differs");
    }
}

#[test]
fn one_step_of_a_target_a_hundred_times_on_two_threads_gives_the_same_bytes() {
    tch::set_num_threads(2);
    let seeds = [1, 2];
    let network = residual_mlp(2, Activation::Gelu, Biases::Both, Embedding::Trained);
    let weights = weights(&network, &seeds);
    let input = inputs(&network, &seeds).batch(0, 4096, Device::Cpu);
    let step = || {
        let mut task = Task::new(&network, weights.map(Tensor::copy), &seeds);
        task.add_gradients(Moment::before(0, 1), &input);
        let gradients = task.parameters();
        gradients.iter().flat_map(|parameter| slice(&parameter.gradient)).map(|slope| slope.to_bits()).collect()
    };
    let first: Vec<u32> = step();
    assert!(first.iter().any(|bits| *bits != 0), "the step has a gradient");
    for repetition in 1..100 {
        assert!(step() == first, "repetition {repetition} differs");
    }
}

#[test]
fn a_replica_alone_and_among_others_agrees_over_fifty_steps() {
    let network = tms(20, 5, 0);
    let all = [5, 6, 7];
    let together = weights(&network, &all);
    let company = decomposition(&network, &together, &all);
    let mut fit_company = fit(&company, &network, &all);
    (0..50).for_each(|_| drop(fit_company.advance()));
    for (replica, seed) in all.into_iter().enumerate() {
        let own = together.replica(replica);
        let alone = decomposition(&network, &own, &[seed]);
        let mut fit_alone = fit(&alone, &network, &[seed]);
        (0..50).for_each(|_| drop(fit_alone.advance()));
        let in_company = company.components().replica(replica).named(&network.sites());
        for ((name, among), (_, alone)) in in_company.iter().zip(alone.components().named(&network.sites())) {
            assert_close(&alone, among, 1e-4, &format!("{name} of seed {seed}"));
        }
    }
}

#[test]
fn a_resumed_training_ends_with_the_same_bytes_and_the_same_log() {
    let seeds = [1, 2];
    let network = tms(12, 4, 0);
    let weights = weights(&network, &seeds);
    let whole = decomposition(&network, &weights, &seeds);
    let mut fit_whole = fit(&whole, &network, &seeds);
    (0..60).for_each(|_| drop(fit_whole.advance()));
    let log = fit_whole.log().to_vec();

    let first = decomposition(&network, &weights, &seeds);
    let mut fit_first = fit(&first, &network, &seeds);
    (0..23).for_each(|_| drop(fit_first.advance()));
    let mut state = fit_first.state();
    assert_eq!(state.divergences, []);
    state.tensors.iter_mut().for_each(|(_, tensor)| *tensor = Tensor::copy(tensor));

    let second = decomposition(&network, &weights, &seeds);
    let mut fit_second = fit(&second, &network, &seeds);
    fit_second.resume(state).unwrap();
    (23..60).for_each(|_| drop(fit_second.advance()));
    assert_eq!(fit_second.log(), log);
    assert!(bytes(second.components(), &network) == bytes(whole.components(), &network));
}

#[test]
fn a_replica_that_diverges_stays_as_it_was_and_its_neighbours_end_with_the_bytes_they_had_without_it() {
    let seeds = [1, 2, 3];
    let network = tms(12, 4, 0);
    let weights = weights(&network, &seeds);
    let train = |learning_rates: [f64; 3]| {
        let decomposition = decomposition(&network, &weights, &seeds);
        let trainings = learning_rates.map(|learning_rate| Training { learning_rate, ..training(60, 512) });
        let mut fit = Fit::new(&decomposition, trainings.to_vec(), inputs(&network, &seeds), Device::Cpu, 1);
        while fit.step() < fit.steps() {
            fit.advance();
        }
        let divergences = fit.divergences().to_vec();
        let log: Vec<_> = fit.log().iter().map(|row| (row.replica, row.step, row.value.to_bits())).collect();
        let replica = |replica: usize| bytes(&decomposition.components().replica(replica), &network);
        (divergences, log, [0, 1, 2].map(replica))
    };
    let (none, whole_log, whole) = train([0.01; 3]);
    let (divergences, log, parts) = train([0.01, 1e12, 0.01]);
    assert_eq!(none, []);
    assert!(matches!(&divergences[..], [Divergence { replica: 1, .. }]), "{divergences:?}");
    let stopped = divergences[0].step;
    assert!(stopped < 60, "{divergences:?}");
    assert!(parts[1].iter().all(|bits| f32::from_bits(*bits).is_finite()), "the diverged replica is finite");
    assert!(parts[0] == whole[0] && parts[2] == whole[2], "the neighbours are as without it");
    let of_neighbours = |log: &[(usize, u64, u64)]| log.iter().copied().filter(|row| row.0 != 1).collect::<Vec<_>>();
    assert_eq!(of_neighbours(&log), of_neighbours(&whole_log));
    assert!(log.iter().all(|(replica, step, _)| *replica != 1 || *step <= stopped), "nothing is logged of it later");
}
