//! What a sweep is going to do, as text.

use tch::Device;

use crate::{
    experiment::{memory, pack::memory_of},
    sweep::{Plan, in_words},
};

/// More packs than these are only counted.
const PACKS_SHOWN: usize = 8;

/// Sizes, keys and packs of a plan.
pub fn describe(plan: &Plan, folder: &std::path::Path) -> String {
    let seeds = plan.sweep.seeds.len();
    let (trials, packs) = (plan.trials.len(), plan.packs.len());
    let memory = (0..packs).map(|pack| memory_of(plan.specs(pack), Device::Cpu)).fold(0.0, f64::max);
    let mut lines = vec![
        ("sweep", plan.base.name.clone()),
        ("trials", format!("{trials} of {seeds} seeds: {} replicas in {packs} packs", trials * seeds)),
    ];
    for (number, parameter) in plan.sweep.space.iter().enumerate() {
        let mut values: Vec<String> = plan.trials.iter().map(|trial| in_words(&trial.values[number])).collect();
        let mut seen = std::collections::BTreeSet::new();
        values.retain(|value| seen.insert(value.clone()));
        let more = values.len().saturating_sub(6);
        values.truncate(6);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        lines.push(("key", format!("{}: {}{more}", parameter.key, values.join(", "))));
    }
    for (pack, trials) in plan.packs.iter().enumerate().take(PACKS_SHOWN) {
        let spec = plan.specs(pack).next().expect("a pack has a trial");
        let steps = spec.decomposition.steps;
        lines.push((
            "pack",
            format!("{pack}: {} trials, {} replicas, {steps} steps", trials.len(), trials.len() * seeds),
        ));
    }
    if packs > PACKS_SHOWN {
        lines.push(("", format!("and {} more packs", packs - PACKS_SHOWN)));
    }
    lines.push(("memory", format!("about {} for the largest pack, beside libtorch itself", memory::in_words(memory))));
    lines.push(("folder", folder.display().to_string()));
    lines.iter().map(|(about, text)| format!("{about:<11} {text}\n")).collect()
}
