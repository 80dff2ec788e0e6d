//! A row of the table of steps, and the machine that it was measured on.

use std::{fmt, fs, fs::OpenOptions, io, num::NonZeroU16, path::Path, process::Command, thread::available_parallelism};

use apd::{device, experiment::memory_needed, libtorch, method::Method, network::Network, spec::Spec, version};
use serde::Serialize;
use tch::Device;

use crate::{measure::Time, operations::Step, rates::Rates};

/// Milliseconds are of a step, operations as counted from the shapes, memory in megabytes of the whole process, libtorch
/// included; on a GPU, of its memory.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The column that this measurement varies, in a table of scaling.
    pub varied: String,
    pub experiment: String,
    pub device: &'static str,
    pub threads: u16,
    pub replicas: usize,
    pub components: usize,
    pub rank: usize,
    /// Of the hidden space, or of the residual stream.
    pub width: usize,
    pub layers: usize,
    pub batch: usize,
    /// Of a step of the decomposition: the median and its 95 % confidence interval.
    pub milliseconds: f64,
    pub milliseconds_low: f64,
    pub milliseconds_high: f64,
    pub steps_a_second: f64,
    pub operations: f64,
    /// Operations a second over those of a large product on this machine.
    pub share_of_product_rate: f64,
    /// 10^9 operations a second, of a product of two matrices of 1,000 x 1,000 (on a GPU 8,192 x 8,192).
    pub product_rate: f64,
    /// What the step's products of matrices take by themselves, measured each at its shape.
    pub milliseconds_of_products: f64,
    /// What moving the factors takes that must be moved, at the measured rate of a copy.
    pub milliseconds_of_bytes: f64,
    /// 10^9 bytes a second.
    pub copy_rate: f64,
    /// The step over the sum of these two.
    pub times_least: f64,
    pub peak_memory: f64,
    /// Before the experiment, with libtorch at work.
    pub initial_memory: f64,
    /// What `apd check` says beforehand, beside libtorch itself.
    pub expected_memory: f64,
    pub target_milliseconds: f64,
    /// Of the paper's formulas taken literally.
    pub literal_milliseconds: Option<f64>,
    pub literal_operations: f64,
    /// How many times longer these take.
    pub literal_ratio: Option<f64>,
    pub literal_peak_memory: Option<f64>,
}

impl Row {
    #[allow(clippy::too_many_arguments, reason = "all that is measured")]
    pub fn new(
        spec: &Spec,
        varied: &str,
        device: Device,
        threads: NonZeroU16,
        target: Time,
        fast: Time,
        initial_memory: f64,
        peak_memory: f64,
        step: &Step,
        rates: &Rates,
        literal: Option<(Time, f64)>,
    ) -> Self {
        let Method::Apd(apd) = &spec.method else { panic!("the default method") };
        let (width, layers) = match &spec.target.network {
            Network::Tms(tms) => (tms.hidden, tms.hidden_layers),
            Network::ResidualMlp(mlp) => (mlp.width, mlp.layers),
            Network::GatedFunctions(_) => panic!("the target of a measured experiment is trained"),
        };
        let operations = step.fast().total();
        let milliseconds_of_products = 1e3 * rates.products;
        let milliseconds_of_bytes = 1e3 * step.bytes() / rates.copy;
        let literal_milliseconds = literal.map(|(time, _)| time.median);
        Self {
            varied: varied.into(),
            experiment: spec.name.clone(),
            device: if device.is_cuda() { "cuda" } else { "cpu" },
            threads: threads.get(),
            replicas: spec.seeds.len(),
            components: apd.components,
            rank: apd.rank,
            width,
            layers,
            batch: spec.decomposition.batch,
            milliseconds: rounded(fast.median),
            milliseconds_low: rounded(fast.low),
            milliseconds_high: rounded(fast.high),
            steps_a_second: rounded(1e3 / fast.median),
            operations,
            share_of_product_rate: rounded(operations / (fast.median / 1e3) / rates.product),
            product_rate: rounded(rates.product / 1e9),
            milliseconds_of_products: rounded(milliseconds_of_products),
            milliseconds_of_bytes: rounded(milliseconds_of_bytes),
            copy_rate: rounded(rates.copy / 1e9),
            times_least: rounded(fast.median / (milliseconds_of_products + milliseconds_of_bytes)),
            peak_memory: peak_memory.round(),
            initial_memory: initial_memory.round(),
            expected_memory: (memory_needed::of_experiment(spec, device) / 1e6).round(),
            target_milliseconds: rounded(target.median),
            literal_milliseconds: literal_milliseconds.map(rounded),
            literal_operations: step.literal().total(),
            literal_ratio: literal_milliseconds.map(|literal| rounded(literal / fast.median)),
            literal_peak_memory: literal.map(|(_, peak)| peak.round()),
        }
    }

    /// Appends to a CSV file; a new one begins with the names of the columns.
    pub fn append_to(&self, table: &Path) -> io::Result<()> {
        let file = OpenOptions::new().create(true).append(true).open(table)?;
        let is_new = file.metadata()?.len() == 0;
        let mut writer = csv::WriterBuilder::new().has_headers(is_new).from_writer(file);
        writer.serialize(self)?;
        writer.flush()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Row { experiment, replicas, device, threads, milliseconds, times_least, peak_memory, .. } = self;
        write!(
            out,
            "{experiment}, {replicas} replica(s), {device}, {threads} thread(s): {milliseconds} ms a step, {times_least} times \
             the least of {} ms products + {} ms bytes, {:.3e} operations ({:.0} % of {} GFLOP/s), peak {peak_memory} MB; \
             target {} ms a step",
            self.milliseconds_of_products,
            self.milliseconds_of_bytes,
            self.operations,
            100.0 * self.share_of_product_rate,
            self.product_rate,
            self.target_milliseconds
        )?;
        match (self.literal_milliseconds, self.literal_ratio) {
            (Some(literal), Some(ratio)) => write!(out, "; literal formulas {literal} ms ({ratio} times as long)"),
            _ => Ok(()),
        }
    }
}

/// With four significant digits, more than a measurement of time has.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().expect("a number was written")
}

/// The most memory that this process has had on the device, in megabytes; 0 where the system does not say.
pub fn peak_memory(device: Device) -> f64 {
    if device.is_cuda() {
        return device::used_gpu_memory().unwrap_or(0) as f64 / 1e6;
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0 / 1e6
}

/// As TOML, without what would name the machine.
pub fn describe_machine(device: Device, threads: NonZeroU16) -> String {
    #[derive(Serialize)]
    struct Machine {
        processor: String,
        cores: usize,
        threads: u16,
        gpu: Option<String>,
        libtorch: String,
        commit: &'static str,
        /// Whether the source differed from the commit.
        commit_dirty: bool,
    }
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    let installed = libtorch::loaded_folder().and_then(|folder| libtorch::version_in(&folder));
    let machine = Machine {
        processor: model.map_or("unknown".into(), |(_, name)| name.trim().into()),
        cores: available_parallelism().map_or(0, usize::from),
        threads: threads.get(),
        gpu: device.is_cuda().then(gpu_name),
        libtorch: installed.unwrap_or_else(|| libtorch::NEEDED_VERSION.into()),
        commit: version::COMMIT,
        commit_dirty: version::IS_DIRTY,
    };
    toml::to_string(&machine).expect("plain data")
}

fn gpu_name() -> String {
    let output = Command::new("nvidia-smi").args(["--query-gpu=name", "--format=csv,noheader"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").trim().into()
}
