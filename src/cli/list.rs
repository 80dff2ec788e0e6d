//! `apd list`.

use clap::Args;

use super::{Ending, Failure, ending::print, finish::terminal_width, options::Options};
use crate::report;

/// List the runs in the results folder, the newest first
///
/// A run that says it is running though no process works in it is listed as stopped: the command that began it goes on
/// with it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd list
  apd list --results /data/runs")]
pub struct List {}

impl List {
    pub fn run(&self, options: &Options) -> Result<Ending, Failure> {
        let text = report::list(&options.results, terminal_width(80)).map_err(Failure::work)?;
        print(&format!("{}\n", text.trim_end()))?;
        Ok(Ending::Done)
    }
}
