//! Measures an experiment's steps and writes them as a row of a table: milliseconds of decomposition and target training, what
//! the hardware could do at best, peak memory, and beside them the formulas of the paper taken literally, in the same process
//! on the same inputs.
//!
//! `scripts/bench` calls it once an experiment, since a process has one peak of its memory:
//! `cargo bench --profile dev --bench step -- experiments/tms_5-2.toml --set seeds=1`.
//!
//! - [`kernels`]: what each hand-written loop gains
//! - [`measure`]: timing by Criterion
//! - [`rates`]: what this machine's products and copies take
//! - [`row`]: the row, and the machine that it is of

mod kernels;
mod literal;
mod measure;
mod operations;
mod rates;
mod row;
mod scaling;

use std::{num::NonZeroU16, path::PathBuf, process::ExitCode, thread::available_parallelism};

use apd::{
    components::Components,
    device::{self, DeviceChoice},
    fit::{Fit, InputStream, Moment, Objective},
    memory,
    method::{Decomposed, Method, apd::ApdObjective},
    network::Task,
    optimizer::{Adam, Rate},
    random::Purpose,
    spec::{Spec, load},
    weights::Weights,
};
use clap::Parser;
use literal::Literal;
use measure::Clock;
use operations::Step;
use rates::Rates;
use row::{Row, describe_machine, peak_memory};
use scaling::scaling;
use tch::{Device, Kind, Tensor};

/// What `scripts/bench` asks for.
#[derive(Debug, Parser)]
struct Arguments {
    /// The experiment
    #[arg(required_unless_present = "figure")]
    spec: Option<PathBuf>,
    /// Change a value of the spec, as for apd
    #[arg(long)]
    set: Vec<String>,
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// All cores unless said otherwise
    #[arg(long)]
    threads: Option<NonZeroU16>,
    /// How long each kind of step is measured; a slow one takes ten steps in any case
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Leave the literal formulation out
    #[arg(long)]
    without_literal: bool,
    /// Measure what each hand-written loop gains instead, in pairs of blocks of steps with and without it; `seconds` a block
    #[arg(long, value_name = "PAIRS")]
    kernels: Option<usize>,
    /// The column that a measurement of scaling varies
    #[arg(long, default_value = "")]
    varied: String,
    /// Append the row to this CSV file; the machine's description goes beside it, as `<name>_machine.toml`
    #[arg(long)]
    table: Option<PathBuf>,
    /// Draw the figure of a table of scaling, beside it, instead of measuring
    #[arg(long, value_name = "TABLE")]
    figure: Option<PathBuf>,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    memory::keep_freed_memory();
    match Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {}", why.trim_start_matches("error: ").trim_end());
            ExitCode::from(2)
        }
    }
}

impl Arguments {
    fn run(&self) -> Result<(), String> {
        if let Some(table) = &self.figure {
            let text = std::fs::read_to_string(table).map_err(|error| format!("{}: {error}", table.display()))?;
            let picture = scaling(&text).map_err(|error| format!("{}: {error}", table.display()))?;
            return std::fs::write(table.with_extension("svg"), picture).map_err(|error| error.to_string());
        }
        let spec = self.spec.as_ref().expect("clap asks for it");
        let mut spec = load(spec, &self.set).map_err(|error| error.to_string())?;
        // A step of whole components: the first steps of growing ones cost less than those that are counted.
        spec.method = spec.method.without_growth().unwrap_or(spec.method);
        if self.kernels.is_none() && !matches!(spec.method, Method::Apd(_)) {
            return Err("what is measured beside its literal formulas is a step of [method.apd]".into());
        }
        // Before anything else asks libtorch about devices.
        let device = device::open(self.device).map_err(|error| error.to_string())?;
        let cores = || available_parallelism().ok().and_then(|cores| NonZeroU16::try_from(cores).ok());
        let threads = self.threads.or_else(cores).unwrap_or(NonZeroU16::MIN);
        let table = self.table.as_deref();
        if let Some(pairs) = self.kernels {
            kernels::measure(&spec, device, threads, pairs, self.seconds, table).map_err(|error| error.to_string())?;
        } else {
            let row = measure_experiment(&spec, device, threads, self);
            println!("{row}");
            if let Some(table) = table {
                row.append_to(table).map_err(|error| format!("{}: {error}", table.display()))?;
            }
        }
        if let Some(table) = table {
            let name = table.file_stem().unwrap_or_default().to_string_lossy();
            let machine = table.with_file_name(format!("{name}_machine.toml"));
            std::fs::write(&machine, describe_machine(device, threads)).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// Target training, decomposition, peak memory, the machine's rates, and last what takes most memory: the literal form.
fn measure_experiment(spec: &Spec, device: Device, threads: NonZeroU16, arguments: &Arguments) -> Row {
    device::set_threads(threads);
    let network = &spec.target.network;
    let Method::Apd(apd) = &spec.method else { panic!("the default method") };
    let replicas = spec.seeds.len();
    let inputs = |purpose| InputStream {
        inputs: spec.target.inputs.clone(),
        features: network.features(),
        seeds: spec.seeds.clone(),
        purpose,
    };
    // The first product wakes libtorch's threads and its buffers.
    let one = Tensor::ones([64, 64], (Kind::Float, device));
    drop(one.matmul(&one));
    let initial = peak_memory(device);
    let mut clock = Clock::new(&format!("{}_x{replicas}", spec.name), arguments.seconds, device);

    let training = spec.target.training.clone().expect("the target of a measured experiment is trained");
    let initial_values = spec.target.initial_values.expect("what is trained starts somewhere");
    let weights = Weights::random(network, initial_values, &spec.seeds).to_device(device);
    let task = Task::new(network, weights, &spec.seeds);
    let trainings = vec![training; replicas];
    let target = clock.time_training("target", || {
        Fit::new(&task, trainings.clone(), inputs(Purpose::TargetInputs), device, usize::from(threads.get()))
    });
    // Trained for as long as was measured: most outputs of a trained network's units are zero, and zeros are cheap.
    let weights = task.into_weights();

    let start = Components::random(&network.sites(), apd.components, apd.rank, apd.initial_values, &spec.seeds);
    let decomposition = ApdObjective::new(network, &weights, vec![apd.clone(); replicas], start.to_device(device));
    let trainings = vec![spec.decomposition.clone(); replicas];
    let stream = inputs(Purpose::DecompositionInputs);
    let fast = clock.time_training("decomposition", || {
        Fit::new(&decomposition, trainings.clone(), stream.clone(), device, usize::from(threads.get()))
    });
    let peak = peak_memory(device);

    device::set_threads(threads);
    let step = Step::of(spec);
    let rates = Rates::measure(&step.fast().products, device);

    let literal = (!arguments.without_literal).then(|| {
        let components = decomposition.components().map(Tensor::copy);
        let mut literal = Literal::new(network, &weights, vec![apd.clone(); replicas], components);
        let mut optimizer = Adam::new(literal.parameters());
        let rates = vec![Rate { learning_rate: spec.decomposition.learning_rate, weight_decay: 0.0 }; replicas];
        let mut number = 0;
        let time = clock.time_steps("literal", || {
            let input = stream.batch(number, spec.decomposition.batch, device);
            literal.add_gradients(Moment::before(number, spec.decomposition.steps), &input);
            number += 1;
            optimizer.update(number, &rates);
        });
        (time, peak_memory(device))
    });
    Row::new(spec, &arguments.varied, device, threads, target, fast, initial, peak, &step, &rates, literal)
}
