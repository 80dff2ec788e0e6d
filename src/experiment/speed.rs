//! How long trainings take, from a few steps of them.

use std::time::{Duration, Instant};

use tch::{Cuda, Device};

use super::{
    Place,
    pack::{inputs, joint, trainings, untrained},
    targets,
};
use crate::{
    fit::{Fit, InputStream, Moment},
    method::Method,
    network::{Network, Task},
    random::Purpose,
    run::{RunError, RunFolder},
    spec::Spec,
    weights::Weights,
};

/// For how long steps of one kind are watched, so many times at least, unless that takes too long.
const WATCHED: Duration = Duration::from_millis(500);
const LOOKS: usize = 5;
const WATCHED_AT_MOST: Duration = Duration::from_millis(1_500);

/// Steps over whose costs a training with growing components is summed up.
const SUPPORTS: u64 = 200;

/// Samples of a measurement beside those that the spec asks for: the rate-distortion curve has about twenty points on 4,096
/// samples each, of which only the forward pass is computed, less than half of a step.
const SAMPLES_OF_CURVES: usize = 10 * 4_096;

/// What an experiment still takes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds {
    pub targets: f64,
    pub components: f64,
    pub measurements: f64,
}

impl Seconds {
    pub fn total(&self) -> f64 {
        self.targets + self.components + self.measurements
    }
}

/// How long the rest of the experiment takes on so many threads: what is trained already, and the steps behind its
/// checkpoints, are not in it. Measured over a few steps; makes nothing.
pub fn seconds_of_experiment(spec: &Spec, place: &Place, threads: usize) -> Result<Seconds, RunError> {
    let targets = seconds_of_targets(spec, place, threads)?;
    let path = RunFolder::locate(place.results, &spec.name, &spec.hash(), place.force)?;
    let done = RunFolder::at(path).checkpoints().newest_step().unwrap_or(0);
    let pace = Pace::measure(&[spec], place.device, threads);
    Ok(Seconds { targets, components: pace.seconds_from(done), measurements: pace.seconds_of_measurements(spec) })
}

/// How long a pack of these experiments takes from its beginning on so many threads, but for its targets: measured over a few
/// steps, on random networks of the same shape.
pub fn seconds_of_pack(specs: &[&Spec], device: Device, threads: usize) -> Seconds {
    let pace = Pace::measure(specs, device, threads);
    Seconds { targets: 0.0, components: pace.seconds_from(0), measurements: pace.seconds_of_measurements(specs[0]) }
}

/// How long the training of the targets still takes that are not there yet.
pub fn seconds_of_targets(spec: &Spec, place: &Place, threads: usize) -> Result<f64, RunError> {
    let missing = targets::missing(spec, place.results)?;
    let (Some(leader), Some(rule), Some(training)) =
        (missing.first(), spec.target.initial_values, &spec.target.training)
    else {
        // All there, or to be constructed, which takes no time.
        return Ok(0.0);
    };
    let seeds: Vec<u64> = missing.iter().map(|folder| folder.seed()).collect();
    let done = targets::checkpoints_of(leader, &seeds).newest_step().unwrap_or(0);
    let network = &spec.target.network;
    let task = Task::new(network, Weights::random(network, rule, &seeds).to_device(place.device), &seeds);
    let inputs = InputStream {
        inputs: spec.target.inputs.clone(),
        features: network.features(),
        seeds: seeds.clone(),
        purpose: Purpose::TargetInputs,
    };
    let mut fit = Fit::new(&task, vec![training.clone(); seeds.len()], inputs, place.device, threads);
    Ok(seconds_of_step(&mut fit, place.device) * training.steps.saturating_sub(done) as f64)
}

/// What a step of a training of components takes, in seconds.
struct Pace<'a> {
    method: &'a Method,
    steps: u64,
    /// Before what is trained has grown.
    at_first: f64,
    grown: f64,
}

impl<'a> Pace<'a> {
    fn measure(specs: &[&'a Spec], device: Device, threads: usize) -> Self {
        let method = &specs[0].method;
        let grows = method.without_growth().is_some();
        let at_first = grows.then(|| seconds_of_first_steps(specs, device, threads));
        let mut whole: Vec<Spec> = specs.iter().map(|&spec| spec.clone()).collect();
        for spec in &mut whole {
            spec.method = spec.method.without_growth().unwrap_or_else(|| spec.method.clone());
        }
        let grown = seconds_of_first_steps(&whole.iter().collect::<Vec<_>>(), device, threads);
        Self { method, steps: specs[0].decomposition.steps, at_first: at_first.unwrap_or(grown), grown }
    }

    /// A sample is measured at about the cost that it has in a step.
    fn seconds_of_measurements(&self, spec: &Spec) -> f64 {
        let samples = spec.measurement.samples + SAMPLES_OF_CURVES;
        samples.div_ceil(spec.decomposition.batch) as f64 * self.grown
    }

    /// For the steps after this one.
    fn seconds_from(&self, done: u64) -> f64 {
        let left = self.steps.saturating_sub(done);
        let of_step = |step: u64| {
            let share = self.method.grown(Moment::before(step, self.steps));
            self.at_first + share * (self.grown - self.at_first)
        };
        let supports = SUPPORTS.min(left);
        let sum: f64 = (0..supports).map(|support| of_step(done + left * support / supports)).sum();
        if supports == 0 { 0.0 } else { sum / supports as f64 * left as f64 }
    }
}

/// A step at the beginning of the training of these, on random networks of the same shape.
fn seconds_of_first_steps(specs: &[&Spec], device: Device, threads: usize) -> f64 {
    let joint = joint(specs.iter().copied());
    let network: &Network = &joint.target.network;
    let random = || joint.target.initial_values.map(|rule| Weights::random(network, rule, &joint.seeds));
    let weights = network.constructed(&joint.seeds).or_else(random).expect("a network is constructed or trained");
    let decomposition = untrained(specs, network, &weights.to_device(device), device);
    let mut fit = Fit::new(&*decomposition, trainings(specs), inputs(&joint), device, threads);
    seconds_of_step(&mut fit, device)
}

/// What a step takes once memory and caches are paid for: the median, which a moment of other processes does not move.
fn seconds_of_step(fit: &mut Fit, device: Device) -> f64 {
    let mut times = Vec::new();
    let begun = Instant::now();
    while fit.step() < fit.steps() && !is_enough(times.len(), begun.elapsed()) {
        let (first, begun) = (fit.step(), Instant::now());
        fit.advance();
        if let Device::Cuda(index) = device {
            Cuda::synchronize(index as i64);
        }
        times.push(begun.elapsed().as_secs_f64() / (fit.step() - first) as f64);
    }
    if times.len() > 1 {
        times.remove(0);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

fn is_enough(looks: usize, time: Duration) -> bool {
    (looks >= LOOKS && time >= WATCHED) || time >= WATCHED_AT_MOST
}
