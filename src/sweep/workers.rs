//! Processes that work on one sweep side by side.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use super::{Plan, Standing, standings};
use crate::run::{Interrupt, SweepFolder};

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
    for mut command in commands {
        // SAFETY: one system call, allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                Ok(())
            });
        }
        workers.push(command.spawn()?);
    }
    let (mut told, mut looked, mut asked) = (0, Instant::now(), false);
    while workers.iter_mut().any(|worker| matches!(worker.try_wait(), Ok(None))) {
        if interrupt.requested() && !asked {
            asked = true;
            // SAFETY: sends a signal to a process of ours that has not been waited for.
            workers.iter().for_each(|worker| unsafe {
                libc::kill(worker.id() as libc::pid_t, libc::SIGTERM);
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
