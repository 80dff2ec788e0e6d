//! How far a sweep is, from its folder alone.

use super::Plan;
use crate::run::{Provenance, Status, SweepFolder};

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
}

/// Of every trial, in their order.
pub fn standings(plan: &Plan, folder: &SweepFolder) -> Vec<Standing> {
    let mut standings = vec![Standing::Waiting; plan.trials.len()];
    for (pack, trials) in plan.packs.iter().enumerate() {
        let claimed = folder.pack(pack).is_claimed();
        trials.iter().for_each(|&trial| standings[trial] = standing(folder, trial, claimed));
    }
    standings
}

/// Of one trial, whose pack is `claimed` by a process or not.
pub fn standing(folder: &SweepFolder, trial: usize, claimed: bool) -> Standing {
    match Provenance::read(&folder.trial_run(trial).provenance()) {
        Ok(provenance) if provenance.status == Status::Finished => Standing::Finished,
        Ok(Provenance { status: Status::Failed, reason, .. }) if !claimed => {
            Standing::Failed(reason.unwrap_or_else(|| "it does not say why".into()))
        }
        _ if claimed => Standing::Running,
        _ => Standing::Waiting,
    }
}
