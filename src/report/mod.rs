//! Tables and figures of runs and sweeps, made from their folders alone; so a report can be made again from an old run, and of
//! an unfinished one it shows what is there.
//!
//! - `files`, `run_data`, `rows`, `evidence`, `weights`: a run folder read into plain values
//! - `place`: where reports are written
//! - `paper`: published numbers to compare with
//! - `kind`: what the tables tell of each kind of network
//! - `choice`: which replica the score would pick; `left_out`: which features no verdict counts
//! - `compared`: several runs against each other, in numbers and tests
//! - `table`: what the tables say, whatever they are written in
//! - `table_reference`: what the tables of runs and sweeps hold
//! - `terminal`, `markdown`, `latex`: the tables as text, the page `report.md`, and `tables.tex`
//! - `page`: the page `report.html`, and several runs side by side
//! - `figure`: the pictures
//! - `png`: the pictures as pixels
//! - `tensorboard`: a run for TensorBoard, in the format of `event_file`
//! - `sweep`: all of these of a sweep
//! - `list`: what is in a results folder; `diff`: two runs side by side

mod choice;
mod compared;
mod diff;
mod event_file;
mod evidence;
mod figure;
mod files;
mod kind;
mod latex;
mod left_out;
mod list;
mod markdown;
mod numbering;
mod page;
mod paper;
pub mod place;
mod png;
mod rows;
mod run_data;
mod status;
mod sweep;
mod table;
pub mod table_reference;
mod tensorboard;
mod terminal;
mod weights;

/// What figures are drawn on and with, for programs beside the report that draw in its style.
pub mod canvas {
    pub use super::figure::{
        axis::Axis,
        sheet::{Frame, Sheet},
        style,
    };
}

use std::path::{Path, PathBuf};

pub use diff::diff;
use figure::Figure;
pub use list::list;
pub use png::export as export_as_png;
use run_data::RunData;
use sweep::SweepData;
pub use tensorboard::export as export_to_tensorboard;
pub(crate) use terminal::wrapped;

use crate::run::{FolderKind, RunError, RunFolder, SweepFolder, is_folder, write_whole};

/// What is to be reported, and the files that have been written.
pub struct Report {
    runs: Vec<RunData>,
    sweeps: Vec<SweepData>,
    /// The files written, `report.md` of each run first, and then those of the sweeps.
    pub written: Vec<PathBuf>,
    /// The folders of runs and sweeps that may not be written, so that their files are not there.
    pub refused: Vec<RunError>,
}

impl Report {
    /// Reads folders of runs and of sweeps; nothing is written yet.
    ///
    /// # Errors
    /// If a path is the folder of neither, or may not be read. Files that are missing in one, or damaged, are no error: the
    /// report says so.
    pub fn read(folders: &[PathBuf]) -> Result<Report, RunError> {
        let (report, errors) = Report::read_each(folders);
        errors.into_iter().next().map_or(Ok(report), Err)
    }

    /// Refuses numbers of replicas that one of the runs does not have.
    ///
    /// # Errors
    /// With the run and the replicas that it has.
    pub fn check_replicas(&self, replicas: &[usize]) -> Result<(), RunError> {
        for run in &self.runs {
            let Some(count) = run.replicas() else { continue };
            if let Some(replica) = replicas.iter().find(|&&replica| replica >= count) {
                let has = if count == 1 { "only replica 0".into() } else { format!("the replicas 0 to {}", count - 1) };
                let help = "give --replicas numbers that every run has";
                return Err(RunError::new(format!("{} has {has}, and no replica {replica}", run.name), help));
            }
        }
        Ok(())
    }

    /// Reads those folders that can be read; the errors say why the others cannot.
    pub fn read_each(folders: &[PathBuf]) -> (Report, Vec<RunError>) {
        let mut report = Report { runs: Vec::new(), sweeps: Vec::new(), written: Vec::new(), refused: Vec::new() };
        let errors = folders.iter().filter_map(|folder| report.add(folder).err()).collect();
        (report, errors)
    }

    fn add(&mut self, folder: &Path) -> Result<(), RunError> {
        match FolderKind::of(folder)? {
            FolderKind::Sweep => self.sweeps.push(SweepData::read(folder)?),
            FolderKind::Other | FolderKind::Targets if is_folder(folder)? => return Err(neither(folder)),
            _ => self.runs.push(RunData::read(folder)?),
        }
        Ok(())
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
    /// Where everything is written, of one run or sweep directly, of several in a folder for each; otherwise into the folders
    /// of the runs and sweeps.
    pub out: Option<PathBuf>,
}

/// [`make_with`] the usual options.
///
/// # Errors
/// As there.
pub fn make(folders: &[PathBuf]) -> Result<Report, RunError> {
    make_with(folders, &Options::default())
}

/// Reads folders of runs and sweeps and writes their reports.
///
/// # Errors
/// As [`Report::read`] and [`Report::write`], and if a folder may not be written.
pub fn make_with(folders: &[PathBuf], options: &Options) -> Result<Report, RunError> {
    let mut report = Report::read(folders)?;
    report.write(options)?;
    match report.refused.pop() {
        Some(error) => Err(error),
        None => Ok(report),
    }
}

impl Report {
    /// Writes the report of each folder of a run or a sweep into its subfolder `report`: `report.md`, `report.html`, of runs
    /// `tables.tex`, the figures as SVG, and each figure's numbers as CSV beside it (`<figure>_figure.csv`); of several runs
    /// also `comparison.html`, `comparison.md` and their figures into that of the first. A folder that may not be written, as that of
    /// somebody else, is noted as refused and does not keep the others from being written.
    ///
    /// # Errors
    /// If a report cannot be written for another reason, or not into the folder that the options name.
    pub fn write(&mut self, options: &Options) -> Result<(), RunError> {
        let figures: Vec<Vec<Figure>> = self.runs.iter().map(figure::draw_all).collect();
        let places = Places::new(self, options);
        let mut files = Files::default();
        let mut refused = Vec::new();
        let mut note = |outcome: Result<(), RunError>| match outcome {
            Err(error) if error.is_forbidden() && options.out.is_none() => {
                // The comparison belongs into the folder of the first run, which may have been noted.
                let is_noted = refused.iter().any(|noted: &RunError| noted.what() == error.what());
                refused.extend((!is_noted).then_some(error));
                Ok(())
            }
            outcome => outcome,
        };
        for (number, (run, figures)) in self.runs.iter().zip(&figures).enumerate() {
            let write = |files: &mut Files| {
                let folder = places.of(number, RunFolder::at(&run.folder).report())?;
                files.write(&folder, "report.md", &markdown::page(run, figures))?;
                files.write(&folder, "report.html", &page::page(run, figures, &options.replicas))?;
                files.write(&folder, "tables.tex", &latex::tables(run))?;
                figures.iter().try_for_each(|figure| files.write_figure(&folder, figure))
            };
            note(write(&mut files))?;
        }
        for (number, sweep) in (self.runs.len()..).zip(&self.sweeps) {
            let write = |files: &mut Files| {
                let folder = places.of(number, SweepFolder::at(&sweep.folder).report())?;
                let figures = sweep::draw_all(sweep);
                let link = place::link(&folder, &sweep.folder);
                files.write(&folder, "report.md", &sweep::markdown(sweep, &figures, &link))?;
                files.write(&folder, "report.html", &sweep::page(sweep, &figures, &link))?;
                figures.iter().try_for_each(|figure| files.write_figure(&folder, figure))
            };
            note(write(&mut files))?;
        }
        if let [first, _, ..] = self.runs.as_slice() {
            let write = |files: &mut Files| {
                let own = || place::own(RunFolder::at(&first.folder).report());
                let folder = options.out.clone().map_or_else(own, place::named)?;
                let comparison = page::Comparison::new(&self.runs, &figures);
                files.write(&folder, "comparison.html", &comparison.html())?;
                files.write(&folder, "comparison.md", &comparison.markdown(markdown::written))?;
                comparison.overlays.iter().try_for_each(|figure| files.write_figure(&folder, figure))
            };
            note(write(&mut files))?;
        }
        (self.written, self.refused) = (files.written, refused);
        Ok(())
    }
}

/// The folders that the reports of runs, and then those of sweeps, belong into.
struct Places(Option<Vec<PathBuf>>);

impl Places {
    fn new(report: &Report, options: &Options) -> Self {
        let runs = report.runs.iter().map(|run| run.folder.as_path());
        let folders: Vec<&Path> = runs.chain(report.sweeps.iter().map(|sweep| sweep.folder.as_path())).collect();
        Self(options.out.as_ref().map(|out| match folders.len() {
            1 => vec![out.clone()],
            _ => place::names(&folders).into_iter().map(|name| out.join(name)).collect(),
        }))
    }

    /// The folder of the report with this number, made if it was not there; `own` if no other was named.
    fn of(&self, number: usize, own: PathBuf) -> Result<PathBuf, RunError> {
        match &self.0 {
            Some(named) => place::named(named[number].clone()),
            None => place::own(own),
        }
    }
}

/// Files that are written, in their order.
#[derive(Default)]
struct Files {
    written: Vec<PathBuf>,
}

impl Files {
    fn write(&mut self, folder: &Path, name: &str, text: &str) -> Result<(), RunError> {
        let path = folder.join(name);
        write_whole(&path, |out| out.write_all(text.as_bytes()))?;
        self.written.push(path);
        Ok(())
    }

    /// Writes the picture and its numbers.
    fn write_figure(&mut self, folder: &Path, figure: &Figure) -> Result<(), RunError> {
        self.write(folder, &format!("{}.svg", figure.name), &figure.svg)?;
        self.write(folder, &format!("{}_figure.csv", figure.name), &figure.csv)
    }
}
