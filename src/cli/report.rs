//! `apd report RUN...`.

use std::path::PathBuf;

use clap::Args;

use super::{Ending, Failure, finish};
use crate::{
    report::{Options, is_sweep},
    run::Elsewhere,
};

/// Make tables and figures from the folders of runs and sweeps
///
/// Into each folder, under `report`: report.html, a page to explore, which needs no network; report.md, of a run tables.tex,
/// and every figure as SVG with its numbers as CSV. The report of a sweep holds what it recommends, that beside the base
/// setting, what the score depends on, and all trials. Of several runs also comparison.html and comparison.md: where their
/// specs differ, and their results and figures side by side. What is still going on shows what is there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd report runs/tms_5-2-0a1b2c3d
  apd report runs/tms_* --out compared
  apd report runs/tms_5-2-sweep-0a1b2c3d
  apd report runs/tms_5-2-sweep-0a1b2c3d/trials/0007")]
pub struct Report {
    /// Folders of runs and sweeps
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,

    /// Put the weights of these replicas into a run's report.html, besides those of the one that is shown first
    #[arg(long, value_name = "REPLICA,..", value_delimiter = ',')]
    replicas: Vec<usize>,

    /// Write comparison.html and comparison.md of several runs here [default: the first run's report]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Report {
    pub fn run(&self) -> Result<Ending, Failure> {
        let runs = self.runs.iter().filter(|folder| !is_sweep(folder)).count();
        if self.out.is_some() && runs < 2 {
            let these = if runs == 1 { "this is one" } else { "sweeps are not" };
            return Err(Failure::Use(format!("--out is where several runs are compared, and {these}")));
        }
        let options = Options { replicas: self.replicas.clone(), comparison: self.out.clone() };
        finish::report_with(&self.runs, &options, Elsewhere::Out)
    }
}
