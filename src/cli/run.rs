//! `apd run SPEC`: the whole way.

use clap::Args;
use indicatif::MultiProgress;

use super::{
    Ending, Failure,
    finish::{report, tell},
    options::Training,
    start::{ProfileArgument, SpecArgument, session},
};
use crate::experiment;

/// The whole way: train, decompose, report
///
/// The same command on an unfinished run goes on from its last checkpoint; on a finished one it shows the results again.
/// --force starts anew in a folder beside it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd run experiments/tms_5-2.toml
  apd run experiments/tms_5-2.toml --set seeds=30 --results /scratch/me/runs")]
pub struct Run {
    #[command(flatten)]
    spec: SpecArgument,
    #[command(flatten)]
    profile: ProfileArgument,
    #[command(flatten)]
    training: Training,
}

impl Run {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        let (spec, mut session) = session(&self.spec.path, &self.training.options(), experiment::check, screen)?;
        session.profile = self.profile.profile;
        if !experiment::is_without_targets(&spec, &session).map_err(Failure::work)? {
            tell("target", experiment::train_target(&spec, &mut session)?);
        }
        let folder = tell("run", experiment::decompose(&spec, &mut session)?);
        report(&[folder])
    }
}
