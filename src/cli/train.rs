//! `apd train target SPEC`.

use clap::{Args, Subcommand};
use indicatif::MultiProgress;

use super::{
    Ending, Failure,
    finish::tell,
    options::{Compute, Options, Results, Saving, Set},
    start::{SpecArgument, session},
};
use crate::experiment;

/// Train the target networks of an experiment
#[derive(Debug, Args)]
pub struct Train {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Train the networks that are to be taken apart, one for each seed
    ///
    /// A trained target is kept in RESULTS/targets and never trained twice: every experiment with the same target
    /// section and seed uses it.
    #[command(after_help = "\
Examples:
  apd train target experiments/tms_5-2.toml
  apd train target experiments/tms_5-2.toml --set target.training.steps=20000")]
    Target(Target),
}

#[derive(Debug, Args)]
struct Target {
    #[command(flatten)]
    spec: SpecArgument,
    #[command(flatten)]
    set: Set,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    results: Results,
    #[command(flatten)]
    saving: Saving,
}

impl Train {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        let What::Target(Target { spec, set, compute, results, saving }) = &self.what;
        let options = Options::new(results).with_set(set).with_compute(compute).with_saving(saving);
        let (spec, mut session) = session(&spec.path, &options, experiment::check_targets, screen)?;
        tell("target", experiment::train_target(&spec, &mut session)?);
        Ok(Ending::Done)
    }
}
