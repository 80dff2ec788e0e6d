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
        table::{Share, count},
    },
    run::{Lock, RunError, RunFolder, SweepFolder},
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
        let mut is_read = problems.is_empty();
        let mut cells = |path: &Path| match File::open(path) {
            // Killed before it could write its plan, or before a trial had ended.
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            _ => {
                let known = problems.len();
                let cells = read_cells(path, &mut problems);
                is_read &= problems.len() == known;
                Some(cells)
            }
        };
        let trials = cells(&folder.plan()).map(|(_, rows)| rows.len());
        let (header, rows) = cells(&folder.trials_table()).unwrap_or_default();
        let column = |name: &str| {
            let place = header.iter().position(|column| column == name);
            rows.iter().filter_map(move |row| row.get(place?)).map(String::as_str)
        };
        let ended: BTreeSet<&str> = column("trial").collect();
        let failed: BTreeSet<&str> = column("trial")
            .zip(column("status"))
            .filter(|(_, status)| *status == "failed")
            .map(|(trial, _)| trial)
            .collect();
        let verdicts: Vec<bool> = column("recovered").filter_map(|cell| cell.parse().ok()).collect();
        let status = match is_read {
            true => status(trials, ended.len(), failed.len(), is_worked_on(&folder)),
            false => "unreadable".to_owned(),
        };
        let (started, status) = match begun(&folder) {
            Ok(Begun { first, unreadable: 0 }) => (first, status),
            Ok(Begun { first, unreadable }) => (first, format!("{status}, {unreadable} unreadable")),
            Err(why) => {
                problems.push(why);
                (None, "unreadable".to_owned())
            }
        };
        ListedSweep {
            experiment: spec.get("name").and_then(|name| name.as_str()).map(str::to_owned),
            started,
            status,
            share: Share::new(verdicts.iter().filter(|recovered| **recovered).count(), verdicts.len()),
            problems,
        }
    }
}

fn status(trials: Option<usize>, ended: usize, failed: usize, is_worked_on: bool) -> String {
    let Some(trials) = trials else { return "no trials yet".to_owned() };
    let of = if ended < trials { format!("{ended} of {}", count(trials, "trial")) } else { count(trials, "trial") };
    let how = match () {
        () if ended < trials && is_worked_on => ", running".to_owned(),
        // As of a run that was killed: the same command goes on with it.
        () if ended < trials => ", stopped".to_owned(),
        () if failed > 0 => format!(", {failed} failed"),
        () => ", finished".to_owned(),
    };
    of + &how
}

/// Whether a process works on the sweep or on a pack of it at this moment.
fn is_worked_on(folder: &SweepFolder) -> bool {
    let packs = fs::read_dir(folder.packs()).into_iter().flatten().flatten();
    Lock::is_held(folder.path()) || packs.map(|pack| pack.path()).any(|pack| pack.is_dir() && Lock::is_held(&pack))
}

/// What the folders of the trials say without being read as a whole.
struct Begun {
    /// When the first of them was begun.
    first: Option<String>,
    /// How many may not be read.
    unreadable: usize,
}

fn begun(folder: &SweepFolder) -> Result<Begun, String> {
    let trials = folder.trial(0).parent().expect("a folder of trials").to_owned();
    let entries = match fs::read_dir(&trials) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Begun { first: None, unreadable: 0 }),
        Err(error) => {
            return Err(format!("trials could not be read: {}.", RunError::read(&trials, &error).why(&trials)));
        }
    };
    let (mut provenances, mut unreadable) = (Vec::new(), 0);
    for trial in entries.flatten().map(|entry| RunFolder::at(entry.path())) {
        match File::open(trial.provenance()) {
            Ok(_) => provenances.push(trial.provenance()),
            Err(error) => unreadable += usize::from(error.kind() != ErrorKind::NotFound),
        }
    }
    let provenance = provenances.iter().min().map(|first| read_provenance(first, &mut Vec::new()));
    let first = provenance.and_then(|provenance| provenance.get("started")?.as_str().map(str::to_owned));
    Ok(Begun { first, unreadable })
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
