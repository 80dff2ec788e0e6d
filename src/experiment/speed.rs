//! How long a pack's training takes, from a few steps of it.

use std::time::Instant;

use tch::Device;

use super::pack::{inputs, joint, trainings, untrained};
use crate::{fit::Fit, method::Method, spec::Spec, weights::Weights};

/// Seconds for the training of the components of a pack of these experiments on so many threads: measured over a few
/// steps, on random networks of the same shape. Neither targets nor measurements are in it. Components that grow are taken to
/// be whole from the beginning, so that it is too long for them rather than too short.
pub fn seconds_of_training(specs: &[&Spec], device: Device, threads: usize) -> f64 {
    let mut specs: Vec<Spec> = specs.iter().map(|&spec| spec.clone()).collect();
    for Spec { method: Method::Apd(apd), .. } in &mut specs {
        apd.rank_growth = 0.0;
    }
    let specs: Vec<&Spec> = specs.iter().collect();
    let joint = joint(specs.iter().copied());
    let network = &joint.target.network;
    let random = || joint.target.initial_values.map(|rule| Weights::random(network, rule, &joint.seeds));
    let weights = network.constructed(&joint.seeds).or_else(random).expect("a network is constructed or trained");
    let decomposition = untrained(&specs, network, &weights.to_device(device), device);
    let mut fit = Fit::new(&decomposition, trainings(&specs), inputs(&joint), device, threads);
    // The first step also pays for memory and caches, so it is not counted unless there is no other.
    let mut seconds_of_step = 0.0;
    for _ in 0..2 {
        if fit.step() < fit.steps() {
            let (first, begun) = (fit.step(), Instant::now());
            fit.advance();
            seconds_of_step = begun.elapsed().as_secs_f64() / (fit.step() - first) as f64;
        }
    }
    seconds_of_step * joint.decomposition.steps as f64
}
