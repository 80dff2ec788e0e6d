//! One experiment's way: targets trained, components found, measurements taken, files left in its folders.

mod check;
mod decomposition;
mod divergence;
mod evaluation;
mod halving;
mod import;
mod import_spec;
mod measurement;
pub mod memory_needed;
pub mod pack;
mod speed;
mod target_tables;
mod targets;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub use check::{Place, check, check_pack, check_targets, is_finished};
pub use decomposition::decompose;
pub use evaluation::evaluate;
pub use halving::Halving;
pub use import::{Source, import_components, import_target};
pub use import_spec::resolve;
pub use speed::{Seconds, seconds_of_experiment, seconds_of_pack, seconds_of_targets};
use tch::Device;

use crate::{
    fit::{End, Fit, Observer, State, Surroundings},
    interrupt::{Interrupt, Interrupted, Stage},
    memory, profile,
    run::{Checkpoint, Checkpoints, Machine, RunError, Unfinished},
    spec::Spec,
};

/// Everything beside the spec that a command gives to an experiment.
pub struct Session {
    /// The folder of all run folders.
    pub results: PathBuf,
    pub device: Device,
    pub threads: usize,
    /// How old a checkpoint may be: what a kill costs at most.
    pub checkpoint_age: Duration,
    /// Whether to start anew beside an existing run.
    pub force: bool,
    /// Whether to say where the time of a training goes.
    pub profile: bool,
    pub interrupt: Interrupt,
    pub observer: Box<dyn Observer>,
}

impl Session {
    /// Where it works.
    pub fn place(&self) -> Place<'_> {
        Place { results: &self.results, device: self.device, force: self.force }
    }

    /// What it computes on.
    pub fn machine(&self) -> Machine {
        let device = match self.device {
            Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".into(),
        };
        Machine::new(device, self.threads)
    }

    /// Trains a part of the way, leaving checkpoints.
    fn fit(&mut self, stage: Stage, fit: &mut Fit, leg: Leg) -> Result<(), Unfinished> {
        let Leg { from, until, checkpoints, folder } = leg;
        if let Some(state) = from {
            fit.resume(state).map_err(no_fit)?;
        }
        let interrupt = self.interrupt.clone();
        let surroundings = Surroundings {
            until,
            observer: &mut *self.observer,
            stop: &|| interrupt.requested(),
            save: &mut |state| save(checkpoints, state),
            save_every: self.checkpoint_age,
        };
        let name = stage.name();
        let end = if self.profile {
            let first_step = fit.step();
            let (end, times) = profile::watch(self.device, || fit.run(name, surroundings));
            let steps = fit.step() - first_step;
            if steps > 0 {
                tracing::info!("{name}: where the time of {steps} steps went\n{}", times.table(steps, fit.threads()));
            }
            end
        } else {
            fit.run(name, surroundings)
        };
        match end? {
            End::Finished => Ok(()),
            End::Stopped { step } => {
                Err(Interrupted { stage, step, steps: fit.steps(), folder: folder.to_owned() }.into())
            }
        }
    }
}

/// A part of a training's way.
struct Leg<'a> {
    /// Unset: the beginning.
    from: Option<State>,
    /// Number of updates made by its end.
    until: u64,
    /// Where its states are kept.
    checkpoints: &'a Checkpoints,
    /// The folder that it is found by when it is interrupted.
    folder: &'a Path,
}

/// The state in the newest sound checkpoint.
fn load(checkpoints: &Checkpoints) -> Result<Option<State>, RunError> {
    let Some(Checkpoint { step, tensors, log, remark }) = checkpoints.load()? else { return Ok(None) };
    let divergences = divergence::from_note(&remark).map_err(no_fit)?;
    Ok(Some(State { step, tensors, log, divergences }))
}

fn no_fit(why: String) -> RunError {
    RunError::new(
        format!("the checkpoint does not fit its training: {why}"),
        "start anew with --force, or remove the checkpoint",
    )
}

/// Writes a checkpoint of a training.
fn save(checkpoints: &Checkpoints, state: &State) -> Result<(), RunError> {
    checkpoints.save(state.step, &state.tensors, &state.log, &divergence::to_note(&state.divergences))
}

/// A stage of an experiment that has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Where its files are.
    pub folder: PathBuf,
    /// Whether they were there before.
    pub already: bool,
}

/// Trains every target of the experiment that is not there yet.
pub fn train_target(spec: &Spec, session: &mut Session) -> Result<Finished, Unfinished> {
    let folder = session.results.join("targets");
    let already = targets::missing(spec, &session.results)?.is_empty();
    if already {
        let seeds = targets::seeds(spec).into_iter();
        seeds
            .map(|seed| targets::folder(spec, &session.results, seed))
            .try_for_each(|of| targets::tell_baselines(&of, &spec.target.network))?;
        return Ok(Finished { folder, already });
    }
    memory::check(memory_needed::of_target(spec), session.device)?;
    targets::obtain(spec, session)?;
    Ok(Finished { folder, already })
}

/// How many targets the experiment has, and how many of them are not there yet.
pub fn count_targets(spec: &Spec, results: &Path) -> Result<(usize, usize), RunError> {
    Ok((targets::seeds(spec).len(), targets::missing(spec, results)?.len()))
}

/// Whether the targets are of no use any more: the run is finished, and they may be gone.
pub fn is_without_targets(spec: &Spec, session: &Session) -> Result<bool, RunError> {
    Ok(is_finished(spec, &session.place())? && !targets::missing(spec, &session.results)?.is_empty())
}
