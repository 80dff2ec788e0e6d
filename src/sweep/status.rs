//! What a user is told of a sweep: progress, best so far, failures, time left.

use super::{Ending, Overview, Plan, Standing, results::ReplicaResult, shortfall::diverged_trials};
use crate::run::{Provenance, SweepFolder};

/// More trials than these are only counted, of each kind.
const TRIALS_SHOWN: usize = 10;

/// How the sweep in `folder` stands, as text.
pub fn status(plan: &Plan, folder: &SweepFolder, overview: &Overview) -> String {
    let standings = &overview.standings;
    let finished = overview.count(|standing| *standing == Standing::Finished);
    let running = overview.count(|standing| *standing == Standing::Running);
    let failed = overview.count(|standing| matches!(standing, Standing::Failed(_)));
    let waiting = overview.count(|standing| *standing == Standing::Waiting);
    let unreadable = match overview.unreadable().count() {
        0 => String::new(),
        count => format!(", {count} unreadable"),
    };
    let trials = plan.trials.len();
    // Not from trials.csv: the trials' own tables have checksums.
    let mut lines = vec![
        ("sweep", folder.path().display().to_string()),
        (
            "trials",
            format!(
                "{finished} of {trials} finished, {running} running, {waiting} waiting, {failed} failed{unreadable}"
            ),
        ),
        ("replicas", replicas(&overview.replicas)),
        ("best so far", best_so_far(plan, overview)),
        ("time left", time_left(plan, folder, standings)),
    ];
    lines.extend(shown("diverged", diverged_trials(overview)));
    if !plan.repeats.is_empty() {
        let count = plan.repeats.len();
        let text =
            format!("{count} of the trials, as an older version planned; what the score depends on counts each once");
        lines.push(("equal", text));
    }
    let failures = standings.iter().enumerate().filter_map(|(trial, standing)| match standing {
        Standing::Failed(reason) => Some(format!("trial {trial}: {}", reason.lines().next().unwrap_or_default())),
        _ => None,
    });
    lines.extend(shown("failed", failures));
    if failed > 0 {
        lines.push(("", "try them again with --retry-failed".into()));
    }
    lines.extend(shown("unreadable", overview.unreadable().map(|(trial, why)| format!("trial {trial}: {}", why.why))));
    lines.iter().map(|(about, text)| format!("{about:<11} {text}\n")).collect()
}

fn shown(about: &'static str, trials: impl Iterator<Item = String>) -> Vec<(&'static str, String)> {
    let mut lines: Vec<_> = trials.map(|trial| (about, trial)).collect();
    let more = lines.len().saturating_sub(TRIALS_SHOWN);
    lines.truncate(TRIALS_SHOWN);
    lines.extend((more > 0).then(|| ("", format!("and {more} more trials"))));
    lines
}

fn replicas(rows: &[ReplicaResult]) -> String {
    let of = |ended: fn(&Ending) -> bool| rows.iter().filter(|row| ended(&row.ending)).count();
    let finished = of(|ending| *ending == Ending::Finished);
    let diverged = of(|ending| matches!(ending, Ending::Diverged { .. }));
    let halted = of(|ending| matches!(ending, Ending::Halted { .. }));
    let judged = rows.iter().filter(|row| row.recovered.is_some()).count();
    let recovered = rows.iter().filter(|row| row.recovered == Some(true)).count();
    let measured = finished + halted;
    let halted = if halted > 0 { format!(", {halted} halted") } else { String::new() };
    format!("{measured} measured, {recovered} of {judged} recovered, {diverged} diverged{halted}")
}

/// The best of the trials that have ended.
fn best_so_far(plan: &Plan, overview: &Overview) -> String {
    match overview.best() {
        Some(result) => {
            format!("trial {}: {}; {}", result.trial, overview.outcome(result), plan.settings(result.trial))
        }
        None if overview.unreadable().next().is_some() => "unknown while a trial cannot be read".into(),
        None if !overview.has_ended() => "none yet".into(),
        None => "none".into(),
    }
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
