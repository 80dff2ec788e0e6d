//! The report of a sweep as one page of Markdown, `report.md`.

use super::{data::SweepData, table, words};
use crate::report::{
    figure::Figure,
    markdown::{escaped, written},
};

/// Trials beyond these are in `trials.csv`.
const TRIALS_SHOWN: usize = 100;

/// The page, with `link` to the sweep's folder: how the sweep stands, what it recommends, the best beside the base setting, figures, keys and trials.
pub fn markdown(sweep: &SweepData, figures: &[Figure], link: &str) -> String {
    let mut parts = vec![format!("# {}", escaped(&sweep.name)), format!("{}.", escaped(&words::about(sweep)))];
    parts.extend(words::unfinished(sweep).map(str::to_owned));
    parts.push(escaped(&words::standing(sweep).join(" ")));
    if let Some((trial, outcome)) = words::best(sweep) {
        let is = if sweep.overview.has_ended() { "Recommended" } else { "Best so far" };
        parts.push(format!("**{is}: {trial}**, {}", escaped(&outcome)));
        if sweep.recommended.is_some() {
            parts.push(format!("Its spec: [recommended.toml]({link}/recommended.toml)."));
        }
    }
    let commands: Vec<String> =
        words::commands(sweep).iter().map(|(command, what)| format!("`{command}` {what}")).collect();
    parts.push(format!("In the sweep's folder {}.", commands.join(", ")));
    if let Some((table, sentence)) = table::trade_off(sweep).zip(words::trade_off(sweep)) {
        parts.push("## Trade-off".to_owned());
        parts.extend([escaped(&sentence), written(&table)]);
    }
    parts.push("## Keys".to_owned());
    parts.push(written(&table::keys(sweep)));
    let failures: Vec<String> = words::failures(sweep).iter().map(|line| format!("- {}", escaped(line))).collect();
    if !failures.is_empty() {
        parts.push("## What went wrong".to_owned());
        parts.push(failures.join("\n"));
    }
    if sweep.overview.best().is_some() {
        parts.push("## The best against the base setting".to_owned());
        parts.extend(table::against_base(sweep).map(|table| written(&table)));
        parts.push(escaped(&words::base(sweep)));
    }
    for Figure { name, title, caption, .. } in figures {
        parts.push(format!("## {title}"));
        parts.push(format!("![{title}]({name}.svg)"));
        parts.push(format!("{} The numbers: [{name}_figure.csv]({name}_figure.csv).", escaped(caption)));
    }
    let (trials, shown) = table::trials(sweep, TRIALS_SHOWN);
    parts.push("## Trials".to_owned());
    parts.push(written(&trials));
    parts.push(escaped(&table::trials_explained(sweep)));
    let left_out = sweep.plan.trials.len() - shown.len();
    if left_out > 0 {
        parts.push(format!("Left out: {left_out} more trials; report.html and trials.csv hold them."));
    }
    parts.join("\n\n") + "\n"
}
