//! `apd check SPEC`: what would be done, without doing any of it.

use clap::Args;
use tch::Device;

use super::{
    Ending, Failure,
    ending::print,
    options::Options,
    start::{SpecArgument, load},
};
use crate::{
    device::{self, DeviceChoice},
    experiment::memory,
    fit::Training,
    method::Method,
    run::{Lock, RunFolder, TargetFolder},
    site::Site,
    spec::Spec,
};

/// Tell what an experiment would do, without doing it
///
/// Reads the spec, finds its mistakes, and prints sizes, steps, an estimate of the memory, and the run folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd check experiments/tms_5-2.toml
  apd check experiments/tms_5-2.toml --set method.apd.components=20")]
pub struct Check {
    #[command(flatten)]
    spec: SpecArgument,
}

impl Check {
    pub fn run(&self, options: &Options) -> Result<Ending, Failure> {
        let spec = load(&self.spec.path, options)?;
        let lines = [
            ("experiment", spec.name.clone()),
            ("replicas", replicas(&spec.seeds)),
            ("target", target(&spec, options)),
            ("components", components(&spec)),
            ("training", steps(&spec)),
            ("memory", memory(&spec, options)),
            ("run folder", run_folder(&spec, options)),
        ];
        print(&lines.map(|(about, text)| format!("{about:<11} {text}\n")).concat())?;
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

fn target(spec: &Spec, options: &Options) -> String {
    let network = &spec.target.network;
    let sites = network.sites();
    let sites = sites.iter().map(|Site { name, d_in, d_out }| format!("{name} {d_in} x {d_out}"));
    let (hash, mut seeds) = (spec.target.hash(), spec.seeds.clone());
    if let Some(seed) = spec.target.seed {
        seeds = vec![seed];
    }
    let is_trained = |&&seed: &&u64| TargetFolder::new(&options.results, &hash, seed).is_trained();
    let made = match () {
        () if spec.target.imported.is_some() => "imported",
        () if network.is_trainable() => "trained",
        () => "constructed",
    };
    let trained = match seeds.iter().filter(is_trained).count() {
        0 => format!("to be {made}"),
        all if all == seeds.len() => format!("{made} already"),
        some => format!("{some} of {} {made} already", seeds.len()),
    };
    format!("{} parameters ({}); {trained}", grouped(network.parameters()), sites.collect::<Vec<_>>().join(", "))
}

fn components(spec: &Spec) -> String {
    let Method::Apd(apd) = &spec.method;
    format!("{} of rank {}: {} factors a replica", apd.components, apd.rank, grouped(memory::factors(spec)))
}

fn steps(spec: &Spec) -> String {
    let of = |what: &str, training: &Training| {
        format!("{what} {} steps of {} samples", grouped(training.steps as i64), grouped(training.batch as i64))
    };
    let target = spec.target.training.iter().map(|training| of("target", training));
    target.chain([of("components", &spec.decomposition)]).collect::<Vec<_>>().join(", ")
}

fn memory(spec: &Spec, options: &Options) -> String {
    let is_cuda = options.device != DeviceChoice::Cpu && device::count_gpus().is_ok();
    let device = if is_cuda { Device::Cuda(0) } else { Device::Cpu };
    format!("about {} beside libtorch itself", memory::in_words(memory::of_experiment(spec, device)))
}

fn run_folder(spec: &Spec, options: &Options) -> String {
    let path = RunFolder::locate(&options.results, &spec.name, &spec.hash(), options.force);
    let run = RunFolder::at(&path);
    let state = match () {
        () if !path.exists() => "new",
        () if Lock::is_held(&path) => "in use by another process",
        () if run.is_finished() => "finished",
        () => "unfinished, would go on",
    };
    format!("{} ({state})", path.display())
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
    fn seeds_are_told_shortly() {
        assert_eq!(replicas(&[7]), "1 (seed 7)");
        assert_eq!(replicas(&[0, 1, 2]), "3 (seeds 0 to 2)");
        assert_eq!(replicas(&[2, 1, 4]), "3 (seeds 2, 1, 4)");
        assert_eq!(replicas(&[4, 1]), "2 (seeds 4, 1)");
    }
}
