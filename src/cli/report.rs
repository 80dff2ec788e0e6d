//! `apd report RUN...`.

use std::path::PathBuf;

use clap::Args;

use super::{Ending, Failure, finish};

/// Make tables and figures from run folders
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd report runs/tms_5-2-0a1b2c3d
  apd report runs/tms_*")]
pub struct Report {
    /// Run folders
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
}

impl Report {
    pub fn run(&self) -> Result<Ending, Failure> {
        finish::report(&self.runs)
    }
}
