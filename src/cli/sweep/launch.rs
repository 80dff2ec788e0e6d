//! A sweep that is worked on by several processes of this machine.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus},
};

use super::super::{Ending, Failure, options::Options};
use crate::{
    device::{self, DeviceChoice},
    interrupt::Interrupt,
    run::SweepFolder,
    shell::quoted_path,
    sweep::{Part, Plan, run_workers},
};

/// Works on the whole sweep in so many processes, which share the threads, and the GPUs where there are several.
pub fn in_workers(
    number: u16,
    plan: &Plan,
    folder: &SweepFolder,
    part: &Part,
    options: &Options,
) -> Result<(), Failure> {
    let interrupt = Interrupt::listen().map_err(|error| Failure::Work(format!("cannot listen to signals: {error}")))?;
    let interrupt = plan.sweep.limit(interrupt);
    let program = std::env::current_exe().map_err(|error| Failure::Work(format!("cannot find apd itself: {error}")))?;
    let threads = (options.threads().get() / number).max(1);
    let gpus = if options.device == DeviceChoice::Auto { device::count_gpus().unwrap_or(0) } else { 0 };
    let command = |worker: usize| {
        let mut command = Command::new(&program);
        command.args(["sweep", "work"]).arg(folder.path()).arg("--results").arg(&options.results);
        command.args(["--threads", &threads.to_string(), "--quiet"]);
        command.args(["--checkpoint-seconds", &options.checkpoint_age().as_secs().to_string()]);
        let device = if gpus > 1 { DeviceChoice::Cuda(worker % gpus) } else { options.device };
        command.args(["--device", &device.to_string()]);
        command.args(part.retry_failed.then_some("--retry-failed"));
        // The sweep as a whole is judged here.
        command.arg("--worker");
        command
    };
    let commands = (0..usize::from(number)).map(command).collect();
    let ends = run_workers(commands, plan, folder, &interrupt)
        .map_err(|error| Failure::Work(format!("cannot start a worker: {error}")))?;
    let codes: Vec<Option<i32>> = ends.iter().map(|end| end.code()).collect();
    let has_saved = |code: &Option<i32>| *code == Some(i32::from(Ending::Interrupted.code()));
    // One that was asked to stop before it listened to signals had begun nothing.
    let had_not_begun = |end: &ExitStatus| interrupt.requested() && end.signal().is_some_and(Interrupt::is_request);
    if codes.iter().any(has_saved) || ends.iter().any(had_not_begun) {
        return Err(Failure::Interrupted(format!("interrupted {} and saved", Interrupt::cause())));
    }
    let failed = codes.iter().filter(|code| **code != Some(0)).count();
    if failed > 0 {
        return Err(Failure::Work(format!(
            "{failed} of {number} workers ended with an error\n  help: see `apd sweep status {}`, then give the same \
             command again",
            quoted_path(folder.path())
        )));
    }
    Ok(())
}
