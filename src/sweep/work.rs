//! The packs of a sweep in turn.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
};

use super::{Plan, Standing, Unreadable, rows, standing};
use crate::{
    experiment::{
        Finished, Session,
        pack::{Member, Pack},
    },
    panicked::{is_lack_of_memory, message},
    run::{Provenance, RunError, RunFolder, SweepFolder, Unfinished},
};

/// Every `of`-th pack, counted from `number`: what one of several processes works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if number < of => Ok(Self { number, of }),
            _ => Err(format!("{text:?} is no share of a sweep: write I/N, where I counts from 0 to N - 1")),
        }
    }
}

/// Which packs a process works on.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub shard: Option<Shard>,
    /// None named: all.
    pub packs: Vec<usize>,
    /// Whether failed trials are tried again.
    pub retry_failed: bool,
}

impl Part {
    pub fn contains(&self, pack: usize) -> bool {
        self.shard.is_none_or(|shard| pack % shard.of == shard.number)
            && (self.packs.is_empty() || self.packs.contains(&pack))
    }

    /// Whether a trial of the pack is still to be trained, or to be tried again. A pack with a trial that cannot be read is left
    /// alone; one whose provenance is damaged is trained again.
    pub fn is_left(&self, plan: &Plan, folder: &SweepFolder, pack: usize) -> bool {
        let standings = || plan.packs[pack].iter().map(|&trial| standing(folder, trial, || Ok(false)));
        let is_closed = |standing| matches!(standing, Standing::Unreadable(Unreadable { is_damaged: false, .. }));
        let is_left = |standing| match standing {
            Standing::Finished => false,
            Standing::Failed(_) => self.retry_failed,
            Standing::Waiting | Standing::Running | Standing::Unreadable(_) => true,
        };
        !standings().any(is_closed) && standings().any(is_left)
    }
}

/// Works on every pack of the part that is not finished and that no other process works on. A pack that fails is told of
/// and does not stop the others. Returns how many failed.
pub fn work(plan: &Plan, folder: &SweepFolder, part: &Part, session: &mut Session) -> Result<usize, Unfinished> {
    // A process that was killed may have left trials without their rows.
    if !rows::write(plan, folder, &session.interrupt)? {
        tracing::info!(
            "not every trial can be read: until then the tables of the sweep and recommended.toml stay as they are"
        );
    }
    let mut failed = 0;
    for pack in (0..plan.packs.len()).filter(|&pack| part.contains(pack)) {
        if !part.is_left(plan, folder, pack) {
            continue;
        }
        let Some(_claim) = folder.pack(pack).claim()? else {
            tracing::info!("pack {pack}: another process works on it");
            continue;
        };
        // It may have been finished between the look and the claim.
        if !part.is_left(plan, folder, pack) {
            continue;
        }
        let trials = &plan.packs[pack];
        tracing::info!("pack {pack} of {}: {} trials, {}", plan.packs.len(), trials.len(), listed(trials));
        match decompose_or_fail(plan, folder, pack, session) {
            Ok(_) => {}
            Err(Unfinished::Interrupted(interrupted)) => return Err(interrupted.into()),
            Err(Unfinished::Failed(error)) => {
                failed += 1;
                tracing::warn!("pack {pack} failed: {error}");
            }
        }
        rows::write(plan, folder, &session.interrupt)?;
    }
    Ok(failed)
}

/// A panic is a failure of one pack: libtorch's answer to a lack of memory, or a bug of ours. The next one may do.
fn decompose_or_fail(
    plan: &Plan,
    folder: &SweepFolder,
    pack: usize,
    session: &mut Session,
) -> Result<Finished, Unfinished> {
    // Of what a panic may have left half done nothing goes on but the session, which each pack begins anew.
    let ended = catch_unwind(AssertUnwindSafe(|| decompose(plan, folder, pack, session)));
    ended.unwrap_or_else(|payload| {
        let error = failure(&*payload);
        for &trial in &plan.packs[pack] {
            let path = folder.trial_run(trial).provenance();
            if standing(folder, trial, || Ok(false)) != Standing::Finished && path.exists() {
                Provenance::begin(&path, session.machine(), Some(plan.trials[trial].spec.describe()))?.fail(&error)?;
            }
        }
        Err(error.into())
    })
}

fn failure(panic: &(dyn Any + Send)) -> RunError {
    match message(panic) {
        what if is_lack_of_memory(what) => RunError::new(
            "not enough memory",
            "give `[sweep]` a smaller `replicas_per_pack`, or the spec a smaller `batch`",
        ),
        what => RunError::new(format!("a bug of apd: {what}"), "please report it with the log of the pack"),
    }
}

fn decompose(plan: &Plan, folder: &SweepFolder, pack: usize, session: &mut Session) -> Result<Finished, Unfinished> {
    let member = |&trial: &usize| {
        let spec = &plan.trials[trial].spec;
        let folder = RunFolder::open_trial(folder.trial(trial), &spec.hash(), &spec.to_toml())?;
        Ok(Member { spec, folder, trial: Some(trial) })
    };
    let members = plan.packs[pack].iter().map(member).collect::<Result<_, RunError>>()?;
    let folder = folder.pack(pack);
    let (path, checkpoints) = (folder.path().into(), folder.checkpoints());
    Pack { folder: path, checkpoints, members, halving: plan.sweep.halving }.decompose(session)
}

/// Such as `0 to 3` or `1, 4, 5`.
fn listed(trials: &[usize]) -> String {
    match trials {
        [first, .., last] if last - first + 1 == trials.len() => format!("{first} to {last}"),
        _ => trials.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_every_nth_pack() {
        let part = Part { shard: Some("1/3".parse().unwrap()), ..Part::default() };
        assert_eq!((0..8).filter(|&pack| part.contains(pack)).collect::<Vec<_>>(), [1, 4, 7]);
        for wrong in ["3/3", "1", "a/2", "1/0", "-1/2"] {
            let expected = format!("{wrong:?} is no share of a sweep: write I/N, where I counts from 0 to N - 1");
            assert_eq!(wrong.parse::<Shard>(), Err(expected));
        }
    }

    #[test]
    fn trials_are_listed_shortly() {
        assert_eq!([&[4][..], &[0, 1, 2], &[0, 2]].map(listed), ["4", "0 to 2", "0, 2"]);
    }
}
