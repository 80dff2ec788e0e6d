//! `apd diff A B`.

use std::path::PathBuf;

use clap::Args;

use super::{
    Ending, Failure,
    ending::print,
    finish::terminal_width,
    folders::{Meant, Wanted, meant},
};
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
    /// Two run folders; further paths that are no runs are passed over
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
}

impl Diff {
    pub fn run(&self) -> Result<Ending, Failure> {
        let Meant { folders, ending } = self.meant()?;
        let [first, second] = folders.as_slice() else { return Err(not_two(&folders)) };
        let text = report::diff(first, second, terminal_width()).map_err(Failure::work)?;
        print(&format!("{}\n", text.trim_end()))?;
        Ok(ending)
    }
}

impl Diff {
    /// The run folders: of two paths each must be one, of more those that are none are passed over.
    fn meant(&self) -> Result<Meant, Failure> {
        if let [_, _] = self.runs.as_slice() {
            self.runs.iter().try_for_each(|path| meant(std::slice::from_ref(path), Wanted::Runs).map(drop))?;
        }
        meant(&self.runs, Wanted::Runs)
    }
}

fn not_two(folders: &[PathBuf]) -> Failure {
    let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    Failure::Use(match names.as_slice() {
        [one] => format!("these are the same run, {one}\n  help: give two runs, which `apd list` lists"),
        names => format!(
            "diff compares two runs, and these are {}: {}\n  help: give two of them, or compare all with `apd report`",
            names.len(),
            names.join(", ")
        ),
    })
}
