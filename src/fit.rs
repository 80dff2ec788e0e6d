//! The only training loop, for targets and components alike.
//!
//! An [`Objective`] adds up gradients and says what its terms are worth; the loop feeds it inputs, updates the
//! parameters, logs, and offers its state for saving. It knows no loss by name and no file.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::{
    inputs::Inputs,
    optimizer::{Adam, Fault, Parameter, Rate},
    profile::{Phase, phase},
    random::Purpose,
    schedule::Schedule,
    spec::TableReader,
    threads,
};

/// About how often the terms of a training are logged.
const LOGGED_STEPS: u64 = 200;

/// How much longer than a saving the time between two is at least, so that it takes less than 2 % of a training.
const PAUSE_FOR_SAVING: u32 = 60;

/// How many steps the lanes take at most before they meet: few enough for a swift answer to a request to stop.
const STEPS_TOGETHER: u64 = 10;

/// The settings of one training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Training {
    /// Number of updates.
    pub steps: u64,
    /// Number of samples in each step.
    pub batch: usize,
    /// Learning rate at the top of its schedule.
    pub learning_rate: f64,
    /// Share of the steps in which the learning rate rises from zero.
    pub warm_up: f64,
    /// Decoupled weight decay (Loshchilov and Hutter 2019); 0 is Adam.
    pub weight_decay: f64,
    pub schedule: Schedule,
}

impl Training {
    /// A constant learning rate from the first step on, unless the spec says otherwise.
    pub fn read(table: &mut TableReader, default_weight_decay: f64) -> Self {
        Self {
            steps: table.number("steps").at_least(1).at_most(1_000_000_000).such_as(5_000),
            batch: table.number("batch").at_least(1).at_most(10_000_000).such_as(2_048),
            learning_rate: table.number("learning_rate").above(0.0).such_as(0.005),
            warm_up: table.number("warm_up").at_least(0.0).below(1.0).or(0.0),
            weight_decay: table.number("weight_decay").at_least(0.0).or(default_weight_decay),
            schedule: table.choice("schedule").or(Schedule::Constant),
        }
    }
}

impl Training {
    /// The rate of the update at `step`.
    pub fn rate(&self, step: u64) -> Rate {
        let learning_rate = self.learning_rate * self.schedule.factor(step, self.steps, self.warm_up);
        Rate { learning_rate, weight_decay: self.weight_decay }
    }
}

/// What a training makes small.
pub trait Objective: Send {
    /// Everything that is trained, with the gradients that [`Objective::add_gradients`] adds to.
    fn parameters(&self) -> Vec<Parameter>;

    /// The objective of some of the replicas; it shares its tensors with this one.
    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_>;

    /// Whether its tensors are so small that libtorch's own threads would only wait for each other.
    fn is_small(&self) -> bool;

    /// Adds the gradient of the weighted terms at `input` [replica, sample, feature]; returns the terms if `logged`,
    /// because reading them costs time.
    fn add_gradients(&mut self, input: &Tensor, logged: bool) -> Vec<Term>;
}

/// One loss term of all replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub name: &'static str,
    /// What the term counts in the total, for every replica.
    pub coefficients: Vec<f64>,
    /// The unweighted term, for every replica.
    pub values: Vec<f64>,
}

impl Term {
    /// From a tensor `[replica]`.
    pub fn new(name: &'static str, coefficients: impl Iterator<Item = f64>, values: &Tensor) -> Self {
        let values = Vec::try_from(values.to_kind(tch::Kind::Double).to_device(Device::Cpu)).expect("one axis");
        Self { name, coefficients: coefficients.collect(), values }
    }
}

/// The weighted sum of all terms.
pub fn total(terms: &[Term]) -> Term {
    let replicas = terms.first().map_or(0, |term| term.values.len());
    let sum = |replica: usize| terms.iter().map(|term| term.coefficients[replica] * term.values[replica]).sum();
    Term { name: "total", coefficients: vec![1.0; replicas], values: (0..replicas).map(sum).collect() }
}

/// One number of the log of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    pub replica: usize,
    pub step: u64,
    pub term: String,
    pub value: f64,
}

/// Where the training of one replica ended before its time: its parameters are those before this step's update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    pub replica: usize,
    pub step: u64,
    /// The loss term that is not finite, or else the parameter with a value or derivative that is not, or too large.
    pub what: String,
}

/// What the inputs of a training are.
#[derive(Clone, Debug)]
pub struct InputStream {
    pub inputs: Inputs,
    pub features: usize,
    /// One for every replica.
    pub seeds: Vec<u64>,
    pub purpose: Purpose,
}

impl InputStream {
    /// The inputs of one step, [replica, sample, feature].
    pub fn batch(&self, step: u64, batch: usize, device: Device) -> Tensor {
        self.inputs.batch(&self.seeds, self.purpose, step, batch, self.features).to_device(device)
    }
}

/// Where a training stands: what an exact resume needs.
pub struct State {
    /// Number of updates made.
    pub step: u64,
    /// Parameters and moments under readable names.
    pub tensors: Vec<(String, Tensor)>,
    pub log: Vec<LogRow>,
    /// Replicas that are no longer trained.
    pub divergences: Vec<Divergence>,
}

/// Sees a training go by.
pub trait Observer {
    /// A training of `steps` begins at `first_step`.
    fn begin(&mut self, stage: &str, first_step: u64, steps: u64);
    /// A step is done; `terms` (means over replicas) come with logged ones.
    fn progress(&mut self, step: u64, terms: Option<&[(String, f64)]>);
    fn end(&mut self);
}

/// What surrounds a training: who watches, when it is to stop, and where its state is kept.
pub struct Surroundings<'a, E> {
    pub observer: &'a mut dyn Observer,
    pub stop: &'a dyn Fn() -> bool,
    pub save: &'a mut dyn FnMut(&State) -> Result<(), E>,
    /// How long a state may be old; longer where saving would take too large a share of the time. Zero saves always.
    pub save_every: Duration,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Finished,
    /// On request, after this many steps, its state saved.
    Stopped {
        step: u64,
    },
}

/// A training under way: replicas in lock-step, each with its own settings.
///
/// Replicas do not touch each other, so on the CPU they are spread over the threads: each lane takes its replicas
/// through some steps before the lanes meet again.
pub struct Fit<'a> {
    objective: &'a dyn Objective,
    trainings: Vec<Training>,
    inputs: InputStream,
    device: Device,
    lanes: Vec<Lane<'a>>,
    steps: u64,
    /// Of all replicas; the lanes' are views of it.
    optimizer: Adam,
    step: u64,
    log: Vec<LogRow>,
    divergences: Vec<Divergence>,
}

/// How long to train on after a saving that took so long.
fn pause_after(saving: Duration, save_every: Duration) -> Duration {
    if save_every.is_zero() { save_every } else { save_every.max(saving * PAUSE_FOR_SAVING) }
}

/// Some replicas that go through their steps on one thread.
struct Lane<'a> {
    replicas: Range<usize>,
    /// Those of them that are still trained, in strips without a gap.
    strips: Vec<Strip<'a>>,
    /// Number of steps done.
    step: u64,
}

/// Neighbouring replicas whose tensors are one.
struct Strip<'a> {
    objective: Box<dyn Objective + 'a>,
    first_replica: usize,
    trainings: Vec<Training>,
    inputs: InputStream,
    device: Device,
    optimizer: Adam,
    /// Those whose terms were not finite.
    divergences: Vec<Divergence>,
}

/// The terms of a logged step, of a strip that begins with this replica.
type StripTerms = (usize, Vec<Term>);

impl Lane<'_> {
    /// Up to the step `last`, or to one after which a replica is no longer to be trained; the terms of `last` if it was
    /// reached and is logged.
    fn advance(&mut self, last: u64, logged: bool) -> Vec<StripTerms> {
        let mut terms = Vec::new();
        while self.step <= last {
            let logged = logged && self.step == last;
            let step = self.step;
            terms = self.strips.iter_mut().map(|strip| (strip.first_replica, strip.advance(step, logged))).collect();
            self.step += 1;
            if self.strips.iter().any(Strip::has_fault_at_hand) {
                break;
            }
        }
        if logged && self.step > last { terms } else { Vec::new() }
    }

    /// The replicas that are no longer updated. Waits for the device.
    fn take_divergences(&mut self) -> Vec<Divergence> {
        self.strips.iter_mut().flat_map(Strip::take_divergences).collect()
    }
}

impl Strip<'_> {
    /// One step; its terms if it is logged.
    fn advance(&mut self, step: u64, logged: bool) -> Vec<Term> {
        let input = phase(Phase::Inputs, || self.inputs.batch(step, self.trainings[0].batch, self.device));
        let mut terms = self.objective.add_gradients(&input, logged);
        if logged {
            terms.push(total(&terms));
            for replica in 0..self.trainings.len() {
                if let Some(what) = not_finite(&terms, replica) {
                    self.optimizer.halt(replica, step + 1);
                    self.divergences.push(Divergence { replica: self.first_replica + replica, step, what });
                }
            }
        }
        let rates: Vec<Rate> = self.trainings.iter().map(|training| training.rate(step)).collect();
        phase(Phase::Update, || self.optimizer.update(step + 1, &rates));
        terms
    }

    /// Whether a fault is known of without waiting for the device.
    fn has_fault_at_hand(&self) -> bool {
        !self.device.is_cuda() && self.optimizer.has_fault()
    }

    fn take_divergences(&mut self) -> Vec<Divergence> {
        let mut found = std::mem::take(&mut self.divergences);
        for Fault { replica, update, parameter } in self.optimizer.faults() {
            let step = update - 1;
            let known = self.first_replica + replica;
            if found.iter().all(|divergence| divergence.replica != known) {
                let what = self.failing_term(replica, step).unwrap_or(parameter);
                found.push(Divergence { replica: known, step, what });
            }
        }
        found
    }

    /// The loss term of one replica that is not finite at the step that was not made.
    fn failing_term(&mut self, replica: usize, step: u64) -> Option<String> {
        let alone = replica..replica + 1;
        let inputs = InputStream { seeds: self.inputs.seeds[alone.clone()].to_vec(), ..self.inputs.clone() };
        let input = inputs.batch(step, self.trainings[0].batch, self.device);
        let terms = self.objective.of_replicas(alone.clone()).add_gradients(&input, true);
        self.optimizer.of_replicas(alone).clear_gradients();
        not_finite(&terms, 0)
    }
}

/// The name of a term of the replica that is not finite.
fn not_finite(terms: &[Term], replica: usize) -> Option<String> {
    terms.iter().find(|term| !term.values[replica].is_finite()).map(|term| term.name.to_string())
}

impl<'a> Fit<'a> {
    /// A training from its first step on `threads` threads.
    pub fn new(
        objective: &'a dyn Objective,
        trainings: Vec<Training>,
        inputs: InputStream,
        device: Device,
        threads: usize,
    ) -> Self {
        assert_eq!(trainings.len(), inputs.seeds.len(), "every replica has its settings and its seed");
        let shape = |training: &Training| (training.steps, training.batch);
        assert!(trainings.iter().all(|training| shape(training) == shape(&trainings[0])), "replicas go in lock-step");
        let optimizer = Adam::new(objective.parameters());
        let replicas = trainings.len();
        let lanes = if device.is_cuda() { 1 } else { threads.min(replicas) };
        threads::give_each_lane(threads / lanes, objective.is_small());
        let lane = |number: usize| Lane {
            replicas: replicas * number / lanes..replicas * (number + 1) / lanes,
            strips: Vec::new(),
            step: 0,
        };
        let mut fit = Self {
            objective,
            steps: trainings[0].steps,
            trainings,
            inputs,
            device,
            lanes: (0..lanes).map(lane).collect(),
            optimizer,
            step: 0,
            log: Vec::new(),
            divergences: Vec::new(),
        };
        (0..lanes).for_each(|lane| fit.lay_strips(lane));
        fit
    }

    /// Gives a lane those of its replicas that are still trained.
    fn lay_strips(&mut self, lane: usize) {
        let is_trained = |replica: &usize| self.divergences.iter().all(|divergence| divergence.replica != *replica);
        let trained: Vec<usize> = self.lanes[lane].replicas.clone().filter(is_trained).collect();
        let strip = |replicas: &[usize]| {
            let replicas = replicas[0]..replicas[replicas.len() - 1] + 1;
            Strip {
                objective: self.objective.of_replicas(replicas.clone()),
                first_replica: replicas.start,
                trainings: self.trainings[replicas.clone()].to_vec(),
                inputs: InputStream { seeds: self.inputs.seeds[replicas.clone()].to_vec(), ..self.inputs.clone() },
                device: self.device,
                optimizer: self.optimizer.of_replicas(replicas),
                divergences: Vec::new(),
            }
        };
        self.lanes[lane].strips = trained.chunk_by(|left, right| left + 1 == *right).map(strip).collect();
    }

    /// Trains no further the replicas that are no longer updated. Waits for the device.
    fn part_with_diverged(&mut self) {
        for lane in 0..self.lanes.len() {
            let found = self.lanes[lane].take_divergences();
            if found.is_empty() {
                continue;
            }
            for Divergence { replica, step, what } in &found {
                tracing::warn!(
                    "replica {replica} has diverged at step {step} ({what}): it stays as it was before, the others go on"
                );
            }
            self.divergences.extend(found);
            self.lay_strips(lane);
        }
        self.divergences.sort_by_key(|divergence| divergence.replica);
    }

    /// Goes on from a saved state; says what is wrong with it otherwise.
    pub fn resume(&mut self, state: State) -> Result<(), String> {
        if state.step > self.steps() {
            return Err(format!("it is at step {} of {}", state.step, self.steps()));
        }
        self.optimizer.restore(&state.tensors)?;
        (self.step, self.log, self.divergences) = (state.step, state.log, state.divergences);
        for lane in 0..self.lanes.len() {
            self.lanes[lane].step = self.step;
            self.lay_strips(lane);
        }
        Ok(())
    }

    /// Trains to the end or until asked to stop.
    pub fn run<E>(&mut self, stage: &str, surroundings: Surroundings<'_, E>) -> Result<End, E> {
        let Surroundings { observer, stop, save, save_every } = surroundings;
        observer.begin(stage, self.step, self.steps());
        let mut saved = Instant::now();
        let mut pause = save_every;
        while self.step < self.steps() {
            if stop() {
                observer.end();
                self.part_with_diverged();
                save(&self.state())?;
                return Ok(End::Stopped { step: self.step });
            }
            let means = self.advance();
            observer.progress(self.step, means.as_deref());
            if saved.elapsed() > pause {
                let begun = Instant::now();
                self.part_with_diverged();
                save(&self.state())?;
                saved = Instant::now();
                pause = pause_after(saved - begun, save_every);
            }
        }
        observer.end();
        Ok(End::Finished)
    }

    /// Steps up to the next logged one, or fewer; the terms' means over replicas if the last step is logged.
    pub fn advance(&mut self) -> Option<Vec<(String, f64)>> {
        assert!(self.step < self.steps, "the training has ended");
        let first = self.step;
        let last = (first..first + STEPS_TOGETHER).find(|&step| self.is_logged(step));
        let last = last.unwrap_or(first + STEPS_TOGETHER - 1);
        let logged = self.is_logged(last);
        let mut terms: Vec<Vec<StripTerms>> = self.lanes.iter().map(|_| Vec::new()).collect();
        while self.lanes.iter().any(|lane| lane.step <= last) {
            let passed = threads::side_by_side(&mut self.lanes, |lane| lane.advance(last, logged));
            terms.iter_mut().zip(passed).for_each(|(terms, passed)| terms.extend(passed));
            if logged || !self.device.is_cuda() {
                self.part_with_diverged();
            }
        }
        self.step = last + 1;
        logged.then(|| self.record(last, &terms))
    }

    /// The last step is logged, so that no training goes on beyond it.
    fn is_logged(&self, step: u64) -> bool {
        step.is_multiple_of((self.steps / LOGGED_STEPS).max(1)) || step + 1 == self.steps
    }

    /// Puts the terms of all lanes into the log; returns their means over the replicas where they are finite.
    fn record(&mut self, step: u64, lanes: &[Vec<StripTerms>]) -> Vec<(String, f64)> {
        let mut sums: Vec<(&str, f64, usize)> = Vec::new();
        for strips in lanes {
            let names = strips.first().map_or(0, |(_, terms)| terms.len());
            for number in 0..names {
                for (first_replica, terms) in strips {
                    let Term { name, values, .. } = &terms[number];
                    if sums.len() <= number {
                        sums.push((name, 0.0, 0));
                    }
                    for (replica, &value) in (*first_replica..).zip(values) {
                        if value.is_finite() {
                            sums[number].1 += value;
                            sums[number].2 += 1;
                        }
                        self.log.push(LogRow { replica, step, term: name.to_string(), value });
                    }
                }
            }
        }
        sums.into_iter().map(|(name, sum, replicas)| (name.to_string(), sum / replicas as f64)).collect()
    }

    /// Number of updates made.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Number of updates of the whole training.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// On how many threads replicas go side by side.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The replicas that are no longer trained, by number.
    pub fn divergences(&self) -> &[Divergence] {
        &self.divergences
    }

    pub fn log(&self) -> &[LogRow] {
        &self.log
    }

    pub fn state(&self) -> State {
        let (log, divergences) = (self.log.clone(), self.divergences.clone());
        State { step: self.step, tensors: self.optimizer.state(), log, divergences }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn savings_that_take_long_are_rare_unless_every_state_is_wanted() {
        let (every, quick, slow) = (Duration::from_secs(20), Duration::from_millis(5), Duration::from_secs(2));
        assert_eq!(pause_after(quick, every), every);
        assert!(pause_after(slow, every) >= 49 * slow, "less than 2 % of the time");
        assert_eq!(pause_after(slow, Duration::ZERO), Duration::ZERO);
    }
}
