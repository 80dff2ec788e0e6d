//! One experiment's way: targets trained, components found, measurements taken, files left in its folders.

mod decomposition;
mod divergence;
mod evaluation;
mod halving;
mod import;
mod measurement;
pub mod memory;
pub mod pack;
mod speed;
mod tables;
mod target_tables;
mod targets;

use std::{path::PathBuf, time::Duration};

pub use decomposition::decompose;
pub use evaluation::evaluate;
pub use halving::Halving;
pub use import::{Source, import_components, import_target, resolve};
pub use speed::seconds_of_training;
pub use tables::SUMMARY;
use tch::Device;

use crate::{
    fit::{End, Fit, LogRow, Observer, State, Surroundings},
    profile,
    run::{Checkpoint, Checkpoints, Interrupt, Machine, RunError, RunFolder, TargetFolder},
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
    /// What it computes on.
    pub fn machine(&self) -> Machine {
        let device = match self.device {
            Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".into(),
        };
        Machine::new(device, self.threads)
    }

    /// Trains a part of the way, leaving checkpoints.
    fn fit(&mut self, stage: &str, fit: &mut Fit, leg: Leg) -> Result<End, RunError> {
        let Leg { from, until, checkpoints } = leg;
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
        if !self.profile {
            return fit.run(stage, surroundings);
        }
        let first_step = fit.step();
        let (end, times) = profile::watch(self.device, || fit.run(stage, surroundings));
        let steps = fit.step() - first_step;
        if steps > 0 {
            tracing::info!("{stage}: where the time of {steps} steps went\n{}", times.table(steps, fit.threads()));
        }
        end
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
}

/// The state in the newest sound checkpoint.
fn load(checkpoints: &Checkpoints) -> Result<Option<State>, RunError> {
    let Some(Checkpoint { step, tensors, log, remark }) = checkpoints.load::<LogRow>()? else { return Ok(None) };
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

/// How a stage of an experiment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its files are in `folder`; `already`: they were there before.
    Finished { folder: PathBuf, already: bool },
    /// On request; the same command goes on from what was saved in `folder`.
    Interrupted { folder: PathBuf, stage: String, step: u64, steps: u64 },
}

/// Trains every target of the experiment that is not there yet.
pub fn train_target(spec: &Spec, session: &mut Session) -> Result<Outcome, RunError> {
    let finished = run_folder_at(spec, session).is_finished() && !session.force;
    let folder = TargetFolder::new(&session.results, &spec.target.hash(), targets::seeds(spec)[0]).path().to_path_buf();
    let targets_folder = folder.parent().map_or(folder.clone(), PathBuf::from);
    let folders: Vec<_> = targets::seeds(spec).iter().map(|&seed| targets::folder(spec, session, seed)).collect();
    let trained = folders.iter().all(TargetFolder::is_trained);
    if trained {
        folders.iter().try_for_each(|folder| targets::tell_baselines(folder, &spec.target.network))?;
    }
    if finished || trained {
        return Ok(Outcome::Finished { folder: targets_folder, already: true });
    }
    memory::check(memory::of_target(spec), session.device)?;
    Ok(match targets::obtain(spec, session)? {
        targets::Obtained::Weights(_) => Outcome::Finished { folder: targets_folder, already: false },
        targets::Obtained::Interrupted(outcome) => outcome,
    })
}

/// Refuses an experiment whose components are not to be trained, or that this machine has not the memory for; better
/// now than after its targets are trained.
pub fn check(spec: &Spec, session: &Session) -> Result<(), RunError> {
    if run_folder_at(spec, session).is_finished() && !session.force {
        return Ok(());
    }
    if spec.imported_components.is_some() {
        return Err(RunError::new(
            "the components of this spec are imported, not trained",
            "measure them with `apd evaluate RUN`, or take the key `imported_components` out of the spec to train some",
        ));
    }
    memory::check(memory::of_experiment(spec, session.device), session.device)
}

/// The run's folder for reading.
fn run_folder_at(spec: &Spec, session: &Session) -> RunFolder {
    RunFolder::at(RunFolder::locate(&session.results, &spec.name, &spec.hash(), false))
}
