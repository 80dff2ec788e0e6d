//! All that is known of a sweep at this moment, finished or not.

use super::{
    Plan, Sensitivity, Standing, TradeOff, TrialResult, Unreadable, best,
    recommendation::outcome,
    results::{ReplicaResult, results},
    rows::{Rows, collect},
    sensitivities, standings,
};
use crate::run::SweepFolder;

/// Where a sweep stands, and what has come of it so far.
#[derive(Debug)]
pub struct Overview {
    /// Of every trial, in their order. One that has ended and whose tables cannot be read is unreadable.
    pub standings: Vec<Standing>,
    /// What the tables of the sweep hold.
    pub rows: Rows,
    /// Of each of these rows.
    pub replicas: Vec<ReplicaResult>,
    /// Of every trial that has ended and has not failed.
    pub results: Vec<TrialResult>,
    /// The key with the largest effect first.
    pub sensitivities: Vec<Sensitivity>,
    /// What came of a trade-off, if the sweep is one.
    pub trade_off: Option<TradeOff>,
}

/// Reads the folders of all trials.
pub fn overview(plan: &Plan, folder: &SweepFolder) -> Overview {
    let mut standings = standings(plan, folder);
    let rows = collect(plan, folder, &mut standings);
    let replicas = ReplicaResult::all(&rows);
    let results = results(&replicas);
    let sensitivities = sensitivities(plan, &results);
    let trade_off = TradeOff::new(plan, &replicas, &rows.errors_without);
    Overview { standings, rows, replicas, results, sensitivities, trade_off }
}

impl Overview {
    /// Whether every trial has ended, in whatever way. Of one that cannot be read nobody knows.
    pub fn has_ended(&self) -> bool {
        self.count(|standing| matches!(standing, Standing::Finished | Standing::Failed(_))) == self.standings.len()
    }

    pub fn count(&self, is: fn(&Standing) -> bool) -> usize {
        self.standings.iter().filter(|standing| is(standing)).count()
    }

    /// The trials that cannot be read.
    pub fn unreadable(&self) -> impl Iterator<Item = (usize, &Unreadable)> {
        self.standings.iter().enumerate().filter_map(|(trial, standing)| match standing {
            Standing::Unreadable(why) => Some((trial, why)),
            _ => None,
        })
    }

    /// The best of the trials that have ended, of a trade-off the one that it recommends: what is recommended once all have.
    /// `None` also where a trial cannot be read, which may have been better.
    pub fn best(&self) -> Option<&TrialResult> {
        if self.unreadable().next().is_some() {
            return None;
        }
        let Some(trade_off) = &self.trade_off else { return best(&self.results) };
        let recommended = trade_off.recommended()?;
        self.results.iter().find(|result| result.trial == recommended.trial)
    }

    /// What came of a trial, such as `3 of 4 recovered (Wilson 95 % interval 30 to 95 %), score 1.93 ± 0.02`.
    pub fn outcome(&self, result: &TrialResult) -> String {
        let traded = self.trade_off.as_ref().and_then(|trade_off| trade_off.values[result.trial].outcome());
        traded.into_iter().chain([outcome(result)]).filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
    }
}
