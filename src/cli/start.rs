//! From a spec file and flags to everything that an experiment needs around it.

use std::path::Path;

use clap::Args;
use indicatif::MultiProgress;
use tch::Device;

use super::{Failure, options::Options, progress::Progress};
use crate::{
    device,
    experiment::{Place, Session},
    interrupt::Interrupt,
    run::{RunError, prepare_results, reason},
    spec::Spec,
    sweep::{self, SweptSpec},
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

/// What a command looks at before it makes anything.
type Check = fn(&Spec, &Place) -> Result<(), RunError>;

/// Reads the spec, then opens the device, then the rest: nothing may ask libtorch anything before CUDA is loaded. Nothing is
/// made if the `check` fails.
pub fn session(
    path: &Path,
    options: &Options,
    check: Check,
    screen: &MultiProgress,
) -> Result<(Spec, Session), Failure> {
    let spec = load(path, options)?;
    let device = open_device(options)?;
    check(&spec, &place(device, options)).map_err(Failure::work)?;
    prepare_results(&options.results).map_err(Failure::work)?;
    Ok((spec, session_on(device, options, screen)?))
}

/// The device that was asked for; where there is none of the kind, the command line is wrong.
pub fn open_device(options: &Options) -> Result<Device, Failure> {
    device::open(options.device).map_err(|error| Failure::Use(error.to_string()))
}

/// Where the options say that an experiment is to be run.
pub fn place(device: Device, options: &Options) -> Place<'_> {
    Place { results: &options.results, device, force: options.force }
}

/// Everything but the spec, on a device that has been opened.
pub fn session_on(device: Device, options: &Options, screen: &MultiProgress) -> Result<Session, Failure> {
    set_threads(options)?;
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
    let SweptSpec { spec, sweep } = sweep::load_with_sweep(path, &options.set).map_err(Failure::Spec)?;
    if sweep.is_some() {
        tracing::info!("this is about the experiment without its `[sweep]`, which is for `apd sweep hyperparameters`");
    }
    Ok(spec)
}
