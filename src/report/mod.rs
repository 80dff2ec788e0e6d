//! Tables and figures of runs, made from their folders alone; so a report can be made again from an old run, and of
//! an unfinished one it shows what is there.
//!
//! - `run_data`, `rows`, `weights`: a run folder read into plain values
//! - `paper`: published numbers to compare with
//! - `table`: what the tables say, whatever they are written in
//! - `terminal`, `markdown`: the tables as text, and the page `report.md`
//! - `figure`: the pictures
//! - `list`: what is in a results folder; `diff`: two runs side by side

mod diff;
mod figure;
mod list;
mod markdown;
mod paper;
mod rows;
mod run_data;
mod table;
mod terminal;
mod weights;

use std::{fs, path::PathBuf};

pub use diff::diff;
pub use figure::scaling;
pub use list::list;
use run_data::RunData;

use crate::run::{RunError, RunFolder, write_whole};

/// Reports that have been written.
pub struct Report {
    runs: Vec<RunData>,
    /// The files written, `report.md` of each run first.
    pub written: Vec<PathBuf>,
}

impl Report {
    /// The tables as plain text, no line longer than `width` columns if that is at least 60.
    pub fn text(&self, width: usize) -> String {
        terminal::text(&self.runs, width)
    }
}

/// Writes the report of each run folder into its subfolder `report`: `report.md`, the figures as SVG, and each
/// figure's numbers as CSV beside it (`<figure>_figure.csv`). All runs are read before anything is written.
///
/// # Errors
/// If a path is no run folder, or a report cannot be written. Files that are missing in a run folder, or damaged, are
/// no error: the report says so.
pub fn make(runs: &[PathBuf]) -> Result<Report, RunError> {
    let runs: Vec<RunData> = runs.iter().map(|folder| RunData::read(folder)).collect::<Result<_, _>>()?;
    let mut written = Vec::new();
    for run in &runs {
        let folder = RunFolder::at(&run.folder).report();
        fs::create_dir_all(&folder).map_err(|error| RunError::write(&folder, &error).with_help(IF_NOT_WRITABLE))?;
        let mut write = |name: &str, text: &str| {
            let path = folder.join(name);
            write_whole(&path, |out| out.write_all(text.as_bytes()))
                .map_err(|error| error.with_help(IF_NOT_WRITABLE))?;
            written.push(path);
            Ok(())
        };
        let figures = figure::draw_all(run);
        write("report.md", &markdown::page(run, &figures))?;
        for figure in &figures {
            write(&format!("{}.svg", figure.name), &figure.svg)?;
            write(&format!("{}_figure.csv", figure.name), &figure.csv)?;
        }
    }
    Ok(Report { runs, written })
}

const IF_NOT_WRITABLE: &str = "make the run folder writable, or copy it and report on the copy";
