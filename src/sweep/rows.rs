//! `trials.csv` and `seconds.csv`: what came of the trials that have ended.
//!
//! Both are made anew from the trials' folders each time that trials end, so that they say the same in whatever order and
//! by whatever processes the trials were run, and after whatever kills.

use super::{Plan, Standing, standings};
use crate::{
    experiment::SUMMARY,
    run::{Interrupt, Lock, Provenance, RunError, SweepFolder, read_table, write_table},
};

/// The columns of `summary.csv` that say of which replica a row is.
const OF_THE_REPLICA: [&str; 2] = ["replica", "seed"];

/// The columns of `trials.csv` before and after the keys that are varied; those of `summary.csv` follow.
const BEFORE_KEYS: [&str; 2] = ["trial", "seed"];
const AFTER_KEYS: [&str; 1] = ["status"];

const SECONDS: &[&str] = &["trial", "pack", "seconds"];

/// What both tables hold.
pub struct Rows {
    /// Of `trials.csv`.
    pub header: Vec<String>,
    pub of_replicas: Vec<Vec<String>>,
    /// Trial, pack and seconds.
    of_trials: Vec<(usize, usize, f64)>,
}

/// Writes both tables. Processes that work on one sweep do so one after the other; one that is asked to stop while it
/// waits leaves them to the next.
pub fn write(plan: &Plan, folder: &SweepFolder, interrupt: &Interrupt) -> Result<(), RunError> {
    let Some(_lock) = Lock::wait(&folder.packs(), interrupt)? else { return Ok(()) };
    folder.clean();
    let Rows { header, of_replicas, of_trials } = collect(plan, folder, &standings(plan, folder))?;
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    write_table(&folder.trials_table(), &header, of_replicas)?;
    write_table(&folder.seconds_table(), SECONDS, of_trials)
}

/// What the folders of the trials say, of those that have ended.
pub fn collect(plan: &Plan, folder: &SweepFolder, standings: &[Standing]) -> Result<Rows, RunError> {
    let measurements: Vec<&str> = SUMMARY.iter().copied().filter(|column| !OF_THE_REPLICA.contains(column)).collect();
    let header = BEFORE_KEYS.into_iter().chain(plan.keys()).chain(AFTER_KEYS).chain(measurements.iter().copied());
    let header = header.map(String::from).collect();
    let (mut of_replicas, mut of_trials) = (Vec::new(), Vec::new());
    for (trial, pack) in plan.packs_of_trials().into_iter().enumerate() {
        let found = match &standings[trial] {
            Standing::Finished => measured(folder, trial)?,
            Standing::Failed(_) => {
                vec![("failed".to_string(), vec![String::new(); measurements.len()]); plan.sweep.seeds.len()]
            }
            Standing::Waiting | Standing::Running => continue,
        };
        for (seed, (status, measurements)) in plan.sweep.seeds.iter().zip(found) {
            let row = [trial.to_string(), seed.to_string()].into_iter().chain(plan.values(trial));
            of_replicas.push(row.chain([status]).chain(measurements).collect());
        }
        let provenance = Provenance::read(&folder.trial_run(trial).provenance())?;
        of_trials.push((trial, pack, provenance.seconds));
    }
    Ok(Rows { header, of_replicas, of_trials })
}

/// Of each replica of a finished trial its status and its measurements.
fn measured(folder: &SweepFolder, trial: usize) -> Result<Vec<(String, Vec<String>)>, RunError> {
    let run = folder.trial_run(trial);
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
    let status = |row: &[String]| match cell(row, "diverged_at") {
        step if step.is_empty() => "finished".to_string(),
        step => format!("diverged: {} at step {step}", cell(row, "diverged_in")),
    };
    let of_replica = |row: Vec<String>| {
        let status = status(&row);
        let measured = SUMMARY.iter().zip(row).filter(|(column, _)| !OF_THE_REPLICA.contains(column));
        (status, measured.map(|(_, cell)| cell).collect())
    };
    Ok(rows.into_iter().map(of_replica).collect())
}
