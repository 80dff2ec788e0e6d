//! How a sweep ends: the setting that it recommends, and what its outcome depends on.

use std::{fs, io::ErrorKind, path::Path};

use super::{Group, Overview, Plan, Sensitivity, Standing, TradeOff, TradedValue, TrialResult, trade_off};
use crate::{
    run::{RunError, SweepFolder, write_table, write_whole},
    statistics::{MeanDeviation, wilson_interval},
    table::{EffectRow, SensitivityRow, TradeOffRow},
};

/// More keys than these are only in the tables.
const KEYS_SHOWN: usize = 8;

/// Writes `effects.csv`, `sensitivity.csv` and `recommended.toml` of the trials that have ended, or removes those of an earlier
/// time if none of them can be recommended. For the holder of the lock of `packs`.
pub fn write(plan: &Plan, folder: &SweepFolder, overview: &Overview) -> Result<(), RunError> {
    if let Some(trade_off) = &overview.trade_off {
        write_table(&folder.table::<TradeOffRow>(), trade_off_rows(trade_off, &overview.results))?;
    }
    let Some(best) = overview.best() else {
        return [folder.table::<EffectRow>(), folder.table::<SensitivityRow>(), folder.recommended()]
            .iter()
            .try_for_each(|path| remove(path));
    };
    let sensitivities = &overview.sensitivities;
    let effects = sensitivities.iter().flat_map(|Sensitivity { key, groups, .. }| {
        groups.iter().map(|Group { values, trials, replicas, recovered, score, .. }| EffectRow {
            key: key.clone(),
            values: values.clone(),
            trials: *trials,
            replicas: *replicas,
            recovered: *recovered,
            score: *score,
        })
    });
    write_table(&folder.table::<EffectRow>(), effects)?;
    let of_keys = sensitivities.iter().map(|found| SensitivityRow {
        key: found.key.clone(),
        effect: found.effect(),
        rank_correlation: found.rank_correlation,
    });
    write_table(&folder.table::<SensitivityRow>(), of_keys)?;
    let spec = format!(
        "# Trial {} of the sweep of `{}`: {}.\n# What was varied: {}.\n\n{}",
        best.trial,
        plan.base.name,
        overview.outcome(best),
        plan.settings(best.trial),
        plan.trials[best.trial].spec.to_toml()
    );
    write_whole(&folder.recommended(), |out| out.write_all(spec.as_bytes()))
}

fn remove(path: &Path) -> Result<(), RunError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(RunError::write(path, &error)),
        _ => Ok(()),
    }
}

/// The recommendation as text, with a line for each key; empty as long as there is none or a process works on more trials.
pub fn recommendation(plan: &Plan, folder: &SweepFolder, overview: &Overview) -> String {
    if overview.standings.contains(&Standing::Running) {
        return String::new();
    }
    let Some(best) = overview.best() else {
        return overview.trade_off.as_ref().map_or_else(String::new, trade_off_in_lines);
    };
    let so_far = match overview.count(|standing| *standing == Standing::Waiting) {
        0 => String::new(),
        left => format!(" so far, with {left} of {} trials to go", overview.standings.len()),
    };
    let traded = overview.trade_off.as_ref().and_then(|trade_off| trade_off.values[best.trial].outcome());
    let mut text = format!(
        "\nRecommended{so_far}: trial {}, {}\n  {}\n  as a spec: {}\n",
        best.trial,
        traded.into_iter().chain([outcome(best)]).collect::<Vec<_>>().join("\n  "),
        plan.settings(best.trial).replace(", ", "\n  "),
        folder.recommended().display()
    );
    if let Some(trade_off) = &overview.trade_off {
        return text + &trade_off_in_lines(trade_off);
    }
    let sensitivities = &overview.sensitivities;
    if sensitivities.iter().any(|found| found.groups.len() > 1) {
        text += "\nWhat the score depends on, key by key. Effect: the largest mean score of a value\n\
                 less the smallest; rank: Spearman's correlation of score and value.\n\n  effect  rank  key, mean scores\n";
        let number = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:.2}"));
        for found in sensitivities.iter().take(KEYS_SHOWN) {
            text += &format!("  {:>6} {:>5}  {}\n", number(found.effect()), number(found.rank_correlation), found.key);
            for group in &found.groups {
                text += &format!("{:16}{:>5}  {}\n", "", number(group.score), group.values);
            }
        }
    }
    text
}

/// The values of a trade-off with their means, a line each and `>` before the recommended one; empty as long as none is known.
fn trade_off_in_lines(trade_off: &TradeOff) -> String {
    if trade_off.known().next().is_none() {
        return String::new();
    }
    let recommended = trade_off.recommended().map(|value| value.trial);
    let number = |number: Option<f64>| number.map_or_else(|| "–".into(), trade_off::short);
    let row = |value: &TradedValue| {
        let mark = if recommended == Some(value.trial) { ">" } else { " " };
        let share = value.mean.and_then(|mean| trade_off.share(mean));
        let share = share.map_or_else(|| "–".into(), |share| format!("{:.1} %", 100.0 * share));
        let [active, error] = [value.mean.map(|mean| mean.active), value.mean.map(|mean| mean.error)].map(number);
        format!("{mark} {active:>7} {error:>9} {share:>8}  {}\n", value.value)
    };
    let rows: String = trade_off.values.iter().map(row).collect();
    format!(
        "\nActive components against error, means over the seeds; D(0) is the error\nwithout any component. Recommended (>) are \
         the fewest active components with\nan error of at most {}.\n\n   active     error  of D(0)  {}\n{rows}",
        trade_off.limit_in_words(),
        trade_off.key
    )
}

fn trade_off_rows(trade_off: &TradeOff, results: &[TrialResult]) -> Vec<TradeOffRow> {
    let recommended = trade_off.recommended().map(|value| value.trial);
    let row = |value: &TradedValue| TradeOffRow {
        trial: value.trial,
        value: value.value.clone(),
        mean_active: value.mean.map(|mean| mean.active),
        error: value.mean.map(|mean| mean.error),
        error_share: value.mean.and_then(|mean| trade_off.share(mean)),
        largest_error: trade_off.largest_error,
        recovered: results.iter().find(|result| result.trial == value.trial).and_then(TrialResult::recovered_share),
        recommended: Some(recommended == Some(value.trial)),
    };
    trade_off.values.iter().map(row).collect()
}

/// Such as `3 of 4 recovered (Wilson 95 % interval 30 to 95 %), score 1.93 ± 0.02`.
pub(super) fn outcome(result: &TrialResult) -> String {
    let recovered = result.recovered.map(|recovered| {
        let interval = wilson_interval(recovered, result.judged);
        let [low, high] = [interval.low, interval.high].map(|share| format!("{:.0}", 100.0 * share));
        format!("{recovered} of {} recovered (Wilson 95 % interval {low} to {high} %)", result.judged)
    });
    let score = result.score().map(|MeanDeviation { mean, deviation, .. }| {
        let deviation = deviation.map_or_else(String::new, |deviation| format!(" ± {deviation:.2}"));
        format!("score {mean:.2}{deviation}")
    });
    let diverged = (result.diverged > 0).then(|| format!("{} of {} diverged", result.diverged, result.replicas));
    recovered.into_iter().chain(score).chain(diverged).collect::<Vec<_>>().join(", ")
}
