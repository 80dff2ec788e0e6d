//! A run as event files for TensorBoard, one folder a replica, so that TensorBoard draws the replicas over each other.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    event_file::{EventFile, Value},
    files,
    rows::read_cells,
    run_data::RunData,
};
use crate::{
    run::{RunError, RunFolder, folder_error, seconds_since_1970, write_whole},
    table::{SummaryRow, TrainingRow},
};

/// Writes `folder/replica_<i>/events.out.tfevents.<start>.apd` for every replica of the run in `run`, and returns these
/// paths. They hold the loss terms over the steps (`loss/<term>`), the numbers of `summary.csv` at the last step
/// (`measured/<column>`) and the spec as text (`spec`). The run's times are spread evenly over its steps.
///
/// # Errors
/// If `run` is no run folder, if nothing has been trained or measured in it yet, or if a file cannot be written.
pub fn export(run: &Path, folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    let paths = RunFolder::existing(run)?;
    let data = RunData::read(run)?;
    data.warn_of_damage();
    let replicas = data.training.iter().map(|row| row.replica).chain(data.summary.iter().map(|row| row.replica));
    let replicas: BTreeSet<usize> = replicas.collect();
    if replicas.is_empty() {
        return Err(RunError::new(
            format!("{} holds no losses and no measurements yet", run.display()),
            "wait until the run has been going for a while",
        ));
    }
    let spec = files::text(&paths.spec()).unwrap_or_default();
    let measured = measured(&paths.table::<SummaryRow>());
    let clock = Clock::of(&data);
    let write = |replica: usize| {
        let mut file = EventFile::new(clock.started);
        file.add(clock.started, 0, "spec", &Value::Text(&as_code(&spec)));
        for TrainingRow { step, term, value, .. } in data.training.iter().filter(|row| row.replica == replica) {
            file.add(clock.at(*step), *step, &format!("loss/{}", tag(term)), &Value::Scalar(*value));
        }
        for (_, column, value) in measured.iter().filter(|(of, ..)| *of == replica) {
            let step = clock.last_step;
            file.add(clock.at(step), step, &format!("measured/{column}"), &Value::Scalar(*value));
        }
        let folder = folder.join(format!("replica_{replica}"));
        fs::create_dir_all(&folder).map_err(|error| folder_error(&folder, &error))?;
        let path = folder.join(format!("events.out.tfevents.{:010}.apd", clock.started));
        write_whole(&path, |out| out.write_all(&file.into_bytes()))?;
        Ok(path)
    };
    replicas.into_iter().map(write).collect()
}

/// When what happened.
struct Clock {
    started: f64,
    seconds: f64,
    last_step: u64,
}

impl Clock {
    fn of(data: &RunData) -> Self {
        Self {
            started: data.started.as_deref().and_then(seconds_since_1970).unwrap_or(0) as f64,
            seconds: data.seconds.unwrap_or(0.0),
            last_step: data.training.iter().map(|row| row.step).max().unwrap_or(0),
        }
    }

    fn at(&self, step: u64) -> f64 {
        self.started + self.seconds * step as f64 / self.last_step.max(1) as f64
    }
}

/// Replica, column and value of every number of `summary.csv`; of verdicts 1 and 0. What cannot be read is left out.
fn measured(table: &Path) -> Vec<(usize, String, f64)> {
    let (header, rows) = read_cells(table, &mut Vec::new());
    let mut numbers = Vec::new();
    for row in rows {
        let cells = || header.iter().map(String::as_str).zip(&row);
        let replica = cells().find(|(column, _)| *column == "replica").and_then(|(_, cell)| cell.parse().ok());
        let Some(replica) = replica else { continue };
        for (column, cell) in cells().filter(|(column, _)| !["replica", "seed"].contains(column)) {
            let value = match cell.as_str() {
                "true" => Some(1.0),
                "false" => Some(0.0),
                _ => cell.parse().ok(),
            };
            numbers.extend(value.map(|value| (replica, tag(column), value)));
        }
    }
    numbers
}

/// A name from a file as part of a tag.
fn tag(name: &str) -> String {
    name.chars().take(64).map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

/// Text that Markdown shows as it is.
fn as_code(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
