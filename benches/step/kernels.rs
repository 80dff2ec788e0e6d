//! What each hand-written loop gains on a step of a decomposition: blocks of steps with and without it in turn, in one
//! training.

use std::{
    fs::OpenOptions,
    io,
    num::NonZeroU16,
    path::Path,
    time::{Duration, Instant},
};

use apd::{
    device,
    fit::{Fit, InputStream},
    kernel::Kernel,
    network::Task,
    random::Purpose,
    spec::Spec,
    weights::Weights,
};
use serde::Serialize;
use tch::Device;

use crate::measure::finish;

/// For how long a target is trained before it is decomposed.
const TARGET_TRAINING: Duration = Duration::from_secs(2);

/// Seconds after which lanes go side by side for as many steps as they do in a long training.
const TOGETHER: f64 = 1.0;

/// What one kernel gains on one experiment.
#[derive(Serialize)]
struct Row {
    kernel: Kernel,
    experiment: String,
    replicas: usize,
    threads: u16,
    pairs: usize,
    /// Of a step with the kernel, the median of all blocks.
    milliseconds: f64,
    /// A step without the kernel over one with it: the median of the pairs.
    ratio: f64,
    /// The second smallest and the second largest of the pairs' ratios: of nine pairs the interval that the median of all
    /// pairs is in with a confidence of 96 %.
    ratio_low: f64,
    ratio_high: f64,
}

/// Prints a row for every kernel, and appends it to `table`.
pub fn measure(
    spec: &Spec,
    device: Device,
    threads: NonZeroU16,
    pairs: usize,
    seconds: f64,
    table: Option<&Path>,
) -> io::Result<()> {
    device::set_threads(threads);
    let network = &spec.target.network;
    let replicas = spec.seeds.len();
    let inputs = |purpose| InputStream {
        inputs: spec.target.inputs.clone(),
        features: network.features(),
        seeds: spec.seeds.clone(),
        purpose,
    };
    let used = usize::from(threads.get());
    let weights = network.constructed(&spec.seeds).unwrap_or_else(|| {
        let rule = spec.target.initial_values.expect("what is trained starts somewhere");
        let training = spec.target.training.clone().expect("a target is constructed or trained");
        let task = Task::new(network, Weights::random(network, rule, &spec.seeds).to_device(device), &spec.seeds);
        let mut fit = Fit::new(&task, vec![training; replicas], inputs(Purpose::TargetInputs), device, used);
        let begun = Instant::now();
        while fit.step() < fit.steps() && begun.elapsed() < TARGET_TRAINING {
            fit.advance();
        }
        drop(fit);
        task.into_weights()
    });
    let weights = weights.map(|tensor| tensor.to_device(device));
    let pack = [(&spec.method, spec.seeds.as_slice())];
    let decomposition = spec.method.untrained(&pack, spec.decomposition.batch, network, &weights, device);
    let begin = || {
        let stream = inputs(Purpose::DecompositionInputs);
        Fit::new(&*decomposition, vec![spec.decomposition.clone(); replicas], stream, device, used)
    };
    for kernel in Kernel::ALL {
        let mut with = Vec::new();
        let mut ratios = Vec::new();
        // How replicas are spread over threads is decided when a training begins.
        let spreads = matches!(kernel, Kernel::Lanes | Kernel::SpareLanes);
        if spreads && replicas == 1 {
            continue;
        }
        let mut fit = begin();
        fit.advance();
        for pair in 0..pairs {
            let mut of = |on: bool| {
                kernel.switch(on);
                if spreads {
                    fit = begin();
                    // Until lanes take many steps between their meetings.
                    milliseconds_of_a_step(&mut fit, TOGETHER, device, &begin);
                }
                let seconds = if spreads { seconds.max(TOGETHER) } else { seconds };
                milliseconds_of_a_step(&mut fit, seconds, device, &begin)
            };
            // In turn, so that a drift of the machine's speed favours neither.
            let (on, off) = if pair % 2 == 0 {
                let on = of(true);
                (on, of(false))
            } else {
                let off = of(false);
                (of(true), off)
            };
            with.push(on);
            ratios.push(off / on);
        }
        kernel.switch(true);
        with.sort_by(f64::total_cmp);
        ratios.sort_by(f64::total_cmp);
        let rounded = |number: f64| (number * 1e4).round() / 1e4;
        let row = Row {
            kernel,
            experiment: spec.name.clone(),
            replicas,
            threads: threads.get(),
            pairs,
            milliseconds: rounded(median(&with)),
            ratio: rounded(median(&ratios)),
            ratio_low: rounded(ratios[1]),
            ratio_high: rounded(ratios[pairs - 2]),
        };
        println!(
            "{}, {} replica(s), {} thread(s), without {:?}: {} times {} ms ({} to {})",
            row.experiment,
            row.replicas,
            row.threads,
            row.kernel,
            row.ratio,
            row.milliseconds,
            row.ratio_low,
            row.ratio_high
        );
        if let Some(table) = table {
            append(&row, table)?;
        }
    }
    Ok(())
}

/// Of a block of steps of so many seconds at least.
fn milliseconds_of_a_step<'a>(fit: &mut Fit<'a>, seconds: f64, device: Device, begin: &impl Fn() -> Fit<'a>) -> f64 {
    let (mut taken, mut steps) = (Duration::ZERO, 0);
    // What was cached for the other form.
    let mut warm = false;
    while taken.as_secs_f64() < seconds {
        if fit.step() == fit.steps() {
            *fit = begin();
        }
        let (before, begun) = (fit.step(), Instant::now());
        fit.advance();
        finish(device);
        if warm {
            taken += begun.elapsed();
            steps += fit.step() - before;
        }
        warm = true;
    }
    taken.as_secs_f64() * 1e3 / steps as f64
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn append(row: &Row, table: &Path) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(table)?;
    let is_new = file.metadata()?.len() == 0;
    let mut writer = csv::WriterBuilder::new().has_headers(is_new).from_writer(file);
    writer.serialize(row)?;
    writer.flush()
}
