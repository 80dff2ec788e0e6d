//! `apd list`.

use clap::Args;

use super::{Ending, Failure, ending::print, finish::terminal_width, options::Results};
use crate::report;

/// List the runs and sweeps in the results folder, the newest first
///
/// Of a sweep the status says how many of its trials have ended. A run that says it is running, or a sweep that is not
/// finished, though no process works in it, is listed as stopped: the command that began it goes on with it. What may not be read is listed as unreadable, with the reason.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd list
  apd list --results /data/runs
  apd list --results runs/tms_5-2-sweep-0a1b2c3d/trials")]
pub struct List {
    #[command(flatten)]
    results: Results,
}

impl List {
    pub fn run(&self) -> Result<Ending, Failure> {
        let text = report::list(&self.results.results, terminal_width()).map_err(Failure::work)?;
        print(&format!("{}\n", text.trim_end()))?;
        Ok(Ending::Done)
    }
}
