//! `apd sweep status SWEEP`.

use std::path::PathBuf;

use clap::Args;

use super::super::{Ending, Failure, ending::print};
use crate::{
    run::SweepFolder,
    sweep::{self, Plan},
};

/// Tell how far a sweep is: progress, best so far, failures, time left
///
/// The best is the trial with the largest share of recovered replicas; among equals that with the smallest mean
/// minimality loss.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd sweep status runs/tms_5-2-sweep-0a1b2c3d")]
pub struct Status {
    /// The sweep's folder
    #[arg(value_name = "SWEEP")]
    folder: PathBuf,
}

impl Status {
    pub fn run(&self) -> Result<Ending, Failure> {
        let folder = SweepFolder::existing(&self.folder).map_err(Failure::work)?;
        let plan = Plan::read(&folder).map_err(Failure::work)?;
        print(&sweep::status(&plan, &folder).map_err(Failure::work)?)?;
        Ok(Ending::Done)
    }
}
