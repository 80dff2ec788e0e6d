//! `apd evaluate RUN`.

use std::path::PathBuf;

use clap::Args;
use indicatif::MultiProgress;

use super::{
    Ending, Failure,
    finish::{Stage, report, tell},
    options::Options,
    start::session_on,
};
use crate::{
    device, experiment,
    run::{Elsewhere, RunFolder, read_checked},
    spec,
};

/// Measure the components of a run, imported or trained, without training
///
/// Writes every table of the run folder anew but those of trainings, as the run's own spec.toml says, and makes its
/// report. Until the new tables are whole the old ones stay.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd evaluate runs/tms_5-2_components-0a1b2c3d
  apd evaluate runs/tms_5-2-7918ae8e --device cpu")]
pub struct Evaluate {
    /// The run folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

impl Evaluate {
    pub fn run(&self, options: &Options, screen: &MultiProgress) -> Result<Ending, Failure> {
        if !options.set.is_empty() {
            return Err(Failure::Use(
                "a run is measured as its own spec says, so --set changes nothing here\n  help: other settings are \
                 another run: give --set to `apd import components` or `apd decompose`"
                    .into(),
            ));
        }
        let folder = RunFolder::existing(&self.run).map_err(Failure::work)?;
        read_checked(&folder.spec()).map_err(Failure::work)?;
        let spec = spec::load(&folder.spec(), &[]).map_err(Failure::Spec)?;
        let device = device::open(options.device).map_err(|error| Failure::Use(error.to_string()))?;
        let session = session_on(device, options, screen)?;
        let outcome = experiment::evaluate(&spec, &session, &self.run)
            .map_err(|error| Failure::work(error.of_command(Elsewhere::Copy)))?;
        match tell("evaluation", outcome) {
            Stage::Finished(folder) => report(&[folder]),
            Stage::Interrupted(ending) => Ok(ending),
        }
    }
}
