//! How a sweep stands and what it recommends, in sentences. They may hold text from files.

use super::{data::SweepData, replica::Outcome};
use crate::{
    report::table::{Share, count, probability},
    sweep::{Ending, Standing, Strategy, TrialResult, diverged_trials, shortfall},
};

/// "64 trials of tms_5-2, 3 seeds each, drawn from Sobol's sequence"
pub fn about(sweep: &SweepData) -> String {
    let strategy = match sweep.plan.sweep.strategy {
        Strategy::Random(_) => ", drawn at random",
        Strategy::Sobol(_) => ", drawn from Sobol's sequence",
        _ => "",
    };
    let (trials, seeds) = (sweep.plan.trials.len(), sweep.plan.sweep.seeds.len());
    let seeds = count(seeds, "seed") + if trials > 1 { " each" } else { "" };
    format!("{} of {}, {seeds}{strategy}", count(trials, "trial"), sweep.plan.base.name)
}

/// How many trials and replicas have ended, and how.
pub fn standing(sweep: &SweepData) -> Vec<String> {
    let standings = &sweep.overview.standings;
    let of = |wanted: Standing| standings.iter().filter(|standing| **standing == wanted).count();
    let (waiting, running, failed) = (of(Standing::Waiting), of(Standing::Running), sweep.failures().count());
    let unreadable = sweep.overview.unreadable().count();
    let ended = standings.len() - waiting - running - unreadable;
    let is = |count: usize| if count == 1 { "is" } else { "are" };
    let has = |count: usize| if count == 1 { "has" } else { "have" };
    let mut trials = match standings.len() {
        all if all == ended && all == 1 => "The one trial has ended".to_owned(),
        all if all == ended => format!("All {all} trials have ended"),
        all => format!("{ended} of {} {} ended", count(all, "trial"), has(all)),
    };
    let parts = [
        (failed, format!("{failed} of them {} failed", has(failed))),
        (running, format!("{running} {} being worked on", is(running))),
        (waiting, format!("{waiting} {} waiting", is(waiting))),
        (unreadable, format!("{unreadable} cannot be read")),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
    if !parts.is_empty() {
        trials += &format!("; {}", parts.join(", "));
    }
    let outcomes: Vec<String> = Outcome::ALL
        .into_iter()
        .map(|outcome| (sweep.count(outcome), outcome.in_words()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    let mut replicas = match outcomes.is_empty() {
        true => "No replica has been measured yet.".to_owned(),
        false => format!("Of {}: {}.", count(sweep.replicas.len(), "replica"), outcomes.join(", ")),
    };
    let halted = sweep.replicas.iter().filter(|replica| matches!(replica.ending, Ending::Halted { .. })).count();
    if halted > 0 {
        let were = if halted == 1 { "was" } else { "were" };
        replicas += &format!(" {halted} of them {were} ended early, because other trials were ahead.");
    }
    vec![trials + ".", replicas].into_iter().chain(not_recommended(sweep)).collect()
}

/// Why nothing is recommended though nothing is left to do.
fn not_recommended(sweep: &SweepData) -> Option<String> {
    let why = shortfall(&sweep.overview)?;
    let sentence = why.lines().next().unwrap_or_default();
    let mut letters = sentence.chars();
    Some(letters.next()?.to_uppercase().chain(letters).chain(['.']).collect())
}

/// A sentence about a sweep that has not come to its end.
pub fn unfinished(sweep: &SweepData) -> Option<&'static str> {
    sweep.has_work_left().then_some(
        "This sweep is not finished. Here is what there is so far; what is best, and what the score depends on, may change. \
         The command that began it goes on with it.",
    )
}

/// What a trade-off looks for.
pub fn trade_off(sweep: &SweepData) -> Option<String> {
    sweep.overview.trade_off.as_ref().map(|trade_off| trade_off.in_words())
}

/// The trial that is best, as "trial 7", and what came of it.
pub fn best(sweep: &SweepData) -> Option<(String, String)> {
    let best = sweep.overview.best()?;
    Some((format!("trial {}", best.trial), format!("{}.", sweep.overview.outcome(best))))
}

/// How to go on with the sweep, and how to repeat the recommended setting and all of it, in the sweep's folder: a command,
/// and what it does.
pub fn commands(sweep: &SweepData) -> Vec<(&'static str, &'static str)> {
    let going_on = sweep.has_work_left().then_some(("apd sweep work .", "goes on with the sweep"));
    let recommended =
        sweep.recommended.is_some().then_some(("apd run recommended.toml", "repeats the recommended setting"));
    let again = ("apd sweep hyperparameters sweep.toml", "repeats the sweep");
    going_on.into_iter().chain(recommended).chain([again]).collect()
}

/// What is to be said of the trial that has the experiment's own values.
pub fn base(sweep: &SweepData) -> String {
    let Some(base) = sweep.base else {
        return "None of the trials is the base setting, the experiment as its spec has it: the best is compared with nothing."
            .to_owned();
    };
    let best = sweep.overview.best();
    match (best, sweep.result(base)) {
        (Some(best), Some(_)) if best.trial == base => {
            format!("The best is trial {base}, the base setting: the experiment as its spec has it.")
        }
        (Some(best), Some(of_base)) => against_base(sweep, best, of_base),
        _ => format!("Trial {base} is the base setting, the experiment as its spec has it; it has no result."),
    }
}

fn against_base(sweep: &SweepData, best: &TrialResult, base: &TrialResult) -> String {
    let trial = base.trial;
    let mut text = format!("Trial {trial} is the base setting, the experiment as its spec has it.");
    if let (Some(of_best), Some(of_base)) = (share(best), share(base)) {
        text += &format!(
            " Fisher's exact test of a difference of the shares recovered: p = {}.",
            probability(of_best.equality(&of_base))
        );
        if sweep.overview.results.len() > 2 {
            text += &format!(
                " The best was chosen among {} by these same replicas, which makes p smaller than it should be: new seeds \
                 would tell.",
                count(sweep.overview.results.len(), "trial")
            );
        }
    }
    text
}

/// Of its replicas, those recovered.
pub fn share(result: &TrialResult) -> Option<Share> {
    Share::new(result.recovered?, result.replicas)
}

/// Failures beyond these are only in the table.
const FAILURES_SHOWN: usize = 10;

/// The trials that went wrong, a line each.
pub fn failures(sweep: &SweepData) -> Vec<String> {
    let line =
        |(trial, reason): (usize, &str)| format!("Trial {trial} failed: {}", reason.lines().next().unwrap_or_default());
    let unreadable = sweep.overview.unreadable();
    let unreadable = unreadable.map(|(trial, why)| format!("Trial {trial} cannot be read: {}; {}", why.why, why.help));
    // Beside a best trial the table of trials tells them.
    let is_told = |_: &String| sweep.overview.best().is_none();
    let diverged = diverged_trials(&sweep.overview).map(|line| format!("Diverged: {line}")).filter(is_told);
    let all: Vec<String> = unreadable.chain(sweep.failures().map(line)).chain(diverged).collect();
    let more = all.len().saturating_sub(FAILURES_SHOWN);
    let rest = (more > 0).then(|| format!("{more} more went wrong: the table of trials says how."));
    all.into_iter().take(FAILURES_SHOWN).chain(rest).collect()
}
