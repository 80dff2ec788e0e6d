//! The only training loop, for targets and components alike.
//!
//! An [`Objective`] adds up gradients and says what its terms are worth; the loop feeds it inputs, updates the
//! parameters, logs, and offers its state for saving. It knows no loss by name and no file.

mod ahead;
mod state;

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use ahead::InputsAhead;
use schemars::JsonSchema;
use serde::Serialize;
pub use state::{Divergence, State};
use tch::{Device, Tensor};

use crate::{
    inputs::Inputs,
    kernel::threads,
    optimizer::{Adam, Fault, Group, Parameter, Rate, restore},
    profile::{Phase, phase},
    random::Purpose,
    schedule::Schedule,
    settings::TableReader,
    table::TrainingRow,
};

/// About how often the terms of a training are logged.
const LOGGED_STEPS: u64 = 200;

/// How much longer than a saving the time between two is at least, so that it takes less than 2 % of a training.
const PAUSE_FOR_SAVING: u32 = 60;

/// For how long the lanes go before they meet, about: long enough that waiting for the last one takes little of it, short
/// enough for a swift answer to a request to stop.
const TIME_TOGETHER: Duration = Duration::from_millis(400);

/// The settings of one training.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Training {
    /// Number of updates.
    pub steps: u64,
    /// Number of samples in each step.
    pub batch: usize,
    /// Learning rate at the top of its schedule.
    pub learning_rate: f64,
    /// Share of the steps, the first ones, over which the learning rate rises linearly from zero.
    pub warm_up: f64,
    /// Decoupled weight decay (AdamW; Loshchilov and Hutter 2019); with 0 the optimizer is Adam.
    pub weight_decay: f64,
    /// How the learning rate changes after the warm-up: by this factor at step s of the n steps after it.
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

    /// The groups that the parameters belong to, for so many replicas.
    fn groups(&self, replicas: usize) -> Vec<Group> {
        vec![Group::plain(replicas)]
    }

    /// What steps change and no optimizer moves, such as an adversary's own moments, under names of its own, [replica, ...] each;
    /// [`Objective::of_replicas`] shares its storage. An exact resume overwrites it.
    fn state(&self) -> Vec<(String, Tensor)> {
        Vec::new()
    }

    /// The objective of some of the replicas; it shares its tensors with this one.
    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_>;

    /// Whether its tensors are so small that libtorch's own threads would only wait for each other.
    fn is_small(&self) -> bool;

    /// Adds the gradient of the weighted terms at `input` [replica, sample, feature]; returns the terms if the moment is
    /// logged, because reading them costs time.
    fn add_gradients(&mut self, moment: Moment, input: &Tensor) -> Vec<Term>;

    /// How many rank-one parts of each component, counted from the first, have had a gradient up to this moment; `None`: all.
    fn parts_with_gradient(&self, _moment: Moment) -> Option<usize> {
        None
    }
}

/// Where a training stands when gradients are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Number of updates made.
    pub step: u64,
    /// Number of updates of the whole training.
    pub steps: u64,
    /// Whether the terms are read.
    pub logged: bool,
}

impl Moment {
    /// Before the update of `step`, which is not logged.
    pub fn before(step: u64, steps: u64) -> Self {
        Self { step, steps, logged: false }
    }

    /// The same, logged.
    pub fn logged(self) -> Self {
        Self { logged: true, ..self }
    }
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

/// Sees a training go by.
pub trait Observer {
    /// A training of `steps` begins at `first_step`.
    fn begin(&mut self, stage: &str, first_step: u64, steps: u64);
    /// A step is done; `terms` (means over replicas) come with logged ones.
    fn progress(&mut self, step: u64, terms: Option<&[(String, f64)]>);
    fn end(&mut self);
}

/// What surrounds a training: how far it is to go now, who watches, when it is to stop, and where its state is kept.
pub struct Surroundings<'a, E> {
    /// Number of updates made by then; not more than the training has.
    pub until: u64,
    pub observer: &'a mut dyn Observer,
    pub stop: &'a dyn Fn() -> bool,
    pub save: &'a mut dyn FnMut(&State) -> Result<(), E>,
    /// How long a state may be old; longer where saving would take too large a share of the time. Zero saves always.
    pub save_every: Duration,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As far as it was to go.
    Finished,
    /// On request, after this many steps, its state saved.
    Stopped { step: u64 },
}

/// A training under way: replicas in lock-step, each with its own settings.
///
/// Replicas do not touch each other, so on the CPU they are spread over the threads in lanes: each takes its replicas
/// through some steps before the lanes meet again. One that diverges stays in its lane, no longer updated: without it
/// products over the lane's replicas might be summed in another order, and its neighbours end with other bytes.
pub struct Fit<'a> {
    lanes: Vec<Lane<'a>>,
    threads: usize,
    steps: u64,
    /// How many steps the lanes take before they meet, unless one is logged.
    steps_together: u64,
    /// Of all replicas; the lanes' are views of it.
    optimizer: Adam,
    /// The objective's, of all replicas; the lanes' are views of it.
    beside_parameters: Vec<(String, Tensor)>,
    step: u64,
    log: Vec<TrainingRow>,
    /// By replica.
    divergences: Vec<Divergence>,
    /// What each replica is called.
    names: Vec<String>,
}

/// How long to train on after a saving that took so long.
fn pause_after(saving: Duration, save_every: Duration) -> Duration {
    if save_every.is_zero() { save_every } else { save_every.max(saving * PAUSE_FOR_SAVING) }
}

/// Some replicas that go through their steps on one thread.
struct Lane<'a> {
    objective: Box<dyn Objective + 'a>,
    first_replica: usize,
    trainings: Vec<Training>,
    inputs: InputStream,
    /// Of a device that works by itself, once the first are wanted.
    ahead: Option<InputsAhead>,
    /// That make inputs ahead.
    threads: usize,
    device: Device,
    optimizer: Adam,
    /// What is known of those of its replicas that are no longer updated.
    divergences: Vec<Divergence>,
}

impl Lane<'_> {
    /// One step; its terms and their total if it is logged.
    fn advance(&mut self, step: u64, logged: bool) -> Vec<Term> {
        let input = phase(Phase::Inputs, || self.input(step));
        let moment = Moment { step, steps: self.trainings[0].steps, logged };
        let mut terms = self.objective.add_gradients(moment, &input);
        if logged {
            terms.push(total(&terms));
            self.notice_faults();
            for replica in 0..self.trainings.len() {
                if let Some(what) = not_finite(&terms, replica) {
                    self.halt(Divergence { replica: self.first_replica + replica, step, what });
                }
            }
        }
        let rates: Vec<Rate> = self.trainings.iter().map(|training| training.rate(step)).collect();
        self.optimizer.expect_parts(self.objective.parts_with_gradient(moment));
        phase(Phase::Update, || self.optimizer.update(step + 1, &rates));
        terms
    }

    fn input(&mut self, step: u64) -> Tensor {
        let Training { steps, batch, .. } = self.trainings[0];
        let Self { inputs, device, threads, .. } = self;
        if !device.is_cuda() {
            return inputs.batch(step, batch, *device);
        }
        let begin = || InputsAhead::new(inputs, step, steps, batch, *device, *threads);
        self.ahead.get_or_insert_with(begin).batch(step)
    }

    fn is_known(&self, replica: usize) -> bool {
        self.divergences.iter().any(|divergence| divergence.replica == replica)
    }

    /// Updates a replica no more, unless that is so already.
    fn halt(&mut self, divergence: Divergence) {
        if !self.is_known(divergence.replica) {
            self.optimizer.halt(divergence.replica - self.first_replica, divergence.step + 1);
            self.divergences.push(divergence);
        }
    }

    /// Asks the optimizer which replicas it no longer updates. Waits for the device.
    fn notice_faults(&mut self) {
        for Fault { replica, update, parameter } in self.optimizer.faults() {
            let replica = self.first_replica + replica;
            if !self.is_known(replica) {
                self.divergences.push(Divergence { replica, step: update - 1, what: parameter });
            }
        }
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
        let optimizer = Adam::of_groups(objective.parameters(), objective.groups(trainings.len()));
        let names = inputs.seeds.iter().enumerate().map(|(replica, seed)| format!("replica {replica} (seed {seed})"));
        let names = names.collect();
        let replicas = trainings.len();
        let lanes = if device.is_cuda() || threads == 1 { 1 } else { threads::lanes(replicas, threads) };
        threads::give_each_lane(threads / lanes, objective.is_small());
        let lane = |number: usize| {
            let replicas = replicas * number / lanes..replicas * (number + 1) / lanes;
            Lane {
                objective: objective.of_replicas(replicas.clone()),
                first_replica: replicas.start,
                trainings: trainings[replicas.clone()].to_vec(),
                inputs: InputStream { seeds: inputs.seeds[replicas.clone()].to_vec(), ..inputs.clone() },
                ahead: None,
                threads,
                device,
                optimizer: optimizer.of_replicas(replicas),
                divergences: Vec::new(),
            }
        };
        Self {
            lanes: (0..lanes).map(lane).collect(),
            threads,
            steps: trainings[0].steps,
            steps_together: 1,
            optimizer,
            beside_parameters: objective.state(),
            step: 0,
            log: Vec::new(),
            divergences: Vec::new(),
            names,
        }
    }

    /// Calls each replica by a name that its user knows, where its number among those trained together is not one.
    pub fn name_replicas(&mut self, names: Vec<String>) {
        assert_eq!(names.len(), self.names.len(), "every replica has a name");
        self.names = names;
    }

    /// Goes on from a saved state; says what is wrong with it otherwise.
    pub fn resume(&mut self, state: State) -> Result<(), String> {
        if state.step > self.steps() {
            return Err(format!("it is at step {} of {}", state.step, self.steps()));
        }
        let shared = |(name, tensor): &(String, Tensor)| (name.clone(), tensor.shallow_clone());
        restore(self.beside_parameters.iter().map(shared).collect(), &state.tensors)?;
        self.optimizer.restore(&state.tensors)?;
        (self.step, self.log, self.divergences) = (state.step, state.log, state.divergences);
        for lane in &mut self.lanes {
            let replicas = lane.first_replica..lane.first_replica + lane.trainings.len();
            lane.optimizer = self.optimizer.of_replicas(replicas.clone());
            lane.ahead = None;
            lane.divergences.clear();
            let of_lane = self.divergences.iter().filter(|divergence| replicas.contains(&divergence.replica));
            of_lane.for_each(|divergence| lane.halt(divergence.clone()));
        }
        Ok(())
    }

    /// Waits for the device.
    fn notice_divergences(&mut self) {
        self.lanes.iter_mut().for_each(Lane::notice_faults);
        let mut found: Vec<Divergence> = self.lanes.iter().flat_map(|lane| lane.divergences.clone()).collect();
        found.sort_by_key(|divergence| divergence.replica);
        self.divergences = found;
    }

    /// Warns of the replicas that have diverged since the last time.
    fn tell_divergences(&self, told: &mut Vec<Divergence>) {
        for Divergence { replica, step, what } in self.divergences.iter().filter(|found| !told.contains(found)) {
            let name = &self.names[*replica];
            tracing::warn!(
                "{name} has diverged at step {step} ({what}): it stays as it was before and is trained no further"
            );
        }
        told.clone_from(&self.divergences);
    }

    /// Trains as far as it is to go or until asked to stop.
    pub fn run<E>(&mut self, stage: &str, surroundings: Surroundings<'_, E>) -> Result<End, E> {
        let Surroundings { until, observer, stop, save, save_every } = surroundings;
        observer.begin(stage, self.step, self.steps());
        let mut saved = Instant::now();
        let mut pause = save_every;
        let mut told = self.divergences.clone();
        while self.step < until {
            if stop() {
                observer.end();
                self.notice_divergences();
                self.tell_divergences(&mut told);
                save(&self.state())?;
                return Ok(End::Stopped { step: self.step });
            }
            let means = self.advance_towards(until);
            self.tell_divergences(&mut told);
            observer.progress(self.step, means.as_deref());
            if saved.elapsed() > pause {
                let begun = Instant::now();
                self.notice_divergences();
                save(&self.state())?;
                saved = Instant::now();
                pause = pause_after(saved - begun, save_every);
            }
        }
        observer.end();
        Ok(End::Finished)
    }

    /// Some steps; the terms' means over replicas if the last of them is logged.
    pub fn advance(&mut self) -> Option<Vec<(String, f64)>> {
        self.advance_towards(self.steps)
    }

    /// Steps up to the next logged one, or fewer, and not beyond `until`; the terms' means over replicas if the last step is
    /// logged.
    fn advance_towards(&mut self, until: u64) -> Option<Vec<(String, f64)>> {
        let first = self.step;
        assert!(first < until && until <= self.steps, "the training goes from {first} to {until} of {}", self.steps);
        let end = until.min(first + self.steps_together);
        let last = (first..end).find(|&step| self.is_logged(step)).unwrap_or(end - 1);
        let logged = self.is_logged(last);
        let begun = Instant::now();
        let terms = threads::side_by_side(&mut self.lanes, self.threads, first..last + 1, |lane, step| {
            lane.advance(step, logged && step == last)
        });
        self.step = last + 1;
        let of_step = begun.elapsed().as_secs_f64() / (self.step - first) as f64;
        self.steps_together = (TIME_TOGETHER.as_secs_f64() / of_step) as u64 + 1;
        if logged || !self.lanes[0].device.is_cuda() {
            self.notice_divergences();
        }
        logged.then(|| self.record(last, &terms))
    }

    /// The last step is logged, so that no training goes on beyond it.
    fn is_logged(&self, step: u64) -> bool {
        step.is_multiple_of((self.steps / LOGGED_STEPS).max(1)) || step + 1 == self.steps
    }

    /// Puts the terms of all lanes into the log, except of replicas that had diverged before; returns their means over the
    /// replicas where they are finite.
    fn record(&mut self, step: u64, lanes: &[Vec<Term>]) -> Vec<(String, f64)> {
        let gone = |replica: usize| self.divergences.iter().any(|found| found.replica == replica && found.step < step);
        let mut means = Vec::new();
        for number in 0..lanes[0].len() {
            let name = lanes[0][number].name;
            let mut finite = Vec::new();
            for (lane, terms) in self.lanes.iter().zip(lanes) {
                for (replica, &value) in (lane.first_replica..).zip(&terms[number].values) {
                    if !gone(replica) {
                        self.log.push(TrainingRow { replica, step, term: name.to_string(), value });
                        finite.extend(value.is_finite().then_some(value));
                    }
                }
            }
            means.push((name.to_string(), finite.iter().sum::<f64>() / finite.len() as f64));
        }
        means
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
    pub fn threads(&self) -> usize {
        self.lanes.len().min(self.threads)
    }

    /// The replicas that are no longer trained, by number.
    pub fn divergences(&self) -> &[Divergence] {
        &self.divergences
    }

    pub fn log(&self) -> &[TrainingRow] {
        &self.log
    }

    pub fn state(&self) -> State {
        let (log, divergences) = (self.log.clone(), self.divergences.clone());
        let beside = self.beside_parameters.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
        let tensors = self.optimizer.state().into_iter().chain(beside).collect();
        State { step: self.step, tensors, log, divergences }
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
