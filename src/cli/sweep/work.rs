//! `apd sweep work SWEEP`.

use std::path::PathBuf;

use clap::Args;
use indicatif::MultiProgress;

use super::{
    super::{
        Ending, Failure,
        options::{Compute, Options, Results, Saving},
        start::{open_device, session_on},
    },
    status::judge,
};
use crate::{
    experiment::Session,
    run::{SweepFolder, prepare_results},
    shell::quoted_path,
    sweep::{self, Part, Plan, Shard},
};

/// Work on a sweep that has been planned, beside other processes
///
/// Several processes, also of several machines with a common folder, can work on one sweep: each claims a pack before it
/// works on it. What a killed one leaves behind, the next goes on with. Targets and checkpoints are where --results says,
/// so it must be the folder that the sweep was planned in.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd sweep work runs/tms_5-2-sweep-0a1b2c3d --shard 0/4
  apd sweep work runs/tms_5-2-sweep-0a1b2c3d --pack 7 --threads 2")]
pub struct Work {
    /// The sweep's folder
    #[arg(value_name = "SWEEP")]
    folder: PathBuf,
    /// Only this pack of plan.csv (repeatable)
    #[arg(long, value_name = "N")]
    pack: Vec<usize>,
    #[command(flatten)]
    part: PartArguments,
    /// This is one of several processes that another one waits for and judges.
    #[arg(long, hide = true)]
    worker: bool,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    results: Results,
    #[command(flatten)]
    saving: Saving,
}

/// Which packs are meant, and which trials.
#[derive(Debug, Args)]
pub struct PartArguments {
    /// Only every N-th pack, from the I-th on, counted from 0
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Try failed trials again
    #[arg(long)]
    pub retry_failed: bool,
}

impl Work {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        let options = &Options::new(&self.results).with_compute(&self.compute).with_saving(&self.saving);
        let folder = SweepFolder::existing(&self.folder).map_err(Failure::work)?;
        let plan = Plan::read(&folder).map_err(Failure::work)?;
        if let Some(pack) = self.pack.iter().find(|&&pack| pack >= plan.packs.len()) {
            let last = plan.packs.len() - 1;
            return Err(Failure::Use(format!("there is no pack {pack}\n  help: plan.csv names the packs 0 to {last}")));
        }
        let device = open_device(options)?;
        prepare_results(&options.results).map_err(Failure::work)?;
        let mut session = session_on(device, options, screen)?;
        let part = Part { shard: self.part.shard, packs: self.pack.clone(), retry_failed: self.part.retry_failed };
        if !(0..plan.packs.len()).any(|pack| part.contains(pack)) {
            tracing::warn!("the sweep has {} packs, and none of them is in this share", plan.packs.len());
        }
        work_on(&plan, &folder, &part, &mut session)?;
        if self.worker { Ok(Ending::Done) } else { judge(&sweep::overview(&plan, &folder), Ending::Done) }
    }
}

/// Works on a part of a sweep in this process.
pub fn work_on(plan: &Plan, folder: &SweepFolder, part: &Part, session: &mut Session) -> Result<(), Failure> {
    match sweep::work(plan, folder, part, session)? {
        0 => Ok(()),
        failed => Err(Failure::Work(format!(
            "{failed} of {} packs failed\n  help: see `apd sweep status {}`, then try them again with --retry-failed",
            plan.packs.len(),
            quoted_path(folder.path())
        ))),
    }
}
