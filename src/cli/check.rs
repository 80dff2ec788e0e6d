//! `apd check SPEC`: what would be done, without doing any of it.

use clap::Args;
use tch::Device;

use super::{
    Ending, Failure,
    ending::print,
    finish::{described, terminal_width},
    options::{Compute, Force, Options, Results, Set},
    start::{SpecArgument, load, open_device, place},
};
use crate::{
    device,
    experiment::{self, Place, memory_needed},
    fit::Training,
    memory,
    method::Sizes,
    run::{RunFolder, exists},
    site::Site,
    spec::Spec,
};

/// Tell what an experiment would do, without doing it
///
/// Reads the spec, finds its mistakes, and prints sizes, steps, the run folder, and estimates of memory and time: a few
/// steps are tried out, which takes some seconds. What `apd run` would refuse is refused, such as a device that is not
/// there or a folder that cannot be written. Nothing is left behind.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd check experiments/tms_5-2.toml
  apd check experiments/tms_5-2.toml --set method.apd.components=20")]
pub struct Check {
    #[command(flatten)]
    spec: SpecArgument,
    #[command(flatten)]
    set: Set,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    results: Results,
    #[command(flatten)]
    force: Force,
}

impl Check {
    pub fn run(&self) -> Result<Ending, Failure> {
        let Self { spec, set, compute, results, force } = self;
        let options = &Options::new(results).with_set(set).with_compute(compute).with_force(force);
        let spec = &load(&spec.path, options)?;
        let device = open_device(options)?;
        device::set_threads(options.threads());
        let place = place(device, options);
        experiment::check(spec, &place).map_err(Failure::work)?;
        let lines = [
            ("experiment", spec.name.clone()),
            ("replicas", replicas(&spec.seeds)),
            ("target", target(spec, &place)?),
            ("components", components(spec)),
            ("training", steps(spec)),
            ("memory", memory(spec, device)),
            ("time", time(spec, &place, options.threads().get().into())?),
            ("run folder", run_folder(spec, &place)?),
        ];
        print(&described(&lines, terminal_width()))?;
        Ok(Ending::Done)
    }
}

fn replicas(seeds: &[u64]) -> String {
    match seeds {
        [seed] => format!("1 (seed {seed})"),
        [first, .., last] if seeds.is_sorted() && last - first + 1 == seeds.len() as u64 => {
            format!("{} (seeds {first} to {last})", seeds.len())
        }
        _ => format!("{} (seeds {})", seeds.len(), seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn target(spec: &Spec, place: &Place) -> Result<String, Failure> {
    let network = &spec.target.network;
    let sites = network.sites();
    let sites = sites.iter().map(|Site { name, d_in, d_out }| format!("{name} {d_in} x {d_out}"));
    let made = match () {
        () if spec.target.imported.is_some() => "imported",
        () if network.is_trainable() => "trained",
        () => "constructed",
    };
    let (all, missing) = experiment::count_targets(spec, place.results).map_err(Failure::work)?;
    let trained = match all - missing {
        0 => format!("to be {made}"),
        there if there == all => format!("{made} already"),
        there => format!("{there} of {all} {made} already"),
    };
    let sites = sites.collect::<Vec<_>>().join(", ");
    Ok(format!("{} parameters ({sites}); {trained}", grouped(network.parameters())))
}

fn components(spec: &Spec) -> String {
    let Sizes { components, rank, factors, .. } = spec.method.sizes(&spec.target.network);
    format!("{components} of rank {rank}: {} factors a replica", grouped(factors))
}

fn steps(spec: &Spec) -> String {
    let of = |what: &str, training: &Training| {
        format!("{what} {} steps of {} samples", grouped(training.steps as i64), grouped(training.batch as i64))
    };
    let target = spec.target.training.iter().map(|training| of("target", training));
    target.chain([of("components", &spec.decomposition)]).collect::<Vec<_>>().join(", ")
}

fn memory(spec: &Spec, device: Device) -> String {
    format!("about {} beside libtorch itself", memory::in_words(memory_needed::of_experiment(spec, device)))
}

/// What is left to do, by the steps that were tried out.
fn time(spec: &Spec, place: &Place, threads: usize) -> Result<String, Failure> {
    if experiment::is_finished(spec, place).map_err(Failure::work)? {
        return Ok("none: the run is finished".into());
    }
    let seconds = experiment::seconds_of_experiment(spec, place, threads).map_err(Failure::work)?;
    let on = match (place.device, threads) {
        (Device::Cuda(index), _) => format!("cuda:{index}"),
        (_, 1) => "1 thread".into(),
        (_, threads) => format!("{threads} threads"),
    };
    let parts =
        [("targets", seconds.targets), ("components", seconds.components), ("measurements", seconds.measurements)];
    let parts = parts.map(|(what, seconds)| format!("{what} {}", roughly(seconds))).join(", ");
    let total = roughly(seconds.total());
    Ok(format!("{total} on {on} ({parts}), by a few steps tried out: up to half as long again, or a third less"))
}

/// A time in as many digits as an estimate has.
fn roughly(seconds: f64) -> String {
    match seconds {
        ..0.95 => "under a second".into(),
        0.95..90.0 => in_units(seconds, 1.0, "second"),
        90.0..5_400.0 => in_units(seconds, 60.0, "minute"),
        5_400.0..172_800.0 => in_units(seconds, 3_600.0, "hour"),
        _ => in_units(seconds, 86_400.0, "day"),
    }
}

fn in_units(seconds: f64, unit: f64, name: &str) -> String {
    let count = seconds / unit;
    let count = if count < 9.5 { count.round() } else { (count / 5.0).round() * 5.0 };
    format!("about {count} {name}{}", if count == 1.0 { "" } else { "s" })
}

fn run_folder(spec: &Spec, place: &Place) -> Result<String, Failure> {
    let path = RunFolder::locate(place.results, &spec.name, &spec.hash(), place.force).map_err(Failure::work)?;
    let state = match () {
        () if !exists(&path).map_err(Failure::work)? => "new",
        () if experiment::is_finished(spec, place).map_err(Failure::work)? => "finished",
        () => "unfinished, would go on",
    };
    Ok(format!("{} ({state})", path.display()))
}

/// 13650000 as 13,650,000.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let with_commas = digits.chars().rev().enumerate().flat_map(|(place, digit)| {
        let comma = (place > 0 && place % 3 == 0 && digit != '-').then_some(',');
        comma.into_iter().chain([digit])
    });
    with_commas.collect::<Vec<_>>().into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 13_650_000].map(grouped), ["0", "999", "1,000", "13,650,000"]);
    }

    #[test]
    fn an_estimate_has_few_digits() {
        let seconds = [0.3, 1.2, 17.0, 91.0, 400.0, 1_333.0, 9_000.0, 400_000.0];
        assert_eq!(
            seconds.map(roughly),
            [
                "under a second",
                "about 1 second",
                "about 15 seconds",
                "about 2 minutes",
                "about 7 minutes",
                "about 20 minutes",
                "about 3 hours",
                "about 5 days"
            ]
        );
    }

    #[test]
    fn seeds_are_told_shortly() {
        assert_eq!(replicas(&[7]), "1 (seed 7)");
        assert_eq!(replicas(&[0, 1, 2]), "3 (seeds 0 to 2)");
        assert_eq!(replicas(&[2, 1, 4]), "3 (seeds 2, 1, 4)");
        assert_eq!(replicas(&[4, 1]), "2 (seeds 4, 1)");
    }
}
