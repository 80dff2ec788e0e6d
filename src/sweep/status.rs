//! What a user is told of a sweep: progress, best so far, failures, time left.

use super::{
    Plan, Standing, best,
    recommendation::outcome,
    results::{ReplicaResult, results},
    rows, standings,
};
use crate::run::{Provenance, RunError, SweepFolder};

/// More failures than these are only counted.
const FAILURES_SHOWN: usize = 10;

/// How the sweep in `folder` stands, as text.
pub fn status(plan: &Plan, folder: &SweepFolder) -> Result<String, RunError> {
    let standings = standings(plan, folder);
    let count = |is: fn(&Standing) -> bool| standings.iter().filter(|standing| is(standing)).count();
    let finished = count(|standing| *standing == Standing::Finished);
    let running = count(|standing| *standing == Standing::Running);
    let failed = count(|standing| matches!(standing, Standing::Failed(_)));
    let waiting = count(|standing| *standing == Standing::Waiting);
    // Not from trials.csv: the trials' own tables have checksums.
    let found = ReplicaResult::all(&rows::collect(plan, folder, &standings)?);
    let mut lines = vec![
        ("sweep", folder.path().display().to_string()),
        (
            "trials",
            format!(
                "{finished} of {} finished, {running} running, {waiting} waiting, {failed} failed",
                plan.trials.len()
            ),
        ),
        ("replicas", replicas(&found)),
        ("best so far", best_so_far(plan, &found)),
        ("time left", time_left(plan, folder, &standings)),
    ];
    let failures = standings.iter().enumerate().filter_map(|(trial, standing)| match standing {
        Standing::Failed(reason) => Some((trial, reason)),
        _ => None,
    });
    for (trial, reason) in failures.take(FAILURES_SHOWN) {
        lines.push(("failed", format!("trial {trial}: {}", reason.lines().next().unwrap_or_default())));
    }
    if failed > 0 {
        lines.push(("", "try them again with --retry-failed".into()));
    }
    Ok(lines.iter().map(|(about, text)| format!("{about:<11} {text}\n")).collect())
}

fn replicas(rows: &[ReplicaResult]) -> String {
    let of = |status: &str| rows.iter().filter(|row| row.status.starts_with(status)).count();
    let judged = rows.iter().filter(|row| row.recovered.is_some()).count();
    let recovered = rows.iter().filter(|row| row.recovered == Some(true)).count();
    let halted = match of("halted") {
        0 => String::new(),
        number => format!(", {number} halted"),
    };
    let measured = of("finished") + of("halted");
    format!("{measured} measured, {recovered} of {judged} recovered, {} diverged{halted}", of("diverged"))
}

/// The best of the trials that have ended.
fn best_so_far(plan: &Plan, found: &[ReplicaResult]) -> String {
    best(&results(found)).map_or_else(
        || "none yet".into(),
        |result| format!("trial {}: {}; {}", result.trial, outcome(result), plan.settings(result.trial)),
    )
}

/// As long for each unfinished pack as the finished ones took on average for a replica, divided among those who work.
fn time_left(plan: &Plan, folder: &SweepFolder, standings: &[Standing]) -> String {
    let (mut seconds, mut done, mut left, mut at_work) = (0.0, 0.0, 0.0, 0);
    for trials in &plan.packs {
        let work = (trials.len() * plan.sweep.seeds.len()) as f64;
        let is = |wanted: Standing| trials.iter().any(|&trial| standings[trial] == wanted);
        if is(Standing::Waiting) || is(Standing::Running) {
            left += work;
            at_work += usize::from(is(Standing::Running));
        } else if let Ok(provenance) = Provenance::read(&folder.trial_run(trials[0]).provenance()) {
            seconds += provenance.seconds;
            done += work;
        }
    }
    if left == 0.0 {
        return "none".into();
    }
    if done == 0.0 {
        return "unknown until a pack is finished".into();
    }
    let workers = match at_work {
        0 => "with one process",
        _ => "at most, with those that work now",
    };
    let minutes = seconds / done * left / at_work.max(1) as f64 / 60.0;
    format!("about {minutes:.1} minutes {workers}")
}
