//! `apd import target FILE`, `apd import components FILE`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::MultiProgress;
use tch::Device;

use super::{
    Ending, Failure,
    finish::tell,
    options::{Force, Options, Results, Set},
    start::session_on,
};
use crate::{
    experiment::{self, Source},
    memory,
    run::{RunError, prepare_results},
    shell::quoted_path,
    state_dict_file::{
        FactorLayout, ImportOptions, ImportedComponents, ImportedTarget, Rename, StateDictFile, TargetLayout,
        help_on_names,
    },
};

/// Bring a network or components from a file of PyTorch
#[derive(Debug, Args)]
#[command(after_help = help_on_names())]
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
    #[command(after_help = EXAMPLES_OF_TARGET.to_string() + &help_on_names())]
    Target(Target),
    /// Bring components that were found elsewhere, as a run
    ///
    /// Reads a state dict of components and one of the networks that they are of, and makes a run folder for
    /// `apd evaluate`. Instances become replicas; a network without instances serves all replicas of its components.
    /// Subcomponents of Stochastic Parameter Decomposition are read with their importance functions.
    #[command(after_help = EXAMPLES_OF_COMPONENTS.to_string() + &help_on_names())]
    Components(Components),
}

const EXAMPLES_OF_TARGET: &str = "\
Examples:
  apd import target tms_5-2_target.pth
  apd import target model.safetensors --spec my_experiment.toml
  apd import target checkpoint.pt --select ema --layout linear
  apd import target mlp.pth --rename blocks=layers --rename fc1=mlp_in \\
      --rename fc2=mlp_out

";

const EXAMPLES_OF_COMPONENTS: &str = "\
Examples:
  apd import components tms_5-2_components.pth --target tms_5-2_target.pth
  apd import components apd.pth --target model.pth --spec my_experiment.toml
  apd import components apd.pth --target model.pth --target-layout linear
  apd import components model_10000.pth    # goodfire-ai/spd's component model

";

#[derive(Debug, Args)]
struct Target {
    /// The state dict of the networks
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Which way round the matrices are, where their shapes do not tell
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<TargetLayout>,
    #[command(flatten)]
    content: Content,
    #[command(flatten)]
    rest: Rest,
}

#[derive(Debug, Args)]
struct Components {
    /// The state dict of the components
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The state dict of the networks that they are of [default: that of FILE]
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,

    /// Which way round the factors in FILE are, where their shapes do not tell
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<FactorLayout>,
    #[command(flatten)]
    content: Content,

    /// Which way round the matrices in the file of --target are
    #[arg(long, value_name = "LAYOUT")]
    target_layout: Option<TargetLayout>,
    /// The key of the state dict in the file of --target, as --select is for FILE
    #[arg(long, value_name = "KEY")]
    target_select: Option<String>,
    /// Another name of a tensor in the file of --target, as --rename is for FILE
    #[arg(long, value_name = "THEIRS=OURS")]
    target_rename: Vec<Rename>,
    #[command(flatten)]
    rest: Rest,
    #[command(flatten)]
    force: Force,
}

/// What of FILE is meant.
#[derive(Debug, Args)]
struct Content {
    /// The key of the state dict, if there are several in FILE
    ///
    /// Keys of nested dictionaries are joined by dots; `.` stands for the outermost one.
    #[arg(long, value_name = "KEY")]
    select: Option<String>,

    /// Call a tensor by a known name (repeatable)
    ///
    /// THEIRS is the name of a tensor, or a part of names between dots, which is then replaced in all of them.
    #[arg(long, value_name = "THEIRS=OURS")]
    rename: Vec<Rename>,
}

impl Content {
    fn options<L>(&self, layout: Option<L>) -> ImportOptions<L> {
        ImportOptions { layout, select: self.select.clone(), renames: self.rename.clone(), prefix: "" }
    }
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
        let target =
            ImportedTarget::find(&file, &self.file, &self.content.options(self.layout)).map_err(Failure::work)?;
        let target = Source { path: &self.file, content: &target };
        let spec = self.rest.spec.as_deref();
        let spec = experiment::resolve(&target, None, spec, &name(&self.file), &options.set).map_err(Failure::Spec)?;
        prepare_results(&options.results).map_err(Failure::work)?;
        let session = session_on(Device::Cpu, options, screen)?;
        let written = experiment::import_target(spec, &session, &target)?;
        let instances = target.content.weights.replicas();
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
        let of_target = ImportOptions {
            layout: self.target_layout,
            select: self
                .target_select
                .clone()
                .or_else(|| self.content.select.clone().filter(|_| self.target.is_none())),
            renames: self.target_rename.clone(),
            prefix: "target-",
        };
        let path = self.target.as_ref().unwrap_or(&self.file);
        let target =
            ImportedTarget::find(&read(path)?, path, &of_target).map_err(|error| self.network_sought(error))?;
        let of_components = self.content.options(self.layout);
        let components = ImportedComponents::find(&read(&self.file)?, &self.file, &target, &of_components);
        let components = components.map_err(Failure::work)?;
        let target = Source { path, content: &target };
        let (spec, name) = (self.rest.spec.as_deref(), name(&self.file));
        let spec = experiment::resolve(&target, Some(&components), spec, &name, &options.set);
        let spec = spec.map_err(Failure::Spec)?;
        prepare_results(&options.results).map_err(Failure::work)?;
        let session = session_on(Device::Cpu, options, screen)?;
        let components = Source { path: &self.file, content: &components };
        let imported = experiment::import_components(spec, &session, target, components).map_err(Failure::work)?;
        let folder = tell("import", imported);
        tracing::info!("  help: measure it with: apd evaluate {}", quoted_path(&folder));
        Ok(Ending::Done)
    }

    /// Where the networks were sought in the file of the components, they may be in another.
    fn network_sought(&self, error: RunError) -> Failure {
        Failure::work(match self.target {
            Some(_) => error,
            None => error.with_help("give the state dict of the networks with --target FILE"),
        })
    }
}

fn read(path: &Path) -> Result<StateDictFile, Failure> {
    // The bytes of the file, its tensors, its content in two layouts that may fit, and the copies that are written.
    let size = path.metadata().map_or(0, |about| about.len());
    memory::check(5.0 * size as f64, Device::Cpu).map_err(Failure::work)?;
    let file = StateDictFile::read(path).map_err(Failure::work)?;
    if !file.converted.is_empty() {
        tracing::warn!("{}: {} became 32-bit floats", path.display(), file.converted.join(" and "));
    }
    Ok(file)
}

/// A file's name as that of an experiment: without its ending, and with nothing that a path could trip over.
fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = stem.chars().map(plain).collect();
    let name: String = name.trim_start_matches(['.', '-']).chars().take(64).collect();
    if name.is_empty() { "imported".into() } else { name }
}
