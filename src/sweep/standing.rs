//! How far a sweep is, from its folder alone.

use super::Plan;
use crate::run::{Provenance, RunError, Status, SweepFolder};

/// How a trial stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nothing has been done for it, or it waits to be gone on with.
    Waiting,
    /// A process works on its pack.
    Running,
    Finished,
    /// Why.
    Failed(String),
    /// Its files are there and cannot be read, so that nobody knows what came of it.
    Unreadable(Unreadable),
}

/// Why a trial cannot be read, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    pub why: String,
    pub help: String,
    /// Whether its files could be read but do not hold what was written to them.
    pub is_damaged: bool,
}

impl From<RunError> for Unreadable {
    fn from(error: RunError) -> Self {
        Self { why: error.what().into(), help: error.help().into(), is_damaged: error.is_damaged() }
    }
}

impl From<RunError> for Standing {
    fn from(error: RunError) -> Self {
        Standing::Unreadable(error.into())
    }
}

/// Of every trial, in their order.
pub fn standings(plan: &Plan, folder: &SweepFolder) -> Vec<Standing> {
    let mut standings = vec![Standing::Waiting; plan.trials.len()];
    for (pack, trials) in plan.packs.iter().enumerate() {
        trials.iter().for_each(|&trial| standings[trial] = standing(folder, trial, || folder.pack(pack).is_claimed()));
    }
    standings
}

/// Of one trial; `is_claimed` tells whether a process works on its pack. Asked only where it matters.
pub fn standing(folder: &SweepFolder, trial: usize, is_claimed: impl FnOnce() -> Result<bool, RunError>) -> Standing {
    let provenance = match Provenance::read(&folder.trial_run(trial).provenance()) {
        Ok(Provenance { status: Status::Finished, .. }) => return Standing::Finished,
        Err(error) if !error.is_missing() && !error.is_damaged() => return error.into(),
        other => other,
    };
    match (provenance, is_claimed()) {
        (_, Err(error)) => error.into(),
        // Whoever works on it writes a damaged provenance anew.
        (_, Ok(true)) => Standing::Running,
        (Err(error), _) if error.is_damaged() => error.into(),
        (Ok(Provenance { status: Status::Failed, reason, .. }), _) => {
            Standing::Failed(reason.unwrap_or_else(|| "it does not say why".into()))
        }
        _ => Standing::Waiting,
    }
}
