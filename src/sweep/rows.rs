//! `trials.csv` and `seconds.csv`: what came of the trials that have ended.
//!
//! Both are made anew from the trials' folders each time that trials end, so that they say the same in whatever order and
//! by whatever processes the trials were run, and after whatever kills.

use super::{Overview, Plan, Standing, overview, recommendation};
use crate::{
    experiment::SUMMARY,
    interrupt::{Interrupt, Stage},
    run::{Lock, Provenance, RunError, SweepFolder, Unfinished, read_table, write_table},
};

/// The columns of `summary.csv` that say of which replica a row is.
const OF_THE_REPLICA: [&str; 2] = ["replica", "seed"];

/// The columns of `trials.csv` before and after the keys that are varied; those of `summary.csv` follow.
const BEFORE_KEYS: [&str; 2] = ["trial", "seed"];
const AFTER_KEYS: [&str; 2] = ["status", "score"];

const SECONDS: &[&str] = &["trial", "pack", "seconds"];

/// What both tables hold.
#[derive(Debug)]
pub struct Rows {
    /// Of `trials.csv`.
    pub header: Vec<String>,
    pub of_replicas: Vec<Vec<String>>,
    /// Trial, pack and seconds.
    pub of_trials: Vec<(usize, usize, f64)>,
}

/// Writes both tables and what follows from them. Processes that work on one sweep do so one after the other; one that is
/// asked to stop while it waits leaves them to the next. While a trial cannot be read all of them stay as they are: without it
/// they would look whole. Returns whether they were written.
pub fn write(plan: &Plan, folder: &SweepFolder, interrupt: &Interrupt) -> Result<bool, RunError> {
    let work = interrupt.of_work(Stage::Tables, 0, 1, folder.path());
    let _lock = match Lock::wait(&folder.packs(), &work) {
        Ok(lock) => lock,
        Err(Unfinished::Interrupted(_)) => return Ok(true),
        Err(Unfinished::Failed(error)) => return Err(error),
    };
    folder.clean();
    let overview = overview(plan, folder);
    if overview.unreadable().next().is_some() {
        return Ok(false);
    }
    let Overview { rows: Rows { header, of_replicas, of_trials }, .. } = &overview;
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    write_table(&folder.trials_table(), &header, of_replicas)?;
    write_table(&folder.seconds_table(), SECONDS, of_trials)?;
    recommendation::write(plan, folder, &overview)?;
    Ok(true)
}

/// What the folders of the trials say, of those that have ended. One that cannot be read has no row, and is noted among the
/// `standings`.
pub fn collect(plan: &Plan, folder: &SweepFolder, standings: &mut [Standing]) -> Rows {
    let measurements: Vec<&str> = SUMMARY.iter().copied().filter(|column| !OF_THE_REPLICA.contains(column)).collect();
    let header = BEFORE_KEYS.into_iter().chain(plan.keys()).chain(AFTER_KEYS).chain(measurements.iter().copied());
    let header = header.map(String::from).collect();
    let (mut of_replicas, mut of_trials) = (Vec::new(), Vec::new());
    for (trial, pack) in plan.packs_of_trials().into_iter().enumerate() {
        let found = match &standings[trial] {
            Standing::Finished => measured(folder, trial),
            Standing::Failed(_) => Ok(vec![Measured::failed(measurements.len()); plan.sweep.seeds.len()]),
            Standing::Waiting | Standing::Running | Standing::Unreadable(_) => continue,
        };
        let provenance = Provenance::read(&folder.trial_run(trial).provenance());
        let (found, seconds) = match found.and_then(|found| Ok((found, provenance?.seconds))) {
            Ok(found) => found,
            Err(error) => {
                standings[trial] = error.into();
                continue;
            }
        };
        for (seed, Measured { status, score, measurements }) in plan.sweep.seeds.iter().zip(found) {
            let row = [trial.to_string(), seed.to_string()].into_iter().chain(plan.values(trial));
            of_replicas.push(row.chain([status, score]).chain(measurements).collect());
        }
        of_trials.push((trial, pack, seconds));
    }
    Rows { header, of_replicas, of_trials }
}

/// The cells of one replica's row.
#[derive(Clone)]
struct Measured {
    status: String,
    /// Of `scores.csv`.
    score: String,
    /// Of `summary.csv`.
    measurements: Vec<String>,
}

impl Measured {
    fn failed(measurements: usize) -> Self {
        Self { status: "failed".into(), score: String::new(), measurements: vec![String::new(); measurements] }
    }
}

/// What is read of `scores.csv`.
#[derive(serde::Deserialize)]
struct Scored {
    replica: usize,
    score: String,
}

/// Of each replica of a finished trial.
fn measured(folder: &SweepFolder, trial: usize) -> Result<Vec<Measured>, RunError> {
    let run = folder.trial_run(trial);
    // Trials of older versions have none.
    let table = run.scores_table();
    let scores: Vec<Scored> = if table.is_file() { read_table(&table)? } else { Vec::new() };
    let rows: Vec<Vec<String>> = read_table(&run.summary_table())?;
    let misfit = |row: &Vec<String>| row.len() != SUMMARY.len();
    if rows.iter().any(misfit) {
        return Err(RunError::damaged(&run.summary_table(), "its columns are not those of this apd"));
    }
    let cell = |row: &[String], column: &str| -> String {
        SUMMARY
            .iter()
            .zip(row)
            .find(|(name, _)| **name == column)
            .map(|(_, cell)| cell.clone())
            .expect("of the summary")
    };
    let halted_at = Provenance::read(&run.provenance())?.halted_at;
    let status = |row: &[String]| match cell(row, "diverged_at") {
        step if step.is_empty() => halted_at.map_or("finished".into(), |step| format!("halted at step {step}")),
        step => format!("diverged: {} at step {step}", cell(row, "diverged_in")),
    };
    let of_replica = |(replica, row): (usize, Vec<String>)| {
        let score = scores.iter().find(|scored| scored.replica == replica).map(|scored| scored.score.clone());
        let status = status(&row);
        let measured = SUMMARY.iter().zip(row).filter(|(column, _)| !OF_THE_REPLICA.contains(column));
        Measured { status, score: score.unwrap_or_default(), measurements: measured.map(|(_, cell)| cell).collect() }
    };
    Ok(rows.into_iter().enumerate().map(of_replica).collect())
}
