//! `apd import target FILE`, `apd import components FILE`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::MultiProgress;
use tch::Device;

use super::{
    Ending, Failure,
    finish::{Stage, tell},
    options::{Force, Options, Results, Set},
    start::session_on,
};
use crate::{
    checkpoint_file::{CheckpointFile, ImportedTarget, find_components},
    experiment::{self, Source, memory},
    run::prepare_results,
    shell::quoted_path,
};

/// Bring a network or components from a file of PyTorch
#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Bring networks to take apart
    ///
    /// Reads a state dict (.pth, .pt or safetensors; no pickle is run) whose leading axis, if there is one, counts
    /// instances: these become the targets of the seeds 0, 1, 2... in RESULTS/targets. Writes a spec beside it that
    /// `apd decompose` takes.
    #[command(after_help = "\
Examples:
  apd import target tms_5-2_target.pth
  apd import target model.safetensors --spec my_experiment.toml")]
    Target(Target),
    /// Bring components that were found elsewhere, as a run
    ///
    /// Reads a state dict of components and one of the networks that they are of, and makes a run folder for
    /// `apd evaluate`. Instances become replicas.
    #[command(after_help = "\
Examples:
  apd import components tms_5-2_components.pth --target tms_5-2_target.pth
  apd import components apd.pth --target model.pth --spec my_experiment.toml")]
    Components(Components),
}

#[derive(Debug, Args)]
struct Target {
    /// The state dict of the networks
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    rest: Rest,
}

#[derive(Debug, Args)]
struct Components {
    /// The state dict of the components
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The state dict of the networks that they are of
    #[arg(long, value_name = "FILE")]
    target: PathBuf,
    #[command(flatten)]
    rest: Rest,
    #[command(flatten)]
    force: Force,
}

#[derive(Debug, Args)]
struct Rest {
    /// What the file does not say: inputs, selection, training [default: as in the paper]
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
    #[command(flatten)]
    set: Set,
    #[command(flatten)]
    results: Results,
}

impl Rest {
    fn options(&self) -> Options {
        Options::new(&self.results).with_set(&self.set)
    }
}

impl Import {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        match &self.what {
            What::Target(target) => target.run(screen),
            What::Components(components) => components.run(screen),
        }
    }
}

impl Target {
    fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        let options = &self.rest.options();
        let file = read(&self.file)?;
        let target = ImportedTarget::find(&file, &self.file).map_err(Failure::work)?;
        let spec = self.rest.spec.as_deref();
        let spec = experiment::resolve(&target, None, spec, &name(&self.file), &options.set).map_err(Failure::Spec)?;
        prepare_results(&options.results).map_err(Failure::work)?;
        let session = session_on(Device::Cpu, options, screen)?;
        let written = experiment::import_target(spec, &session, &self.file, &file, &target).map_err(Failure::work)?;
        let Some(written) = written else { return Ok(Ending::Interrupted) };
        let instances = target.weights.replicas();
        tracing::info!("{instances} target(s) imported: {}", session.results.join("targets").display());
        tracing::info!(
            "spec: {}\n  help: take them apart with: apd decompose {}{}",
            written.display(),
            quoted_path(&written),
            options.results_again()
        );
        Ok(Ending::Done)
    }
}

impl Components {
    fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        let options = &self.rest.options().with_force(&self.force);
        let target_file = read(&self.target)?;
        let target = ImportedTarget::find(&target_file, &self.target).map_err(Failure::work)?;
        let file = read(&self.file)?;
        let components = find_components(&file, &self.file, &target).map_err(Failure::work)?;
        let (spec, name) = (self.rest.spec.as_deref(), name(&self.file));
        let spec = experiment::resolve(&target, Some(&components), spec, &name, &options.set).map_err(Failure::Spec)?;
        prepare_results(&options.results).map_err(Failure::work)?;
        let session = session_on(Device::Cpu, options, screen)?;
        let target = Source { path: &self.target, file: &target_file, content: &target };
        let components = Source { path: &self.file, file: &file, content: &components };
        let outcome = experiment::import_components(spec, &session, target, components).map_err(Failure::work)?;
        match tell("import", outcome) {
            Stage::Finished(folder) => {
                tracing::info!("  help: measure it with: apd evaluate {}", quoted_path(&folder));
                Ok(Ending::Done)
            }
            Stage::Interrupted(ending) => Ok(ending),
        }
    }
}

fn read(path: &Path) -> Result<CheckpointFile, Failure> {
    // The bytes of the file, its tensors, and the copies that are written.
    let size = path.metadata().map_or(0, |about| about.len());
    memory::check(3.0 * size as f64, Device::Cpu).map_err(Failure::work)?;
    let file = CheckpointFile::read(path).map_err(Failure::work)?;
    if !file.converted.is_empty() {
        tracing::warn!("{}: {} became 32-bit floats", path.display(), file.converted.join(" and "));
    }
    Ok(file)
}

/// A file's name as that of an experiment: without its ending, and with nothing that a path could trip over.
fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = stem.chars().take(64).map(plain).collect();
    name.trim_start_matches(['.', '-']).to_string()
}
