//! Processes that work on one sweep side by side.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use super::{Plan, Standing, standings};
use crate::{interrupt::Interrupt, run::SweepFolder};

/// How often is looked for what the workers have done.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Starts the workers and waits for them; asks them to save and leave if that is asked of this process. Should it be
/// killed, they are asked by the system.
pub fn run_workers(
    commands: Vec<Command>,
    plan: &Plan,
    folder: &SweepFolder,
    interrupt: &Interrupt,
) -> io::Result<Vec<ExitStatus>> {
    let mut workers: Vec<Child> = Vec::new();
    let this = std::process::id();
    for mut command in commands {
        // SAFETY: two system calls, allowed between fork and exec.
        unsafe {
            command.pre_exec(move || {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                // Killed before the system was told.
                if libc::getppid() as u32 == this { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
            });
        }
        workers.push(command.spawn()?);
    }
    let (mut told, mut looked, mut asked) = (0, Instant::now(), false);
    while workers.iter_mut().any(|worker| matches!(worker.try_wait(), Ok(None))) {
        if interrupt.requested() && !asked {
            asked = true;
            // One that has ended has no number any more: it may be another's by now.
            let at_work =
                workers.iter_mut().filter_map(|worker| matches!(worker.try_wait(), Ok(None)).then(|| worker.id()));
            // SAFETY: sends a signal to processes of ours that have not been waited for.
            at_work.for_each(|worker| unsafe {
                libc::kill(worker as libc::pid_t, libc::SIGTERM);
            });
        }
        if looked.elapsed() > BETWEEN_LOOKS {
            looked = Instant::now();
            let ended = |standing: &&Standing| matches!(standing, Standing::Finished | Standing::Failed(_));
            let ended = standings(plan, folder).iter().filter(ended).count();
            if ended > told {
                tracing::info!("{ended} of {} trials have ended", plan.trials.len());
                told = ended;
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    workers.iter_mut().map(Child::wait).collect()
}
