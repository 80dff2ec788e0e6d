//! Timing by Criterion.

use std::{
    env, fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use apd::fit::Fit;
use criterion::{Criterion, SamplingMode};
use serde_json::Value;
use tch::{Cuda, Device};

/// Milliseconds of a step: the median of ten samples and its 95 % confidence interval.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// Measures kinds of steps of one experiment.
pub struct Clock {
    criterion: Criterion,
    folder: PathBuf,
    experiment: String,
    device: Device,
}

impl Clock {
    /// `seconds`: for each kind of step, beside a warm-up of a fifth of it.
    pub fn new(experiment: &str, seconds: f64, device: Device) -> Self {
        let folder =
            PathBuf::from(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())).join("criterion");
        let criterion = Criterion::default()
            .without_plots()
            .output_directory(&folder)
            .sample_size(10)
            .warm_up_time(Duration::from_secs_f64(seconds / 5.0))
            .measurement_time(Duration::from_secs_f64(seconds));
        Self { criterion, folder, experiment: experiment.into(), device }
    }

    /// Of a training as the program runs it, logged steps included. One that has come to its end begins anew.
    pub fn time_training<'a>(&mut self, what: &str, begin: impl Fn() -> Fit<'a>) -> Time {
        let device = self.device;
        let mut fit = begin();
        self.time(what, |steps| {
            let mut taken = Duration::ZERO;
            let mut done = 0;
            while done < steps {
                if fit.step() == fit.steps() {
                    fit = begin();
                }
                let (before, began) = (fit.step(), Instant::now());
                fit.advance();
                finish(device);
                taken += began.elapsed();
                done += fit.step() - before;
            }
            // A training takes several steps at once, so these may be more than were asked for.
            taken.mul_f64(steps as f64 / done as f64)
        })
    }

    /// Of steps that are called one by one.
    pub fn time_steps(&mut self, what: &str, mut step: impl FnMut()) -> Time {
        let device = self.device;
        self.time(what, |steps| {
            let began = Instant::now();
            (0..steps).for_each(|_| step());
            finish(device);
            began.elapsed()
        })
    }

    fn time(&mut self, what: &str, mut take: impl FnMut(u64) -> Duration) -> Time {
        let mut group = self.criterion.benchmark_group(&self.experiment);
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function(what, |bencher| bencher.iter_custom(&mut take));
        group.finish();
        self.read(what)
    }

    /// What Criterion has written about its last measurement.
    fn read(&self, what: &str) -> Time {
        let path = self.folder.join(&self.experiment).join(what).join("new/estimates.json");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let estimates: Value = serde_json::from_str(&text).expect("Criterion writes JSON");
        let median = &estimates["median"];
        let milliseconds = |nanoseconds: &Value| nanoseconds.as_f64().expect("Criterion writes numbers") / 1e6;
        let interval = &median["confidence_interval"];
        Time {
            median: milliseconds(&median["point_estimate"]),
            low: milliseconds(&interval["lower_bound"]),
            high: milliseconds(&interval["upper_bound"]),
        }
    }
}

/// Waits for what a GPU still has to do.
pub fn finish(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}
