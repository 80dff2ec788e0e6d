//! Where a sweep is run when it is not in this process: in several processes, or in Slurm's jobs.

use std::{
    fs,
    io::ErrorKind,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use super::super::{Ending, Failure, finish::this_command, options::Options};
use crate::{
    device::{self, DeviceChoice},
    run::{Interrupt, RunError, SweepFolder, refuse_link, write_whole},
    shell::quoted_path,
    sweep::{Array, Part, Plan, arrays, run_workers},
};

/// Works on the whole sweep in so many processes, which share the threads, and the GPUs where there are several.
pub fn in_workers(
    number: u16,
    plan: &Plan,
    folder: &SweepFolder,
    part: &Part,
    options: &Options,
) -> Result<Ending, Failure> {
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
        tracing::warn!("interrupted {} and saved\n  help: go on with: {}", Interrupt::cause(), this_command());
        return Ok(Ending::Interrupted);
    }
    let failed = codes.iter().filter(|code| **code != Some(0)).count();
    if failed > 0 {
        return Err(Failure::Work(format!(
            "{failed} of {number} workers ended with an error\n  help: see `apd sweep status {}`, then give the same \
             command again",
            quoted_path(folder.path())
        )));
    }
    Ok(Ending::Done)
}

/// Hands every pack that is not finished to Slurm.
pub fn to_slurm(plan: &Plan, folder: &SweepFolder, part: &Part, options: &Options) -> Result<Ending, Failure> {
    let packs: Vec<usize> = (0..plan.packs.len()).filter(|&pack| part.is_left(plan, folder, pack)).collect();
    if packs.is_empty() {
        tracing::info!("every trial has ended: there is nothing to submit");
        return Ok(Ending::Done);
    }
    let program = std::env::current_exe().map_err(|error| Failure::Work(format!("cannot find apd itself: {error}")))?;
    let output = folder.slurm();
    refuse_link(&output).map_err(Failure::work)?;
    fs::create_dir_all(&output).map_err(|error| Failure::work(RunError::write(&output, &error)))?;
    let [path, results, output] = [folder.path(), &options.results, &output].map(absolute);
    let (path, results, output) = (path?, results?, output?);
    for packs in arrays(&packs, plan.sweep.slurm.array_limit) {
        let array = Array {
            name: &plan.base.name,
            program: &program,
            folder: &path,
            results: &results,
            output: &output,
            settings: &plan.sweep.slurm,
            packs,
            retry_failed: part.retry_failed,
        };
        let script = output.join(format!("packs-{}-{}.sh", packs[0], packs[packs.len() - 1]));
        write_whole(&script, |out| out.write_all(array.script().as_bytes())).map_err(Failure::work)?;
        let job = submit(&script)?;
        tracing::info!("job {job}: {} packs, {}", packs.len(), script.display());
    }
    tracing::info!("see how far they are with: apd sweep status {}", quoted_path(folder.path()));
    Ok(Ending::Done)
}

/// The number that Slurm gives to the jobs of a script.
fn submit(script: &Path) -> Result<String, Failure> {
    let ended = Command::new("sbatch").arg("--parsable").arg(script).output().map_err(|error| {
        let why = if error.kind() == ErrorKind::NotFound {
            "there is no such command here".into()
        } else {
            error.to_string()
        };
        Failure::Work(format!(
            "cannot start sbatch: {why}\n  help: give this command where Slurm's are, or submit it yourself: sbatch {}",
            quoted_path(script)
        ))
    })?;
    if !ended.status.success() {
        return Err(Failure::Work(format!(
            "sbatch refuses {}: {}\n  help: change `[sweep.slurm]` to what the cluster allows",
            script.display(),
            String::from_utf8_lossy(&ended.stderr).trim()
        )));
    }
    Ok(String::from_utf8_lossy(&ended.stdout).trim().to_string())
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| Failure::work(RunError::read(path, &error)))
}
