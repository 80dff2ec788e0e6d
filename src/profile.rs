//! Where the time of a training goes: a clock for each phase of a step.
//!
//! Off unless somebody asks, and then a phase costs one look at a flag. On, it costs two looks at the system's clock, some
//! fifty nanoseconds each; on a GPU, whose work goes on after the call, also a wait at both ends of the phase.

use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tch::{Cuda, Device};

/// What a step consists of. Phases do not contain each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Drawing the samples and taking them to the device.
    Inputs,
    /// The target's own answer to them.
    TargetPass,
    Attributions,
    Selection,
    /// The passes with components: forwards, and their errors.
    SparsePass,
    /// Faithfulness and simplicity with their derivatives, and reading all terms where a step is logged.
    Losses,
    /// The passes with components backwards; in a target's training, its own.
    Backward,
    /// The optimizer, and what unit-norm columns demand.
    Update,
}

impl Phase {
    const ALL: [(Phase, &'static str); 8] = [
        (Phase::Inputs, "inputs"),
        (Phase::TargetPass, "target pass"),
        (Phase::Attributions, "attributions"),
        (Phase::Selection, "selection"),
        (Phase::SparsePass, "sparse pass"),
        (Phase::Losses, "losses"),
        (Phase::Backward, "backward"),
        (Phase::Update, "update"),
    ];
}

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Index of the GPU to wait for; `NO_GPU` on the CPU.
static GPU: AtomicU64 = AtomicU64::new(NO_GPU);
const NO_GPU: u64 = u64::MAX;

/// Nanoseconds in each phase, of all threads together.
static NANOSECONDS: [AtomicU64; Phase::ALL.len()] = [const { AtomicU64::new(0) }; Phase::ALL.len()];

/// The clocks belong to the process, so one training at a time is watched.
static WATCHED: Mutex<()> = Mutex::new(());

/// Does `work`, which is part of this phase.
pub fn phase<T>(phase: Phase, work: impl FnOnce() -> T) -> T {
    if !IS_ON.load(Ordering::Relaxed) {
        return work();
    }
    wait_for_gpu();
    let began = Instant::now();
    let result = work();
    wait_for_gpu();
    NANOSECONDS[phase as usize].fetch_add(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
    result
}

fn wait_for_gpu() {
    let gpu = GPU.load(Ordering::Relaxed);
    if gpu != NO_GPU {
        Cuda::synchronize(gpu as i64);
    }
}

/// Does `work` with the clocks on; returns with its result what they say.
pub fn watch<T>(device: Device, work: impl FnOnce() -> T) -> (T, Times) {
    let _only_this = WATCHED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    GPU.store(if let Device::Cuda(index) = device { index as u64 } else { NO_GPU }, Ordering::Relaxed);
    NANOSECONDS.iter().for_each(|clock| clock.store(0, Ordering::Relaxed));
    IS_ON.store(true, Ordering::Relaxed);
    let began = Instant::now();
    let result = work();
    let all = began.elapsed();
    IS_ON.store(false, Ordering::Relaxed);
    let phases = NANOSECONDS.each_ref().map(|clock| Duration::from_nanos(clock.load(Ordering::Relaxed)));
    (result, Times { phases, all })
}

/// What the clocks of a training said.
#[derive(Clone, Debug)]
pub struct Times {
    /// In the order of [`Phase::ALL`], of all threads together.
    phases: [Duration; Phase::ALL.len()],
    /// By the clock on the wall.
    all: Duration,
}

impl Times {
    /// Milliseconds a step and share of every phase of `steps` steps whose replicas were spread over `lanes` threads. A phase
    /// counts as its mean over the lanes, so that the phases and what is between them add up to the time of a step. What took
    /// no time is no part of such a step, and left out.
    pub fn table(&self, steps: u64, lanes: usize) -> Table {
        let milliseconds =
            |time: Duration, lanes: usize| 1e3 * time.as_secs_f64() / (steps.max(1) as usize * lanes) as f64;
        let all = milliseconds(self.all, 1);
        let mut rows: Vec<(&'static str, f64)> =
            Phase::ALL.iter().map(|&(phase, name)| (name, milliseconds(self.phases[phase as usize], lanes))).collect();
        rows.retain(|(_, milliseconds)| *milliseconds > 0.0);
        let in_phases: f64 = rows.iter().map(|(_, milliseconds)| milliseconds).sum();
        rows.push(("elsewhere", (all - in_phases).max(0.0)));
        rows.push(("a step", all));
        Table(rows)
    }
}

/// Milliseconds of every phase, for a person to read; the last row is the whole step.
#[derive(Clone, Debug, PartialEq)]
pub struct Table(Vec<(&'static str, f64)>);

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let all = self.0.last().map_or(0.0, |(_, milliseconds)| *milliseconds).max(f64::MIN_POSITIVE);
        write!(out, "{:<12}  {:>9}  {:>6}", "phase", "ms a step", "share")?;
        for (name, milliseconds) in &self.0 {
            write!(out, "\n{name:<12}  {milliseconds:>9.3}  {:>4.0} %", 100.0 * milliseconds / all)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(milliseconds: [u64; Phase::ALL.len()], all: u64) -> Times {
        Times { phases: milliseconds.map(Duration::from_millis), all: Duration::from_millis(all) }
    }

    #[test]
    fn phases_are_told_a_step_and_lane_and_add_up_to_the_step() {
        let table = times([20, 0, 40, 0, 0, 0, 0, 100], 100).table(10, 2);
        let expected = "\
phase         ms a step   share
inputs            1.000    10 %
attributions      2.000    20 %
update            5.000    50 %
elsewhere         2.000    20 %
a step           10.000   100 %";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn only_what_is_watched_is_counted() {
        let nap = || std::thread::sleep(Duration::from_millis(20));
        let ((), times) = watch(Device::Cpu, || phase(Phase::Selection, nap));
        assert!(times.phases[Phase::Selection as usize] >= Duration::from_millis(20));
        assert!(times.all >= times.phases[Phase::Selection as usize]);
        phase(Phase::Selection, nap);
        let ((), nothing) = watch(Device::Cpu, || ());
        assert_eq!(nothing.phases[Phase::Selection as usize], Duration::ZERO);
    }
}
