//! The only training loop, for targets and components alike.
//!
//! An [`Objective`] adds up gradients and says what its terms are worth; the loop feeds it inputs, updates the
//! parameters, logs, and offers its state for saving. It knows no loss by name and no file.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::{
    inputs::Inputs,
    optimizer::{Adam, Parameter, Rate},
    random::Purpose,
    schedule::Schedule,
    spec::TableReader,
};

/// About how often the terms of a training are logged.
const LOGGED_STEPS: u64 = 200;

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
pub trait Objective {
    /// Everything that is trained, with the gradients that [`Objective::add_gradients`] adds to.
    fn parameters(&self) -> Vec<Parameter>;

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
    /// From a tensor [replica].
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
    /// How long a state may be old.
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
pub struct Fit<'a> {
    objective: &'a mut dyn Objective,
    /// One for every replica; equal in steps and batch.
    trainings: Vec<Training>,
    inputs: InputStream,
    device: Device,
    optimizer: Adam,
    step: u64,
    log: Vec<LogRow>,
}

impl<'a> Fit<'a> {
    pub fn new(
        objective: &'a mut dyn Objective,
        trainings: Vec<Training>,
        inputs: InputStream,
        device: Device,
    ) -> Self {
        assert_eq!(trainings.len(), inputs.seeds.len(), "every replica has its settings and its seed");
        let shape = |training: &Training| (training.steps, training.batch);
        assert!(trainings.iter().all(|training| shape(training) == shape(&trainings[0])), "replicas go in lock-step");
        let optimizer = Adam::new(objective.parameters());
        Self { objective, trainings, inputs, device, optimizer, step: 0, log: Vec::new() }
    }

    /// Goes on from a saved state; says what is wrong with it otherwise.
    pub fn resume(&mut self, state: State) -> Result<(), String> {
        if state.step > self.steps() {
            return Err(format!("it is at step {} of {}", state.step, self.steps()));
        }
        self.optimizer.restore(&state.tensors)?;
        (self.step, self.log) = (state.step, state.log);
        Ok(())
    }

    /// Trains to the end or until asked to stop.
    pub fn run<E>(&mut self, stage: &str, surroundings: Surroundings<'_, E>) -> Result<End, E> {
        let Surroundings { observer, stop, save, save_every } = surroundings;
        observer.begin(stage, self.step, self.steps());
        let mut saved = Instant::now();
        while self.step < self.steps() {
            if stop() {
                observer.end();
                save(&self.state())?;
                return Ok(End::Stopped { step: self.step });
            }
            let means = self.advance();
            observer.progress(self.step, means.as_deref());
            if saved.elapsed() > save_every {
                save(&self.state())?;
                saved = Instant::now();
            }
        }
        observer.end();
        Ok(End::Finished)
    }

    /// One step; the terms' means over replicas if it is logged.
    pub fn advance(&mut self) -> Option<Vec<(String, f64)>> {
        let step = self.step;
        let logged = step.is_multiple_of((self.steps() / LOGGED_STEPS).max(1)) || step + 1 == self.steps();
        let input = self.inputs.batch(step, self.trainings[0].batch, self.device);
        let mut terms = self.objective.add_gradients(&input, logged);
        let rates: Vec<Rate> = self.trainings.iter().map(|training| training.rate(step)).collect();
        self.step += 1;
        self.optimizer.update(self.step, &rates);
        if !logged {
            return None;
        }
        terms.push(total(&terms));
        Some(terms.iter().map(|term| self.record(step, term)).collect())
    }

    /// Puts a term into the log; returns its mean over the replicas.
    fn record(&mut self, step: u64, term: &Term) -> (String, f64) {
        for (replica, &value) in term.values.iter().enumerate() {
            if !value.is_finite() {
                tracing::warn!("{} of replica {replica} is {value} at step {step}", term.name);
            }
            self.log.push(LogRow { replica, step, term: term.name.into(), value });
        }
        (term.name.into(), term.values.iter().sum::<f64>() / term.values.len() as f64)
    }

    /// Number of updates of the whole training.
    pub fn steps(&self) -> u64 {
        self.trainings[0].steps
    }

    pub fn log(&self) -> &[LogRow] {
        &self.log
    }

    pub fn state(&self) -> State {
        State { step: self.step, tensors: self.optimizer.state(), log: self.log.clone() }
    }
}
