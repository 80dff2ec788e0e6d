//! What a sweep is going to do, as text.

use std::{collections::BTreeSet, path::Path, time::Instant};

use tch::Device;

use crate::{
    cli::{
        finish::{described, terminal_width},
        progress::duration,
    },
    experiment::{
        Halving, Place,
        pack::{joint, memory_of},
        seconds_of_pack, seconds_of_targets,
    },
    memory,
    run::RunError,
    spec::Spec,
    sweep::{Plan, TradeOffSettings, in_words},
};

/// Seconds that measuring the time of steps may take; of further packs it is not measured.
const TIME_FOR_TIMING: f64 = 3.0;

/// More packs than these are only counted.
const PACKS_SHOWN: usize = 8;

/// Sizes, keys and packs of a plan; the time at a place and with so many threads if they are those that will do it.
///
/// # Errors
/// If it cannot be looked which targets are there.
pub fn describe(plan: &Plan, folder: &Path, on: Option<(Place, usize)>) -> Result<String, RunError> {
    let seeds = plan.sweep.seeds.len();
    let (trials, packs) = (plan.trials.len(), plan.packs.len());
    let memory = (0..packs).map(|pack| memory_of(plan.specs(pack), Device::Cpu)).fold(0.0, f64::max);
    let mut lines = vec![
        ("sweep", plan.base.name.clone()),
        (
            "trials",
            format!(
                "{trials} of {seeds} seeds: {} replicas in {packs} pack{}{}",
                trials * seeds,
                if packs == 1 { "" } else { "s" },
                equal(plan)
            ),
        ),
    ];
    lines.extend(plan.sweep.halving.map(|halving| ("halving", in_rounds(plan, halving))));
    lines.extend(plan.sweep.trade_off.map(|settings| ("trade-off", largest_error(settings))));
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
    if let Some((place, threads)) = on {
        lines.push(("time", time(plan, &place, threads)?));
    }
    lines.push(("folder", folder.display().to_string()));
    Ok(described(&lines, terminal_width()))
}

/// What becomes of trials that are equal, to follow how many there are; nothing where there are none.
fn equal(plan: &Plan) -> String {
    let drawn = plan.trials.len() + plan.equal;
    match (plan.equal, plan.repeats.len()) {
        (0, 0) => String::new(),
        (0, 1) => "; 1 of them repeats an earlier one, as an older version planned".into(),
        (0, repeats) => format!("; {repeats} of them repeat earlier ones, as an older version planned"),
        (1, _) => format!("; 1 of {drawn} equals an earlier one and is not made again"),
        (equal, _) => format!("; {equal} of {drawn} equal earlier ones and are not made again"),
    }
}

/// What a trade-off looks for.
fn largest_error(settings: TradeOffSettings) -> String {
    let error = match settings.largest_error {
        Some(error) => format!("{error}"),
        None => "a tenth of that without any component".into(),
    };
    format!("the fewest active components with an error of at most {error}")
}

/// When trials end that are behind.
fn in_rounds(plan: &Plan, halving: Halving) -> String {
    let all: BTreeSet<u64> =
        plan.packs.iter().filter(|trials| trials.len() > 1).map(|trials| steps(plan, trials)).collect();
    let rounds = |&steps: &u64| {
        let rungs: Vec<String> = halving.rungs(steps).iter().map(u64::to_string).collect();
        let of = if all.len() > 1 { format!(" of {steps}") } else { String::new() };
        format!("{}{of} steps", rungs.join(", "))
    };
    if all.is_empty() {
        return "no pack has a second trial to compare with, so all are trained to their end".into();
    }
    let rounds: Vec<String> = all.iter().map(rounds).collect();
    format!("after {} the best 1 in {} of each pack go on", rounds.join(", after "), halving.factor)
}

fn steps(plan: &Plan, pack: &[usize]) -> u64 {
    plan.trials[pack[0]].spec.decomposition.steps
}

/// How long all packs take, one after another, with the targets that are missing: the packs that were timed, and as much for
/// each replica and step of the others.
fn time(plan: &Plan, place: &Place, threads: usize) -> Result<String, RunError> {
    let begun = Instant::now();
    let (mut seconds, mut timed, mut all) = (0.0, 0.0, 0.0);
    for pack in 0..plan.packs.len() {
        let specs: Vec<&Spec> = plan.specs(pack).collect();
        let steps = specs[0].decomposition.steps;
        let share = plan.sweep.halving.map_or(1.0, |halving| halving.share_of_steps(specs.len(), steps));
        let work = (specs.len() * plan.sweep.seeds.len()) as f64 * steps as f64 * share;
        all += work;
        if begun.elapsed().as_secs_f64() < TIME_FOR_TIMING {
            let pack = seconds_of_pack(&specs, place.device, threads);
            seconds += pack.components * share + pack.measurements;
            timed += work;
        }
    }
    let mut targets = 0.0;
    let mut seen = BTreeSet::new();
    for pack in 0..plan.packs.len() {
        let joint = joint(plan.specs(pack));
        if seen.insert(joint.target.hash()) {
            // Trials with the same seeds have their targets in common.
            targets += seconds_of_targets(&Spec { seeds: plan.sweep.seeds.clone(), ..joint }, place, threads)?;
        }
    }
    let total = duration(targets + seconds * all / timed);
    let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
    Ok(format!("about {total} on {threads} (targets, components, measurements), from a few steps"))
}
