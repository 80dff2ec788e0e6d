//! `apd diff A B`.

use std::path::PathBuf;

use clap::Args;

use super::{Ending, Failure, ending::print, finish::terminal_width};
use crate::report;

/// Compare the specs and the results of two runs
///
/// First every key of the resolved specs whose value differs, then the share of recovered replicas and the means of every
/// column of summary.csv over the replicas, with their standard deviations.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd diff runs/tms_5-2-0a1b2c3d runs/tms_5-2-4e5f6071")]
pub struct Diff {
    /// A run folder
    #[arg(value_name = "A")]
    first: PathBuf,

    /// Another run folder
    #[arg(value_name = "B")]
    second: PathBuf,
}

impl Diff {
    pub fn run(&self) -> Result<Ending, Failure> {
        let text = report::diff(&self.first, &self.second, terminal_width()).map_err(Failure::work)?;
        print(&format!("{}\n", text.trim_end()))?;
        Ok(Ending::Done)
    }
}
