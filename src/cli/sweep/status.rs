//! `apd sweep status SWEEP`.

use std::path::PathBuf;

use clap::Args;

use super::super::{
    Ending, Failure,
    ending::print,
    folders::{Wanted, meant},
};
use crate::{
    run::SweepFolder,
    sweep::{self, Overview, Plan},
};

/// Tell how far a sweep is: progress, best so far, failures, time left
///
/// The best is the trial with the largest share of recovered replicas; among equals, and where no mechanism is known, that
/// with the largest mean score. Of a trade-off it is the one with the fewest active components within the largest error.
/// Unless a process works on the sweep it is recommended, with what the score depends on, or with what is traded off.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd sweep status runs/tms_5-2-sweep-0a1b2c3d")]
pub struct Status {
    /// Folders of sweeps
    #[arg(value_name = "SWEEP", required = true)]
    folders: Vec<PathBuf>,
}

impl Status {
    pub fn run(&self) -> Result<Ending, Failure> {
        let sweeps = meant(&self.folders, Wanted::Sweeps)?;
        let mut is_first = true;
        sweeps.each(|folder| {
            if !std::mem::replace(&mut is_first, false) {
                print("\n")?;
            }
            let folder = SweepFolder::existing(folder).map_err(Failure::work)?;
            let plan = Plan::read(&folder).map_err(Failure::work)?;
            print_status(&plan, &folder, Ending::Done)
        })
    }
}

/// Prints how far a sweep is, and unless a process works on it what it recommends. Work that is done fails if nothing can be
/// recommended, or if a trial cannot be read.
pub fn print_status(plan: &Plan, folder: &SweepFolder, ending: Ending) -> Result<Ending, Failure> {
    let overview = sweep::overview(plan, folder);
    print(&sweep::status(plan, folder, &overview))?;
    print(&sweep::recommendation(plan, folder, &overview))?;
    judge(&overview, ending)
}

/// Work that is done fails if nothing can be recommended, or if a trial cannot be read.
pub fn judge(overview: &Overview, ending: Ending) -> Result<Ending, Failure> {
    match sweep::shortfall(overview) {
        Some(shortfall) if ending == Ending::Done => Err(Failure::Work(shortfall)),
        _ => Ok(ending),
    }
}
