//! Tables and figures of runs and sweeps, made from their folders alone; so a report can be made again from an old run, and of
//! an unfinished one it shows what is there.
//!
//! - `files`, `run_data`, `rows`, `evidence`, `weights`: a run folder read into plain values
//! - `paper`: published numbers to compare with
//! - `kind`: what the tables tell of each kind of network
//! - `choice`: which replica the score would pick
//! - `table`: what the tables say, whatever they are written in
//! - `terminal`, `markdown`, `latex`: the tables as text, the page `report.md`, and `tables.tex`
//! - `page`: the page `report.html`, and several runs side by side
//! - `figure`: the pictures
//! - `png`: the pictures as pixels
//! - `tensorboard`: a run for TensorBoard, in the format of `event_file`
//! - `sweep`: all of these of a sweep
//! - `list`: what is in a results folder; `diff`: two runs side by side

mod choice;
mod diff;
mod event_file;
mod evidence;
mod figure;
mod files;
mod kind;
mod latex;
mod list;
mod markdown;
mod page;
mod paper;
mod png;
mod rows;
mod run_data;
mod sweep;
mod table;
mod tensorboard;
mod terminal;
mod weights;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use diff::diff;
use figure::Figure;
pub use figure::scaling;
pub use list::list;
pub use png::export as export_as_png;
use run_data::RunData;
use sweep::SweepData;
pub use tensorboard::export as export_to_tensorboard;

use crate::run::{RunError, RunFolder, SweepFolder, refuse_link, write_whole};

/// Reports that have been written.
pub struct Report {
    runs: Vec<RunData>,
    sweeps: Vec<SweepData>,
    /// The files written, `report.md` of each run first, and then those of the sweeps.
    pub written: Vec<PathBuf>,
}

impl Report {
    /// Reads folders of runs and of sweeps; nothing is written yet.
    ///
    /// # Errors
    /// If a path is the folder of neither. Files that are missing in one, or damaged, are no error: the report says so.
    pub fn read(folders: &[PathBuf]) -> Result<Report, RunError> {
        let (mut runs, mut sweeps) = (Vec::new(), Vec::new());
        for folder in folders {
            match is_sweep(folder) {
                true => sweeps.push(SweepData::read(folder)?),
                false if folder.is_dir() && !RunFolder::at(folder).spec().is_file() => return Err(neither(folder)),
                false => runs.push(RunData::read(folder)?),
            }
        }
        Ok(Report { runs, sweeps, written: Vec::new() })
    }

    /// The folders of the runs of which every replica has diverged, with their seeds.
    pub fn wholly_diverged(&self) -> impl Iterator<Item = (&Path, Vec<u64>)> {
        let has_diverged =
            |run: &&RunData| !run.summary.is_empty() && run.summary.iter().all(|row| row.diverged_at.is_some());
        let seeds = |run: &RunData| run.summary.iter().map(|row| row.seed).collect();
        self.runs.iter().filter(has_diverged).map(move |run| (run.folder.as_path(), seeds(run)))
    }

    /// The tables as plain text, no line longer than `width` columns if that is at least 60.
    pub fn text(&self, width: usize) -> String {
        let runs = Some(terminal::text(&self.runs, width)).filter(|text| !text.is_empty());
        let sweeps = self.sweeps.iter().map(|sweep| sweep::text(sweep, width));
        runs.into_iter().chain(sweeps).collect::<Vec<_>>().join("\n\n\n")
    }
}

/// Whether `folder` is the folder of a sweep, as far as its files' names tell, and not that of a run.
pub fn is_sweep(folder: &Path) -> bool {
    SweepFolder::at(folder).is_one()
}

fn neither(folder: &Path) -> RunError {
    let what = format!(
        "{} is neither the folder of a run nor that of a sweep: it holds no spec.toml and no sweep.toml",
        folder.display()
    );
    RunError::new(what, "give one of the folders in the results folder, which `apd list` lists")
}

/// What a report is to hold beyond what it always does.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Replicas whose weights are in `report.html` too, besides those of the shown one.
    pub replicas: Vec<usize>,
    /// Where several runs side by side are written; otherwise in the report of the first.
    pub comparison: Option<PathBuf>,
}

/// [`make_with`] the usual options.
///
/// # Errors
/// As there.
pub fn make(folders: &[PathBuf]) -> Result<Report, RunError> {
    make_with(folders, &Options::default())
}

/// Writes the report of each folder of a run or a sweep into its subfolder `report`: `report.md`, `report.html`, of runs
/// `tables.tex`, the figures as SVG, and each figure's numbers as CSV beside it (`<figure>_figure.csv`); of several runs also
/// `comparison.html` and `comparison.md`. All folders are read before anything is written.
///
/// # Errors
/// If a path is the folder of neither, or a report cannot be written. Files that are missing in a run folder, or damaged, are
/// no error: the report says so.
pub fn make_with(folders: &[PathBuf], options: &Options) -> Result<Report, RunError> {
    let Report { runs, sweeps, .. } = Report::read(folders)?;
    let figures: Vec<Vec<Figure>> = runs.iter().map(figure::draw_all).collect();
    let mut written = Vec::new();
    let mut write = |folder: &Path, name: &str, text: &str| {
        let path = folder.join(name);
        write_whole(&path, |out| out.write_all(text.as_bytes()))
            .map_err(|error| error.with_help_if_forbidden(IF_NOT_WRITABLE))?;
        written.push(path);
        Ok(())
    };
    for (run, figures) in runs.iter().zip(&figures) {
        let folder = report_folder(RunFolder::at(&run.folder).report())?;
        write(&folder, "report.md", &markdown::page(run, figures))?;
        write(&folder, "report.html", &page::page(run, figures, &options.replicas))?;
        write(&folder, "tables.tex", &latex::tables(run))?;
        figures.iter().try_for_each(|figure| write_figure(&mut write, &folder, figure))?;
    }
    for sweep in &sweeps {
        let folder = report_folder(SweepFolder::at(&sweep.folder).report())?;
        let figures = sweep::draw_all(sweep);
        write(&folder, "report.md", &sweep::markdown(sweep, &figures))?;
        write(&folder, "report.html", &sweep::page(sweep, &figures))?;
        figures.iter().try_for_each(|figure| write_figure(&mut write, &folder, figure))?;
    }
    if let [first, _, ..] = runs.as_slice() {
        let folder =
            options.comparison.clone().map_or_else(|| report_folder(RunFolder::at(&first.folder).report()), made)?;
        let comparison = page::Comparison::new(&runs, &figures);
        write(&folder, "comparison.html", &comparison.html())?;
        write(&folder, "comparison.md", &comparison.markdown(markdown::written))?;
    }
    Ok(Report { runs, sweeps, written })
}

/// Writes the picture and its numbers.
fn write_figure(
    mut write: impl FnMut(&Path, &str, &str) -> Result<(), RunError>,
    folder: &Path,
    figure: &Figure,
) -> Result<(), RunError> {
    write(folder, &format!("{}.svg", figure.name), &figure.svg)?;
    write(folder, &format!("{}_figure.csv", figure.name), &figure.csv)
}

/// The folder of a report, made if it was not there.
fn report_folder(folder: PathBuf) -> Result<PathBuf, RunError> {
    refuse_link(&folder)?;
    made(folder)
}

/// The folder, made if it was not there.
fn made(folder: PathBuf) -> Result<PathBuf, RunError> {
    fs::create_dir_all(&folder)
        .map_err(|error| RunError::write(&folder, &error).with_help_if_forbidden(IF_NOT_WRITABLE))?;
    Ok(folder)
}

const IF_NOT_WRITABLE: &str = "make the run folder writable, or copy it and report on the copy";
