//! `apd report RUN...`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Ending, Failure, finish,
    folders::{Meant, Wanted, meant},
};
use crate::{report::Options, run::FolderKind};

/// Make tables and figures from the folders of runs and sweeps
///
/// Into each folder, under `report`: report.html, a page to explore, which needs no network; report.md, of a run tables.tex,
/// and every figure as SVG with its numbers as CSV. The report of a sweep holds what it recommends, that beside the base
/// setting, what the score depends on, and all trials. Of several runs also comparison.html and comparison.md: a row for each,
/// their errors against active components and against bits in common figures, where their specs differ, and their results
/// and figures side by side. What is still going on shows what is there. Where a folder may
/// not be written, as that of somebody else, the tables are only printed; --out gives the files another place.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd report runs/tms_5-2-0a1b2c3d
  apd report runs/tms_* --out compared
  apd report /data/somebody/runs/tms_5-2-0a1b2c3d --out theirs
  apd report runs/tms_5-2-sweep-0a1b2c3d
  apd report runs/tms_5-2-sweep-0a1b2c3d/trials/0007")]
pub struct Report {
    /// Folders of runs and sweeps; of several paths those that are neither are passed over
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,

    /// Put the weights of these replicas into a run's report.html, besides those of the one that is shown first
    #[arg(long, value_name = "REPLICA,..", value_delimiter = ',')]
    replicas: Vec<usize>,

    /// Write everything here and nothing into the folders of the runs: of one run or sweep directly, of several each into a
    /// folder of its name, and the comparison beside these
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Refuses to write a report among the files of a run, a sweep or a target, where it would be taken for a part of them.
fn refuse_apds_own(out: &Path) -> Result<(), Failure> {
    let what = match FolderKind::of(out).map_err(Failure::work)? {
        FolderKind::Run => "a run",
        FolderKind::Sweep => "a sweep",
        FolderKind::Target => "a target",
        FolderKind::Targets => "trained targets",
        FolderKind::Other => return Ok(()),
    };
    Err(Failure::Use(format!(
        "{} is the folder of {what}, and a report does not belong among its files\n  help: give another folder with --out, or \
         leave it out: the report of a run is then in its folder, below report/",
        out.display()
    )))
}

impl Report {
    pub fn run(&self) -> Result<Ending, Failure> {
        let Meant { folders, ending } = meant(&self.runs, Wanted::RunsAndSweeps)?;
        self.out.as_deref().map_or(Ok(()), refuse_apds_own)?;
        let options = Options { replicas: self.replicas.clone(), out: self.out.clone() };
        match finish::report_with(&folders, &options)? {
            Ending::Done => Ok(ending),
            failed => Ok(failed),
        }
    }
}
