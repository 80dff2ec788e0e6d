//! A sweep's folder read into plain values.

use std::path::{Path, PathBuf};

use super::{
    names::short_names,
    replica::{Outcome, Replica},
};
use crate::{
    report::files,
    run::{RunError, SweepFolder},
    spec::Spec,
    statistics::score_of_diverged,
    sweep::{Overview, Plan, Standing, TrialResult, overview},
};

/// Everything that a report shows of one sweep.
pub struct SweepData {
    pub folder: PathBuf,
    /// The folder's name.
    pub name: String,
    pub plan: Plan,
    pub overview: Overview,
    /// Of the trials that have ended, have not failed and can be read.
    pub replicas: Vec<Replica>,
    /// Of the keys that are varied, in their order.
    pub names: Vec<String>,
    /// The trial whose keys all have the values of the experiment itself, if there is one.
    pub base: Option<usize>,
    /// The text of `recommended.toml`, once all trials have ended.
    pub recommended: Option<String>,
    /// The text of `sweep.toml`.
    pub spec: String,
}

impl SweepData {
    /// Reads the sweep's folder `folder`.
    ///
    /// # Errors
    /// If `folder` is no sweep's, or what it was planned from cannot be read or was changed.
    pub fn read(folder: &Path) -> Result<SweepData, RunError> {
        let paths = SweepFolder::existing(folder)?;
        let plan = Plan::read(&paths)?;
        let overview = overview(&plan, &paths);
        let has_failed = |trial: usize| matches!(overview.standings.get(trial), Some(Standing::Failed(_)) | None);
        let rows = overview.rows.of_replicas.iter().filter_map(|row| Replica::read(&overview.rows.header, row));
        let replicas = rows.filter(|replica| !has_failed(replica.trial)).map(|replica| {
            let error = if plan.trials[replica.trial].spec.method.selects() { replica.error } else { f64::NAN };
            Replica { error, ..replica }
        });
        let replicas: Vec<Replica> = replicas.collect();
        let real_folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Ok(SweepData {
            folder: folder.to_owned(),
            name: files::file_name(&real_folder),
            replicas,
            names: short_names(&plan.keys().collect::<Vec<_>>()),
            base: base(&plan),
            recommended: std::fs::read_to_string(paths.recommended())
                .ok()
                .filter(|_| overview.has_ended() && overview.best().is_some()),
            spec: std::fs::read_to_string(paths.sweep()).unwrap_or_default(),
            plan,
            overview,
        })
    }

    /// A replica's score as it counts where trials are compared.
    pub fn counted_score(&self, replica: &Replica) -> f64 {
        let sound = || self.replicas.iter().filter(|replica| !replica.has_diverged());
        if replica.has_diverged() { score_of_diverged(sound().map(|replica| replica.score)) } else { replica.score }
    }

    pub fn of_trial(&self, trial: usize) -> impl Iterator<Item = &Replica> {
        self.replicas.iter().filter(move |replica| replica.trial == trial)
    }

    pub fn result(&self, trial: usize) -> Option<&TrialResult> {
        self.overview.results.iter().find(|result| result.trial == trial)
    }

    pub fn count(&self, outcome: Outcome) -> usize {
        self.replicas.iter().filter(|replica| replica.outcome() == outcome).count()
    }

    /// The trials that have failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &str)> {
        self.overview.standings.iter().enumerate().filter_map(|(trial, standing)| match standing {
            Standing::Failed(reason) => Some((trial, reason.as_str())),
            _ => None,
        })
    }

    /// Whether trials wait or are worked on.
    pub fn has_work_left(&self) -> bool {
        self.overview.count(|standing| matches!(standing, Standing::Waiting | Standing::Running)) > 0
    }

    /// "recommended" once all trials have ended, "best so far" until then.
    pub fn best_is(&self) -> &'static str {
        if self.overview.has_ended() { "recommended" } else { "best so far" }
    }
}

fn base(plan: &Plan) -> Option<usize> {
    let base = Spec { seeds: plan.sweep.seeds.clone(), ..plan.base.clone() };
    plan.trials.iter().position(|trial| trial.spec == base)
}
