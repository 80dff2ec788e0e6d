//! All that is known of a sweep at this moment, finished or not.

use super::{
    Plan, Sensitivity, Standing, TrialResult, best,
    results::{ReplicaResult, results},
    rows::{self, Rows},
    sensitivities, standings,
};
use crate::run::{RunError, SweepFolder};

/// Where a sweep stands, and what has come of it so far.
#[derive(Debug)]
pub struct Overview {
    /// Of every trial, in their order. One that has ended and whose tables cannot be read counts as failed.
    pub standings: Vec<Standing>,
    /// The columns of `trials.csv`.
    pub header: Vec<String>,
    /// A row for each replica of the trials that have ended.
    pub replicas: Vec<Vec<String>>,
    /// Of every trial that has ended and has not failed.
    pub results: Vec<TrialResult>,
    /// The key with the largest effect first.
    pub sensitivities: Vec<Sensitivity>,
}

impl Overview {
    /// Whether every trial has ended, in whatever way.
    pub fn has_ended(&self) -> bool {
        !self.standings.iter().any(|standing| matches!(standing, Standing::Waiting | Standing::Running))
    }

    /// The best of the trials that have ended: what is recommended once all have.
    pub fn best(&self) -> Option<&TrialResult> {
        best(&self.results)
    }
}

/// Reads the folders of all trials.
///
/// # Errors
/// If the folder of the sweep cannot be read.
pub fn overview(plan: &Plan, folder: &SweepFolder) -> Result<Overview, RunError> {
    let mut standings = standings(plan, folder);
    let rows = match rows::collect(plan, folder, &standings) {
        Ok(rows) => rows,
        Err(_) => without_unreadable(plan, folder, &mut standings)?,
    };
    let results = results(&ReplicaResult::all(&rows));
    let sensitivities = sensitivities(plan, &results);
    Ok(Overview { standings, header: rows.header, replicas: rows.of_replicas, results, sensitivities })
}

/// The rows once the trials that cannot be read are known, one by one, and count as failed.
fn without_unreadable(plan: &Plan, folder: &SweepFolder, standings: &mut [Standing]) -> Result<Rows, RunError> {
    let mut alone = vec![Standing::Waiting; standings.len()];
    for trial in 0..standings.len() {
        alone[trial] = standings[trial].clone();
        if let Err(error) = rows::collect(plan, folder, &alone) {
            standings[trial] = Standing::Failed(format!("it has ended, but {}", error.what()));
        }
        alone[trial] = Standing::Waiting;
    }
    rows::collect(plan, folder, standings)
}
