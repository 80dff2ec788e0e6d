//! Being asked to stop: save, then leave. Ctrl-C by hand, other signals from a scheduler, a limit, or a terminal that closes.

use std::{
    error, fmt, io, mem,
    path::{Path, PathBuf},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGALRM, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU},
    flag, low_level,
};

/// The signals that ask to save and leave. SIGQUIT is none of them: it is the way out that saves nothing.
const SIGNALS: [(i32, &str); 7] = [
    (SIGINT, "by Ctrl-C"),
    (SIGTERM, "by SIGTERM"),
    // The terminal was closed, or the connection to it.
    (SIGHUP, "by SIGHUP"),
    // A scheduler's warning that the time is nearly over, as its user or its documentation chooses.
    (SIGUSR1, "by SIGUSR1"),
    (SIGUSR2, "by SIGUSR2"),
    // The soft limit of CPU time (`ulimit -t`).
    (SIGXCPU, "by SIGXCPU, the limit of CPU time"),
    // A timer that whoever started the program has set.
    (SIGALRM, "by SIGALRM"),
];

/// The first of the signals that has come, or 0. Signals are the process's, and so is this.
static HEARD: AtomicI32 = AtomicI32::new(0);

/// Whether the user or a scheduler has asked the process to save and leave, or its time is over. Clones share one answer.
#[derive(Clone, Debug)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    /// Unset: it has all the time.
    deadline: Option<Instant>,
}

impl Interrupt {
    /// Exit code of a second Ctrl-C, which leaves at once.
    pub const AT_ONCE: i32 = 130;

    /// Listens to SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU and SIGALRM. A Ctrl-C after any of these leaves at once.
    /// A SIGHUP that is ignored from the beginning, as `nohup` has it, stays ignored.
    pub fn listen() -> io::Result<Interrupt> {
        let interrupt = Interrupt::never();
        // Registered first, so that it sees the flag as it was before this signal.
        flag::register_conditional_shutdown(SIGINT, Self::AT_ONCE, Arc::clone(&interrupt.requested))?;
        for (signal, _) in SIGNALS {
            if signal == SIGHUP && is_ignored(SIGHUP) {
                continue;
            }
            let requested = Arc::clone(&interrupt.requested);
            let note = move || {
                let _ = HEARD.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed);
                requested.store(true, Ordering::Relaxed);
            };
            // SAFETY: what is done when the signal comes is two atomic operations.
            unsafe { low_level::register(signal, note)? };
        }
        Ok(interrupt)
    }

    /// Hears no signal, only [`request`](Self::request): for tests and for callers with their own handling.
    pub fn never() -> Interrupt {
        Interrupt { requested: Arc::new(AtomicBool::new(false)), deadline: None }
    }

    /// The same, which is also asked to save and leave once this time is over.
    pub fn within(self, time: Duration) -> Interrupt {
        Interrupt { deadline: Instant::now().checked_add(time), ..self }
    }

    /// Asks to save and leave.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The work on a stage, `step` of whose `steps` are done and whose state is saved in `folder`, that this may interrupt.
    pub fn of_work(&self, stage: Stage, step: u64, steps: u64, folder: &Path) -> Work {
        Work { interrupt: self.clone(), place: Interrupted { stage, step, steps, folder: folder.into() } }
    }

    /// What has asked this process to save and leave, to be read after "interrupted".
    pub fn cause() -> &'static str {
        let heard = HEARD.load(Ordering::Relaxed);
        let of_signal = SIGNALS.iter().find(|(signal, _)| *signal == heard);
        of_signal.map_or("because its time is over", |(_, words)| words)
    }

    /// Whether a signal is one of those that ask to save and leave.
    pub fn is_request(signal: i32) -> bool {
        SIGNALS.iter().any(|(request, _)| *request == signal)
    }
}

/// What the program is doing when it is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading networks of another program.
    Import,
    /// Training the networks that are to be decomposed.
    Target,
    /// Training their components.
    Components,
    /// Measuring components without training.
    Measurement,
    /// Writing the tables of a sweep.
    Tables,
}

impl Stage {
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Import => "import",
            Stage::Target => "target",
            Stage::Components => "components",
            Stage::Measurement => "measurement",
            Stage::Tables => "tables",
        }
    }
}

/// Work that was asked to save and leave, and did. The same command resumes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    pub stage: Stage,
    /// The steps done, of so many.
    pub step: u64,
    pub steps: u64,
    /// Where it was saved.
    pub folder: PathBuf,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interrupted { stage, step, steps, folder } = self;
        let (cause, stage, folder) = (Interrupt::cause(), stage.name(), folder.display());
        write!(out, "interrupted {cause} at step {step} of {steps} ({stage}); saved in {folder}")
    }
}

impl error::Error for Interrupted {}

/// Work that looks now and then whether it is to save and leave.
#[derive(Clone, Debug)]
pub struct Work {
    interrupt: Interrupt,
    place: Interrupted,
}

impl Work {
    /// # Errors
    /// If the work is to save and leave.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.interrupt.requested() { Err(self.place.clone()) } else { Ok(()) }
    }
}

/// Whether nothing happens when the signal comes.
fn is_ignored(signal: i32) -> bool {
    // SAFETY: asks the system for how a signal is handled, into memory of this function, for which zeros are valid.
    unsafe {
        let mut handling: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, ptr::null(), &mut handling) == 0 && handling.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_one_answer() {
        let interrupt = Interrupt::never();
        let clone = interrupt.clone();
        assert!(!clone.requested());
        interrupt.request();
        assert!(clone.requested());
    }

    #[test]
    fn work_that_is_interrupted_says_how_far_it_was() {
        let interrupt = Interrupt::never();
        let work = interrupt.of_work(Stage::Components, 3, 10, Path::new("runs/a"));
        assert_eq!(work.check(), Ok(()));
        interrupt.request();
        let text = work.check().unwrap_err().to_string();
        assert!(text.ends_with(" at step 3 of 10 (components); saved in runs/a"), "{text}");
    }

    #[test]
    fn time_that_is_over_asks_too() {
        assert!(Interrupt::never().within(Duration::ZERO).requested());
        assert!(!Interrupt::never().within(Duration::from_secs(3_600)).requested());
        assert!(!Interrupt::never().within(Duration::MAX).requested());
    }

    #[test]
    fn a_scheduler_signal_is_heard_and_the_first_is_the_cause() {
        let interrupt = Interrupt::listen().unwrap();
        assert_eq!(Interrupt::cause(), "because its time is over");
        for signal in [SIGUSR1, SIGXCPU] {
            low_level::raise(signal).unwrap();
        }
        assert!(interrupt.requested());
        assert_eq!(Interrupt::cause(), "by SIGUSR1");
    }
}
