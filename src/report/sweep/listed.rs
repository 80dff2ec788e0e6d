//! A sweep as a list of what there is shows it: from few and small files, for there may be many sweeps of thousands of trials.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::ErrorKind,
    path::Path,
};

use crate::{
    report::{
        files,
        rows::read_cells,
        run_data::read_provenance,
        status::ListedStatus,
        table::{Share, count},
    },
    run::{Lock, RunFolder, Status, SweepFolder, is_file, is_folder},
    sweep::Ending,
    table::TrialRow,
};

/// What a line says of a sweep.
pub struct ListedSweep {
    pub experiment: Option<String>,
    /// When its first trial was begun: UTC, RFC 3339.
    pub started: Option<String>,
    /// "12 of 64 trials, running"
    pub status: String,
    /// Of the replicas judged, those recovered.
    pub share: Option<Share>,
    /// What is wrong with its files, one sentence each.
    pub problems: Vec<String>,
}

impl ListedSweep {
    pub fn read(path: &Path) -> ListedSweep {
        let folder = SweepFolder::at(path);
        let mut problems = Vec::new();
        let spec = files::text(&folder.sweep()).map_err(|problem| problems.push(problem)).unwrap_or_default();
        let spec: toml::Table = spec.parse().unwrap_or_default();
        // What may not be looked at is read, which tells why.
        let is_there = |path: &Path| is_file(path).unwrap_or(true);
        let trials = match is_there(&folder.plan()) {
            true => Some(read_cells(&folder.plan(), &mut problems).1.len()),
            // Killed before it could write its plan.
            false => None,
        };
        let (header, rows) = match is_there(&folder.table::<TrialRow>()) {
            true => read_cells(&folder.table::<TrialRow>(), &mut problems),
            false => Default::default(),
        };
        let column = |name: &str| {
            let place = header.iter().position(|column| column == name);
            rows.iter().filter_map(move |row| row.get(place?)).map(String::as_str)
        };
        let ended: BTreeSet<&str> = column("trial").collect();
        let failed: BTreeSet<&str> = column("trial")
            .zip(column("status"))
            .filter(|(_, status)| status.parse() == Ok(Ending::Failed))
            .map(|(trial, _)| trial)
            .collect();
        let verdicts: Vec<bool> = column("recovered").filter_map(|cell| cell.parse().ok()).collect();
        ListedSweep {
            experiment: spec.get("name").and_then(|name| name.as_str()).map(str::to_owned),
            started: started(&folder),
            status: match [folder.plan(), folder.table::<TrialRow>()].iter().any(|path| files::cannot_be_read(path)) {
                true => ListedStatus::Unreadable.to_string(),
                false => status(trials, ended.len(), failed.len(), is_worked_on(&folder)) + &unreadable(&folder),
            },
            share: Share::new(verdicts.iter().filter(|recovered| **recovered).count(), verdicts.len()),
            problems,
        }
    }
}

fn status(trials: Option<usize>, ended: usize, failed: usize, is_worked_on: bool) -> String {
    let Some(trials) = trials else { return "no trials yet".to_owned() };
    let of = if ended < trials { format!("{ended} of {}", count(trials, "trial")) } else { count(trials, "trial") };
    let how = match () {
        () if ended < trials && is_worked_on => ListedStatus::Recorded(Status::Running).to_string(),
        () if ended < trials => ListedStatus::Stopped.to_string(),
        () if failed > 0 => format!("{failed} {}", ListedStatus::Recorded(Status::Failed)),
        () => ListedStatus::Recorded(Status::Finished).to_string(),
    };
    format!("{of}, {how}")
}

/// Whether a process works on the sweep or on a pack of it at this moment.
fn is_worked_on(folder: &SweepFolder) -> bool {
    // One that may not be looked into may well be worked on.
    let is_held = |folder: &Path| is_folder(folder).unwrap_or(true) && Lock::may_be_held(folder);
    let packs = match fs::read_dir(folder.packs()) {
        Ok(packs) => packs,
        Err(error) => return is_held(folder.path()) || error.kind() != ErrorKind::NotFound,
    };
    is_held(folder.path()) || packs.flatten().any(|pack| is_held(&pack.path()))
}

/// Of the first trial that has a folder.
fn started(folder: &SweepFolder) -> Option<String> {
    let trials = fs::read_dir(folder.trial(0).parent()?).ok()?.flatten().map(|entry| entry.path());
    let provenances = trials.map(|trial| RunFolder::at(trial).provenance());
    // Not a later one in the place of one that may not be read.
    let first = provenances.filter(|path| is_file(path).unwrap_or(true)).min()?;
    let provenance = read_provenance(&first, &mut Vec::new());
    provenance.get("started")?.as_str().map(str::to_owned)
}

/// How many trials have a folder and may not be read, to follow the status.
fn unreadable(folder: &SweepFolder) -> String {
    let is_closed = |opened: std::io::Result<_>| opened.is_err_and(|error| error.kind() != ErrorKind::NotFound);
    let entries = match fs::read_dir(folder.trial(0).parent().expect("a folder of trials")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return String::new(),
        Err(_) => return ", trials unreadable".to_owned(),
    };
    let trials = entries.flatten().map(|entry| RunFolder::at(entry.path()).provenance());
    match trials.filter(|path| is_closed(File::open(path))).count() {
        0 => String::new(),
        count => format!(", {count} unreadable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_how_many_trials_there_are_and_how_they_stand() {
        assert_eq!(status(Some(64), 12, 1, true), "12 of 64 trials, running");
        assert_eq!(status(Some(64), 0, 0, false), "0 of 64 trials, stopped");
        assert_eq!(status(Some(64), 64, 2, false), "64 trials, 2 failed");
        assert_eq!(status(Some(1), 1, 0, false), "1 trial, finished");
        assert_eq!(status(None, 0, 0, false), "no trials yet");
    }
}
