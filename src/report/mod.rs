//! Tables and figures of runs, made from their folders alone; so a report can be made again from an old run, and of
//! an unfinished one it shows what is there.
//!
//! - `run_data`, `rows`, `weights`: a run folder read into plain values
//! - `paper`: published numbers to compare with
//! - `table`: what the tables say, whatever they are written in
//! - `terminal`, `markdown`: the tables as text, and the page `report.md`
//! - `figure`: the pictures

mod figure;
mod markdown;
mod paper;
mod rows;
mod run_data;
mod table;
mod terminal;
mod weights;

use std::{
    error::Error,
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use atomic_write_file::AtomicWriteFile;

use run_data::RunData;

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
pub fn make(runs: &[PathBuf]) -> Result<Report, ReportError> {
    let runs: Vec<RunData> = runs.iter().map(|folder| RunData::read(folder)).collect::<Result<_, _>>()?;
    let mut written = Vec::new();
    for run in &runs {
        let folder = run.folder.join("report");
        fs::create_dir_all(&folder).map_err(|error| ReportError::NotWritten(folder.clone(), error))?;
        let mut write = |name: &str, text: &str| {
            let path = folder.join(name);
            write_whole(&path, text).map_err(|error| ReportError::NotWritten(path.clone(), error))?;
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

/// Writes a file that appears whole or not at all.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = AtomicWriteFile::open(path)?;
    file.write_all(text.as_bytes())?;
    file.commit()
}

/// Why there is no report.
#[derive(Debug)]
pub enum ReportError {
    /// The path is no folder.
    NoFolder(PathBuf),
    /// The folder is not a run's.
    NotARun(PathBuf),
    /// The report could not be written there.
    NotWritten(PathBuf, io::Error),
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReportError::NoFolder(path) => write!(
                f,
                "there is no folder `{}`; give the folder of a run, which `apd run` names when it begins and ends",
                path.display()
            ),
            ReportError::NotARun(path) => write!(
                f,
                "`{}` is not the folder of a run: it holds no spec.toml; give one of the folders in the results folder",
                path.display()
            ),
            ReportError::NotWritten(path, error) => write!(
                f,
                "`{}` could not be written: {error}; make the run folder writable, or copy it and report on the copy",
                path.display()
            ),
        }
    }
}

impl Error for ReportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ReportError::NoFolder(_) | ReportError::NotARun(_) => None,
            ReportError::NotWritten(_, error) => Some(error),
        }
    }
}
