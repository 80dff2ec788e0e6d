//! Why a sweep that has nothing left to do, or whose trials cannot all be read, recommends nothing.

use super::{Overview, TradeOff, TrialResult, results::ReplicaResult};

/// More trials than these are only counted.
const TRIALS_SHOWN: usize = 10;

/// More replicas of one trial than these are only counted.
const REPLICAS_SHOWN: usize = 6;

/// What is wrong, the trials that it concerns, and what to do. `None` if something is recommended, or may be once all trials
/// have ended.
pub fn shortfall(overview: &Overview) -> Option<String> {
    let trials = overview.standings.len();
    let unreadable: Vec<_> = overview.unreadable().collect();
    if let [(_, first), ..] = unreadable[..] {
        let what = format!(
            "{} of {trials} trials cannot be read: nothing is recommended from the others, and the tables of the sweep and \
             recommended.toml stay as they are",
            unreadable.len()
        );
        let lines = unreadable.iter().map(|(trial, unreadable)| format!("trial {trial}: {}", unreadable.why));
        return Some(with_lines(&what, lines, &format!("{}; then give the same command again", first.help)));
    }
    if !overview.has_ended() || overview.best().is_some() {
        return None;
    }
    if let Some(shortfall) = overview.trade_off.as_ref().and_then(|trade_off| of_trade_off(trade_off, overview)) {
        return Some(shortfall);
    }
    let diverged = overview.results.iter().filter(|result| result.diverged == result.replicas).count();
    let halted = overview.results.iter().filter(|result| result.halted && result.diverged < result.replicas).count();
    let failed = trials - overview.results.len();
    let what = match (diverged, halted, failed) {
        (_, 0, 0) => "every replica of every trial has diverged: nothing is recommended".to_owned(),
        (0, 0, _) => "every trial has failed: nothing is recommended".to_owned(),
        _ => {
            let parts = [(diverged, "diverged"), (halted, "were ended early by `halving`"), (failed, "failed")];
            let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}"));
            let parts = parts.collect::<Vec<_>>().join(", ");
            format!("no trial was trained to its end without diverging: of {trials}, {parts}; nothing is recommended")
        }
    };
    let help = match diverged {
        0 => "see `apd sweep status`, and try them again with --retry-failed",
        _ => "try smaller values of `decomposition.learning_rate` or of the coefficients, or a `warm_up`",
    };
    Some(with_lines(&what, diverged_trials(overview), help))
}

/// Why a trade-off recommends nothing though a trial was trained to its end without diverging.
fn of_trade_off(trade_off: &TradeOff, overview: &Overview) -> Option<String> {
    let key = &trade_off.key;
    if let Some((least, _)) = trade_off.least() {
        let what =
            format!("no value of {key} has an error of at most {}: nothing is recommended", trade_off.limit_in_words());
        let line = format!("least: trial {}, {key} = {}: {}", least.trial, least.value, least.outcome()?);
        let help =
            "accept a larger error with --largest-error, train for more steps, or list other values in `[sweep.space]`";
        return Some(with_lines(&what, [line].into_iter(), help));
    }
    let is_sound = |result: &TrialResult| result.diverged < result.replicas;
    overview.results.iter().any(is_sound).then(|| {
        let what = format!("no value of {key} has an error with every seed: nothing is recommended");
        let help = "try smaller values of `decomposition.learning_rate` or of the coefficients, or a `warm_up`";
        with_lines(&what, diverged_trials(overview), help)
    })
}

fn with_lines(what: &str, lines: impl Iterator<Item = String>, help: &str) -> String {
    let lines: Vec<String> = lines.map(|line| format!("\n  {line}")).collect();
    let more = lines.len().saturating_sub(TRIALS_SHOWN);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    format!("{what}{}{more}\n  help: {help}", lines[..lines.len().min(TRIALS_SHOWN)].concat())
}

/// For each trial with replicas that have diverged, a line such as `trial 1: seed 3 (embed.A at step 12)`.
pub fn diverged_trials(overview: &Overview) -> impl Iterator<Item = String> {
    let of_trials = overview.replicas.chunk_by(|one, next| one.trial == next.trial);
    of_trials.filter_map(|replicas| {
        let line = |replica: &ReplicaResult| Some(format!("seed {} ({})", replica.seed, replica.ending.divergence()?));
        let mut seeds: Vec<String> = replicas.iter().filter_map(line).collect();
        let more = seeds.len().saturating_sub(REPLICAS_SHOWN);
        seeds.truncate(REPLICAS_SHOWN);
        seeds.extend((more > 0).then(|| format!("{more} more seeds")));
        (!seeds.is_empty()).then(|| format!("trial {}: {}", replicas[0].trial, seeds.join(", ")))
    })
}
