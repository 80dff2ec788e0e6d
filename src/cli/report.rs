//! `apd report RUN...`.

use std::path::PathBuf;

use clap::Args;

use super::{Ending, Failure, finish};
use crate::report::Options;

/// Make tables and figures from run folders
///
/// Into each run's folder, under `report`: report.html, a page to explore, which needs no network; report.md, tables.tex,
/// and every figure as SVG with its numbers as CSV. Of several runs also comparison.html and comparison.md: where their
/// specs differ, and their results and figures side by side. A run that is still going on shows what is there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd report runs/tms_5-2-0a1b2c3d
  apd report runs/tms_* --out compared")]
pub struct Report {
    /// Run folders
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,

    /// Put the weights of these replicas into report.html, besides those of the one that is shown first
    #[arg(long, value_name = "REPLICA,..", value_delimiter = ',')]
    replicas: Vec<usize>,

    /// Write comparison.html and comparison.md of several runs here [default: the first run's report]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Report {
    pub fn run(&self) -> Result<Ending, Failure> {
        if self.out.is_some() && self.runs.len() < 2 {
            return Err(Failure::Use("--out is where several runs are compared, and this is one".to_owned()));
        }
        let options = Options { replicas: self.replicas.clone(), comparison: self.out.clone() };
        finish::report_with(&self.runs, &options)
    }
}
