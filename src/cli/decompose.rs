//! `apd decompose SPEC`.

use clap::Args;
use indicatif::MultiProgress;

use super::{
    Ending, Failure,
    finish::{report, tell},
    options::Training,
    start::{ProfileArgument, SpecArgument, session},
};
use crate::experiment;

/// Take the target networks of an experiment apart into components
///
/// Trains targets that are missing first. An unfinished run goes on from its last checkpoint; of a finished one the
/// results are shown again. --force starts anew in a folder beside it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd decompose experiments/tms_5-2.toml
  apd decompose experiments/tms_5-2.toml --set seeds='[7]' --device cpu")]
pub struct Decompose {
    #[command(flatten)]
    spec: SpecArgument,
    #[command(flatten)]
    profile: ProfileArgument,
    #[command(flatten)]
    training: Training,
}

impl Decompose {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        let (spec, mut session) = session(&self.spec.path, &self.training.options(), experiment::check, screen)?;
        session.profile = self.profile.profile;
        let folder = tell("run", experiment::decompose(&spec, &mut session)?);
        report(&[folder])
    }
}
