//! A sweep that is handed to Slurm.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use super::super::{Ending, Failure, options::Options};
use crate::{
    run::{RunError, SweepFolder, refuse_link, write_whole},
    shell::quoted_path,
    sweep::{Array, Lane, Part, Plan, Queue, arrays, dependency, note, ranges},
    table::JobRow,
};

/// Hands every pack that is neither finished nor queued already to Slurm.
pub fn to_slurm(plan: &Plan, folder: &SweepFolder, part: &Part, options: &Options) -> Result<Ending, Failure> {
    let left: Vec<usize> = (0..plan.packs.len()).filter(|&pack| part.is_left(plan, folder, pack)).collect();
    if left.is_empty() {
        tracing::info!("no pack is left to work on: there is nothing to submit");
        return Ok(Ending::Done);
    }
    let queue = Queue::of(folder).map_err(Failure::work)?;
    for (job, packs) in &queue.jobs {
        let packs = in_words(&packs.iter().copied().collect::<Vec<_>>());
        match queue.unknown {
            None => tracing::info!("job {}: queued or running already: {packs}", job.job),
            Some(_) => tracing::warn!("job {}, submitted {}: perhaps queued still: {packs}", job.job, job.submitted),
        }
    }
    let (queued, new): (Vec<usize>, Vec<usize>) = left.iter().partition(|pack| queue.packs().contains(pack));
    submit_all(plan, folder, part, options, &new, &queue)?;
    if let Some(why) = queue.unknown.filter(|_| !queued.is_empty()) {
        return Err(Failure::Work(format!(
            "{} may be queued already and were not submitted again: {why}\n  help: give this command where squeue works; if \
             these jobs have ended, remove {} and give it again",
            in_words(&queued),
            folder.jobs_table().display()
        )));
    }
    if new.is_empty() {
        tracing::info!("there is nothing more to submit");
    }
    tracing::info!("see how far they are with: apd sweep status {}", quoted_path(folder.path()));
    Ok(Ending::Done)
}

/// Submits the packs in arrays of jobs. With `at_once` arrays wait for those before them, and all for what is queued already, so
/// that it holds for all of them together.
fn submit_all(
    plan: &Plan,
    folder: &SweepFolder,
    part: &Part,
    options: &Options,
    packs: &[usize],
    queue: &Queue,
) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::Work(format!("cannot find apd itself: {error}")))?;
    let output = folder.slurm();
    refuse_link(&output).map_err(Failure::work)?;
    fs::create_dir_all(&output).map_err(|error| Failure::work(RunError::write(&output, &error)))?;
    let [path, results, output] = [folder.path(), &options.results, &output].map(absolute);
    let (path, results, output) = (path?, results?, output?);
    let settings = &plan.sweep.slurm;
    let write = |packs: &[usize], at_once: Option<usize>, after: &[u64]| -> Result<PathBuf, RunError> {
        let (name, retry_failed) = (&plan.base.name, part.retry_failed);
        let (program, folder, results, output) = (&program, &path, &results, &output);
        let array = Array { name, program, folder, results, output, settings, packs, retry_failed, at_once, after };
        let (script, file) =
            (array.script()?, output.join(format!("packs-{}-{}.sh", packs[0], packs[packs.len() - 1])));
        write_whole(&file, |out| out.write_all(&script))?;
        Ok(file)
    };
    let arrays = arrays(packs, settings.array_limit);
    // All of them now: where there is no Slurm, they are submitted by hand.
    let scripts = arrays.iter().map(|packs| write(packs, settings.at_once, &[]));
    let scripts = scripts.collect::<Result<Vec<_>, _>>().map_err(Failure::work)?;
    let queued: Vec<u64> = queue.jobs.iter().map(|(job, _)| job.job).collect();
    let mut lanes = settings.at_once.map(|at_once| Lane::all(at_once, settings.array_limit, &queued));
    let mut submitted: Vec<String> = Vec::new();
    for (place, (packs, script)) in arrays.iter().zip(&scripts).enumerate() {
        let lane = lanes.as_mut().map(|lanes| Lane::next(lanes, packs.len()));
        let after = lane.as_ref().map_or(Vec::new(), |lane| lane.after.clone());
        write(packs, lane.as_ref().map(|lane| lane.slots), &after).map_err(Failure::work)?;
        let job = submit(script, packs, &after).map_err(|refusal| refusal.told(&submitted, &scripts[place..]))?;
        if let Some(lane) = lane {
            lane.give(job.job, packs.len());
        }
        let (number, packs) = (job.job, in_words(packs));
        let after = match after.as_slice() {
            [] => String::new(),
            [job] => format!(" after job {job}"),
            jobs => format!(" after jobs {}", jobs.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
        };
        submitted.push(format!("job {number} ({packs})"));
        note(folder, job).map_err(|error| Failure::Work(format!("{} queued, but {error}", submitted.join(", "))))?;
        tracing::info!("job {number}{after}: {packs}, {}", script.display());
    }
    Ok(())
}

/// Why a script was not submitted, and what to do.
struct Refusal {
    what: String,
    is_absent: bool,
}

impl Refusal {
    /// Tells the refusal with what was queued before it and the scripts that were not.
    fn told(self, submitted: &[String], left: &[PathBuf]) -> Failure {
        let queued =
            if submitted.is_empty() { String::new() } else { format!("{} queued before it; ", submitted.join(", ")) };
        let help = match left {
            [script] if self.is_absent => {
                format!("give this command where Slurm's are, or submit it yourself: sbatch {}", quoted_path(script))
            }
            [first, ..] if self.is_absent => format!(
                "give this command where Slurm's are, or submit the {} scripts in {} yourself; if `at_once` is to hold for \
                 all, each with --dependency=afterany:JOB of the one before it",
                left.len(),
                first.parent().unwrap_or(first).display()
            ),
            _ => format!(
                "{queued}change `[sweep.slurm]` to what the cluster allows, or wait until it takes more, and give the same \
                 command again: it submits what is not queued"
            ),
        };
        Failure::Work(format!("{}\n  help: {help}", self.what))
    }
}

/// Submits one script, whose jobs wait until others have ended. What the script says of that is said here once more, for a
/// dependency among the user's own lines would else replace it.
fn submit(script: &Path, packs: &[usize], after: &[u64]) -> Result<JobRow, Refusal> {
    let mut command = Command::new("sbatch");
    command.arg("--parsable").args(dependency(after));
    let ended = command.arg(script).output().map_err(|error| {
        let why = if error.kind() == ErrorKind::NotFound {
            "there is no such command here".into()
        } else {
            error.to_string()
        };
        Refusal { what: format!("cannot start sbatch: {why}"), is_absent: true }
    })?;
    let [said, complaint] =
        [&ended.stdout, &ended.stderr].map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    let refusal = |what| Refusal { what, is_absent: false };
    if !ended.status.success() {
        return Err(refusal(format!("sbatch refuses {}: {complaint}", script.display())));
    }
    if !complaint.is_empty() {
        tracing::warn!("{complaint}");
    }
    JobRow::submitted(&said, packs).ok_or_else(|| {
        refusal(format!(
            "sbatch took {} and named no job, but said {said:?}: look for it with squeue",
            script.display()
        ))
    })
}

/// Such as `packs 0-3,7`.
fn in_words(packs: &[usize]) -> String {
    format!("pack{} {}", if packs.len() == 1 { "" } else { "s" }, ranges(packs))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| Failure::work(RunError::read(path, &error)))
}
