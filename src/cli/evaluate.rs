//! `apd evaluate RUN`.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::MultiProgress;

use super::{
    Ending, Failure,
    finish::{report, tell},
    folders::{Wanted, meant},
    options::{Compute, Options, Results},
    start::{open_device, session_on},
};
use crate::{
    experiment::{self, Session},
    run::{Elsewhere, RunFolder, read_checked},
    spec::{self, Spec},
};

/// Measure the components of runs, imported or trained, without training
///
/// Writes every table of the run folder anew but those of trainings, as the run's own spec.toml says, and makes its
/// report. Until the new tables are whole the old ones stay.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd evaluate runs/tms_5-2_components-0a1b2c3d
  apd evaluate runs/tms_5-2-7918ae8e --device cpu
  apd evaluate runs/*")]
pub struct Evaluate {
    /// Run folders; of several paths those that are no runs are passed over
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    compute: Compute,
    /// A folder with trained targets, beside that which the run is in: what is known of their training is copied
    #[arg(long, value_name = "DIR", default_value = "runs")]
    results: PathBuf,
    /// Taken only to say why it changes nothing.
    #[arg(long, hide = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Evaluate {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        if !self.set.is_empty() {
            return Err(Failure::Use(
                "a run is measured as its own spec says, so --set changes nothing here\n  help: other settings are \
                 another run: give --set to `apd import components` or `apd decompose`"
                    .into(),
            ));
        }
        let runs = meant(&self.runs, Wanted::Runs)?;
        let mut session = None;
        runs.each(|run| {
            let spec = spec_of(run)?;
            let session = match &session {
                Some(session) => session,
                None => session.insert(self.session(screen)?),
            };
            let finished = experiment::evaluate(&spec, session, run).map_err(|why| why.of_command(Elsewhere::Copy))?;
            report(&[tell("evaluation", finished)])
        })
    }

    fn session(&self, screen: &MultiProgress) -> Result<Session, Failure> {
        let options = Options::new(&Results { results: self.results.clone() }).with_compute(&self.compute);
        session_on(open_device(&options)?, &options, screen)
    }
}

/// The spec that a run was made from.
fn spec_of(run: &Path) -> Result<Spec, Failure> {
    let path = RunFolder::existing(run).map_err(Failure::work)?.spec();
    read_checked(&path).map_err(Failure::work)?;
    spec::load(&path, &[]).map_err(Failure::Spec)
}
