//! From a spec file and flags to everything that an experiment needs around it.

use std::path::Path;

use clap::Args;
use indicatif::MultiProgress;
use tch::Device;

use super::{Failure, options::Options, progress::Progress};
use crate::{
    device,
    experiment::Session,
    run::{Interrupt, prepare_results, reason},
    spec::Spec,
    sweep,
};

/// The experiment that a command is about.
#[derive(Debug, Args)]
pub struct SpecArgument {
    /// The experiment: a TOML file
    #[arg(value_name = "SPEC")]
    pub path: std::path::PathBuf,
}

/// What a command that trains can be asked beside.
#[derive(Debug, Args)]
pub struct ProfileArgument {
    /// Say at the end of each training where the time of a step went
    #[arg(long)]
    pub profile: bool,
}

/// Reads the spec, then opens the device, then the rest: nothing may ask libtorch anything before CUDA is loaded.
pub fn session(path: &Path, options: &Options, screen: &MultiProgress) -> Result<(Spec, Session), Failure> {
    let spec = load(path, options)?;
    let device = device::open(options.device).map_err(|error| Failure::Use(error.to_string()))?;
    Ok((spec, session_on(device, options, screen)?))
}

/// Everything but the spec, on a device that has been opened.
pub fn session_on(device: Device, options: &Options, screen: &MultiProgress) -> Result<Session, Failure> {
    set_threads(options)?;
    prepare_results(&options.results).map_err(Failure::work)?;
    let interrupt = Interrupt::listen().map_err(|error| Failure::Work(format!("cannot listen to signals: {error}")))?;
    Ok(Session {
        results: options.results.clone(),
        device,
        threads: options.threads().get().into(),
        checkpoint_age: options.checkpoint_age(),
        force: options.force,
        profile: false,
        observer: Box::new(Progress::new(screen.clone(), interrupt.clone())),
        interrupt,
    })
}

/// Lets libtorch compute with as many threads as it shall, if the system has so many.
pub fn set_threads(options: &Options) -> Result<(), Failure> {
    let threads = options.threads();
    device::check_threads(threads).map_err(|error| {
        let help = "give fewer with --threads, or allow more processes (ulimit -u) or more memory (ulimit -v)";
        Failure::Work(format!("cannot start {threads} threads: {}\n  help: {help}", reason(&error)))
    })?;
    device::set_threads(threads);
    Ok(())
}

pub fn load(path: &Path, options: &Options) -> Result<Spec, Failure> {
    let (spec, sweep) = sweep::load_with_sweep(path, &options.set).map_err(Failure::Spec)?;
    if sweep.is_some() {
        tracing::info!("this is about the experiment without its `[sweep]`, which is for `apd sweep hyperparameters`");
    }
    Ok(spec)
}
