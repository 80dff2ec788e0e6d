//! What is in a results folder: a line for every run and every sweep, the newest first.

use std::{fs, path::Path};

use super::{
    files::{cannot_be_read, file_name},
    rows::read_table,
    run_data::{read_provenance, read_spec},
    status::ListedStatus,
    sweep::ListedSweep,
    table::{Share, Table},
    terminal::{narrowed, unbroken, wrapped},
};
use crate::{
    run::{FolderKind, RunError, RunFolder, Status, SweepFolder, exists, is_file},
    shell::quoted_path,
    spec,
    table::SummaryRow,
    visible::visible,
};

const HEADER: [&str; 5] = ["folder", "experiment", "begun (UTC)", "status", "recovered"];

const WHAT_TO_DO: &str =
    "Begin a run, for example with `apd run experiments/tms_5-2.toml`, or name another folder with --results.";

/// A run, or a sweep, as far as the list shows it.
struct Listed {
    /// Its name in the results folder.
    folder: String,
    experiment: Option<String>,
    /// UTC, RFC 3339.
    started: Option<String>,
    status: String,
    /// Of the replicas judged, those recovered.
    share: Option<Share>,
    /// What is wrong with its files, one sentence each.
    problems: Vec<String>,
}

/// The runs and sweeps in the folder `results`, in lines of at most `width` columns as far as their names leave room for that; or what
/// to do if there are none.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn list(results: &Path, width: usize) -> Result<String, RunError> {
    let shown = visible(&results.display().to_string());
    if !exists(results)? {
        return Ok(wrapped(&format!("There is no folder {shown} yet. {WHAT_TO_DO}"), width));
    }
    if let Some(error) = of_no_runs(results) {
        return Err(error);
    }
    let unreadable = |error| RunError::read(results, &error);
    let mut runs = Vec::new();
    for entry in fs::read_dir(results).map_err(unreadable)? {
        runs.extend(Listed::of(&entry.map_err(unreadable)?.path()));
    }
    if runs.is_empty() {
        return Ok(wrapped(&format!("There are no runs in {shown}. {WHAT_TO_DO}"), width));
    }
    // Those of which it is not known when they began come last.
    runs.sort_by(|left, right| right.started.cmp(&left.started).then_with(|| left.folder.cmp(&right.folder)));
    let table = Table {
        header: HEADER.map(str::to_owned).to_vec(),
        rows: runs.iter().map(|run| run.cells().map(|cell| visible(&cell)).to_vec()).collect(),
    };
    // A folder's name begins with its experiment's.
    let mut parts = vec![unbroken(&narrowed(table, &["experiment"], width), width)];
    let problems = runs.iter().flat_map(|run| run.problems.iter().map(|problem| (&run.folder, problem)));
    let note = |(folder, problem)| wrapped(&visible(&format!("Note: {folder}: {problem}")), width);
    let notes: Vec<String> = problems.map(note).collect();
    if !notes.is_empty() {
        parts.push(notes.join("\n"));
    }
    Ok(parts.join("\n\n"))
}

/// That a folder is a run or a sweep, and so none that holds runs; a spec of somebody's may well lie beside runs.
fn of_no_runs(results: &Path) -> Option<RunError> {
    let shown = results.display();
    let is_there = |path: &Path| is_file(path).unwrap_or(false);
    match FolderKind::of(results).ok()? {
        FolderKind::Run if is_there(&RunFolder::at(results).provenance()) => Some(RunError::new(
            format!("{shown} is the folder of a run, not of runs"),
            "show it with `apd report`, or name the folder that it is in",
        )),
        FolderKind::Sweep if is_there(&SweepFolder::at(results).plan()) => Some(RunError::new(
            format!("{shown} is the folder of a sweep"),
            format!("list its trials with --results {}", quoted_path(&results.join("trials"))),
        )),
        _ => None,
    }
}

impl Listed {
    /// What is listed of an entry of the results folder, if it is a run, if only what is left of one, or a sweep. What may not
    /// be looked into could be either.
    fn of(path: &Path) -> Option<Self> {
        let is_left = || is_file(&RunFolder::at(path).provenance());
        match FolderKind::of(path).and_then(|kind| Ok((kind, kind == FolderKind::Other && is_left()?))) {
            Ok((FolderKind::Sweep, _)) => Some(Self::of_sweep(path)),
            Ok((FolderKind::Run, _) | (FolderKind::Other, true)) => Some(Self::read(path)),
            Ok(_) => None,
            Err(_) if is_of_the_system(path) => None,
            Err(error) => Some(Self {
                folder: file_name(path),
                experiment: None,
                started: None,
                status: ListedStatus::Unreadable.to_string(),
                share: None,
                problems: vec![format!("{}.", error.what())],
            }),
        }
    }

    fn read(folder: &Path) -> Self {
        let paths = RunFolder::at(folder);
        let mut problems = Vec::new();
        read_spec(&paths.spec(), &mut problems);
        let provenance = read_provenance(&paths.provenance(), &mut problems);
        let is_closed =
            [paths.spec(), paths.provenance(), paths.table::<SummaryRow>()].iter().any(|path| cannot_be_read(path));
        let status = if is_closed { ListedStatus::Unreadable } else { ListedStatus::of(&provenance, folder) };
        let is_finished = status == ListedStatus::Recorded(Status::Finished);
        // Before the end it is not expected. One that may not be looked at is read, which tells why.
        let summary: Vec<SummaryRow> = match is_file(&paths.table::<SummaryRow>()).unwrap_or(true) || is_finished {
            true => read_table(&paths.table::<SummaryRow>(), &mut problems),
            false => Vec::new(),
        };
        Self {
            folder: file_name(folder),
            experiment: spec::describe(folder).experiment,
            started: provenance.get("started").and_then(|moment| moment.as_str()).map(str::to_owned),
            status: status.to_string(),
            share: Share::of_rows(&summary),
            problems,
        }
    }

    fn of_sweep(folder: &Path) -> Self {
        let ListedSweep { experiment, started, status, share, problems } = ListedSweep::read(folder);
        Self { folder: file_name(folder), experiment, started, status, share, problems }
    }

    fn cells(&self) -> [String; 5] {
        let or_unknown = |cell: Option<String>| cell.unwrap_or_else(|| "–".to_owned());
        // To the minute: 2026-11-22T16:14:49Z.
        let minute = |started: &String| started.chars().take(16).collect::<String>().replace('T', " ");
        [
            self.folder.clone(),
            or_unknown(self.experiment.clone()),
            or_unknown(self.started.as_ref().map(minute)),
            self.status.clone(),
            or_unknown(self.share.as_ref().map(Share::count)),
        ]
    }
}

/// Whether a folder that may not be read is one that systems and desktops keep, and no run's.
fn is_of_the_system(path: &Path) -> bool {
    let name = file_name(path);
    name == "lost+found" || name.starts_with('.')
}
