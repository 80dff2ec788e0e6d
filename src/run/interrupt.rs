//! Being asked to stop: save, then leave. Ctrl-C by hand, SIGTERM and SIGUSR1 from a scheduler.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM, SIGUSR1},
    flag,
};

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

    /// Listens to SIGINT, SIGTERM and SIGUSR1. A Ctrl-C after any of these leaves at once.
    pub fn listen() -> io::Result<Interrupt> {
        let interrupt = Interrupt::never();
        // Registered first, so that it sees the flag as it was before this signal.
        flag::register_conditional_shutdown(SIGINT, Self::AT_ONCE, Arc::clone(&interrupt.requested))?;
        for signal in [SIGINT, SIGTERM, SIGUSR1] {
            flag::register(signal, Arc::clone(&interrupt.requested))?;
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
    fn time_that_is_over_asks_too() {
        assert!(Interrupt::never().within(Duration::ZERO).requested());
        assert!(!Interrupt::never().within(Duration::from_secs(3_600)).requested());
        assert!(!Interrupt::never().within(Duration::MAX).requested());
    }

    #[test]
    fn a_scheduler_signal_is_heard() {
        let interrupt = Interrupt::listen().unwrap();
        signal_hook::low_level::raise(SIGUSR1).unwrap();
        assert!(interrupt.requested());
    }
}
