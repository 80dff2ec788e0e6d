//! The jobs that a sweep has handed to Slurm: noted in its folder, and asked after with `squeue`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    process::Command,
};

use super::{MOST_TRIALS, ranges};
use crate::{
    run::{RunError, SweepFolder, read_table, utc_now, write_table},
    table::JobRow,
};

impl JobRow {
    /// The job that `sbatch --parsable` tells of: the number alone, or with a cluster's name, on a line of its own.
    pub fn submitted(said: &str, packs: &[usize]) -> Option<Self> {
        said.lines().rev().find_map(|line| {
            let (job, cluster) = line.trim().split_once(';').unwrap_or((line.trim(), ""));
            let (job, cluster) = (job.parse().ok()?, cluster.into());
            Some(Self { job, cluster, packs: ranges(packs), submitted: utc_now() })
        })
    }

    pub fn packs(&self) -> BTreeSet<usize> {
        numbers(&self.packs)
    }
}

/// The jobs of a sweep that are not known to have ended.
#[derive(Debug, Default)]
pub struct Queue {
    /// The jobs, each with its packs that are queued or running.
    pub jobs: Vec<(JobRow, BTreeSet<usize>)>,
    /// Why `squeue` does not tell, so that all that was ever submitted may still be queued.
    pub unknown: Option<String>,
}

impl Queue {
    /// The jobs that the folder of the sweep has noted, as far as Slurm still has them.
    pub fn of(folder: &SweepFolder) -> Result<Queue, RunError> {
        let jobs = noted(folder)?;
        let mut clusters: BTreeMap<&str, Vec<&JobRow>> = BTreeMap::new();
        jobs.iter().for_each(|job| clusters.entry(&job.cluster).or_default().push(job));
        let mut tasks: BTreeMap<(&str, u64), BTreeSet<usize>> = BTreeMap::new();
        for (cluster, of_cluster) in clusters {
            let said = match ask(cluster, &of_cluster) {
                Ok(said) => said,
                Err(why) => {
                    let jobs = jobs.iter().map(|job| (job.clone(), job.packs())).collect();
                    return Ok(Queue { jobs, unknown: Some(why) });
                }
            };
            for line in said.lines() {
                let Some((job, packs)) = still_queued(line, &of_cluster) else { continue };
                tasks.entry((cluster, job)).or_default().extend(packs);
            }
        }
        let queued = |job: &JobRow| Some((job.clone(), tasks.get(&(job.cluster.as_str(), job.job))?.clone()));
        Ok(Queue { jobs: jobs.iter().filter_map(queued).collect(), unknown: None })
    }

    pub fn packs(&self) -> BTreeSet<usize> {
        self.jobs.iter().flat_map(|(_, packs)| packs).copied().collect()
    }
}

/// Adds a job to those that the folder of the sweep has noted.
pub fn note(folder: &SweepFolder, job: JobRow) -> Result<(), RunError> {
    let mut jobs = noted(folder)?;
    jobs.push(job);
    write_table(&folder.jobs_table(), &jobs)
}

fn noted(folder: &SweepFolder) -> Result<Vec<JobRow>, RunError> {
    match read_table(&folder.jobs_table()) {
        Err(error) if error.is_missing() => Ok(Vec::new()),
        jobs => jobs,
    }
}

/// What `squeue` says of these jobs, a task a line; or why it says nothing.
fn ask(cluster: &str, jobs: &[&JobRow]) -> Result<String, String> {
    let numbers: Vec<String> = jobs.iter().map(|job| job.job.to_string()).collect();
    let mut command = Command::new("squeue");
    command.args(["--noheader", "--array", "--format=%i", &format!("--jobs={}", numbers.join(","))]);
    command.args((!cluster.is_empty()).then(|| format!("--clusters={cluster}")));
    let ended = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => "there is no squeue here".to_owned(),
        _ => format!("squeue cannot be started: {error}"),
    })?;
    let complaint = String::from_utf8_lossy(&ended.stderr);
    // Of jobs that ended long ago Slurm knows nothing any more.
    if ended.status.success() || complaint.contains("Invalid job id") {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    Err(match complaint.trim() {
        "" => format!("squeue fails without a word ({})", ended.status),
        complaint => format!("squeue fails: {complaint}"),
    })
}

/// The packs of one of the jobs that a line of `squeue` names: a task, as `100_3`, several, as `100_[0-3,7%2]`, or all, as `100`.
fn still_queued(line: &str, jobs: &[&JobRow]) -> Option<(u64, BTreeSet<usize>)> {
    let word = line.split_whitespace().next()?;
    let (job, tasks) = word.split_once('_').map_or((word, None), |(job, tasks)| (job, Some(tasks)));
    let job = jobs.iter().find(|known| job.parse() == Ok(known.job))?;
    let packs = job.packs();
    let Some(tasks) = tasks else { return Some((job.job, packs)) };
    let tasks = tasks.trim_matches(['[', ']']).split('%').next().unwrap_or_default();
    let first = *packs.first()?;
    let of_tasks = numbers(tasks).iter().map(|task| first + task).collect();
    Some((job.job, packs.intersection(&of_tasks).copied().collect()))
}

/// The numbers in a text such as `0-3,7`.
fn numbers(ranges: &str) -> BTreeSet<usize> {
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        // The text may come from a stranger, and mean more than memory holds.
        (last < MOST_TRIALS).then_some(first..=last)
    };
    ranges.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_from_whatever_else_sbatch_says() {
        let of = |said: &str| JobRow::submitted(said, &[4, 5, 9]).map(|job| (job.job, job.cluster, job.packs));
        let packs = || "4-5,9".to_string();
        assert_eq!(of("100\n"), Some((100, String::new(), packs())));
        assert_eq!(
            of("sbatch: INFO: charging account default\n100;cluster1\n"),
            Some((100, "cluster1".into(), packs()))
        );
        assert_eq!(of("Submitted batch job\n"), None);
    }

    #[test]
    fn lines_of_squeue_name_packs() {
        let job = JobRow::submitted("100", &[4, 5, 6, 9]).unwrap();
        let packs = |line: &str| still_queued(line, &[&job]).map(|(_, packs)| packs.into_iter().collect::<Vec<_>>());
        assert_eq!(packs("100_0"), Some(vec![4]));
        assert_eq!(packs("  100_[1-2,5%1]  gpu  x PD"), Some(vec![5, 6, 9]));
        assert_eq!(packs("100"), Some(vec![4, 5, 6, 9]));
        assert_eq!(packs("1000_0"), None);
        assert_eq!(packs("CLUSTER: one"), None);
        assert_eq!(packs("100_[0-99999999999999]"), Some(vec![]));
    }
}
