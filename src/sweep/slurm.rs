//! A sweep as arrays of Slurm jobs: the scripts that `sbatch` takes.
//!
//! A task of an array works on one pack of the sweep. Slurm's words for how a job ended are not relied on: what is done is in
//! the sweep's folder, and a task that finds its pack finished ends at once.

use std::{os::unix::ffi::OsStrExt, path::Path};

use super::Slurm;
use crate::run::RunError;

/// Seconds before the end of its time at which a job is told to save; Slurm may tell it a minute earlier.
const WARNING: u32 = 120;

/// The packs of one array of jobs, and where the sweep is.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a> {
    pub name: &'a str,
    /// The program apd. This and the folders are absolute: a job may begin anywhere.
    pub program: &'a Path,
    pub folder: &'a Path,
    pub results: &'a Path,
    /// Where the jobs write what they say.
    pub output: &'a Path,
    pub settings: &'a Slurm,
    /// Ascending; at most as many as `settings.array_limit`.
    pub packs: &'a [usize],
    pub retry_failed: bool,
    /// How many of these jobs may run at once; unset, as many as the cluster lets.
    pub at_once: Option<usize>,
    /// Jobs that have ended before the first of these begins.
    pub after: &'a [u64],
}

/// Packs that are still to be worked on, divided so that each part can be one array.
pub fn arrays(packs: &[usize], limit: usize) -> Vec<&[usize]> {
    let mut arrays = Vec::new();
    let mut rest = packs;
    while let Some(&first) = rest.first() {
        // The numbers of an array, not only their count, are below the limit.
        let count = rest.iter().take_while(|&&pack| pack - first < limit).count();
        let (array, after) = rest.split_at(count);
        arrays.push(array);
        rest = after;
    }
    arrays
}

/// Arrays of one sweep that run one after the other. Slurm limits the jobs that run at once in each array alone; lanes share
/// the sweep's limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// How many jobs of it may run at once.
    pub slots: usize,
    /// How many jobs it has been given.
    jobs: usize,
    /// What its next array waits for.
    pub after: Vec<u64>,
}

impl Lane {
    /// As many as share `at_once` if none of their arrays has more than `limit` jobs; all wait for the jobs `after`.
    pub fn all(at_once: usize, limit: usize, after: &[u64]) -> Vec<Lane> {
        let slots = |lane: usize| limit.min(at_once - lane * limit);
        (0..at_once.div_ceil(limit)).map(|lane| Lane { slots: slots(lane), jobs: 0, after: after.to_vec() }).collect()
    }

    /// The one that would end so many more jobs first if all jobs took as long.
    pub fn next(lanes: &mut [Lane], jobs: usize) -> &mut Lane {
        let end = |lane: &&mut Lane| (lane.jobs + jobs).div_ceil(lane.slots);
        lanes.iter_mut().min_by_key(end).expect("a sweep has a job at once")
    }

    /// Gives it an array of so many jobs, which Slurm calls `job`.
    pub fn give(&mut self, job: u64, jobs: usize) {
        (self.after, self.jobs) = (vec![job], self.jobs + jobs);
    }
}

impl Array<'_> {
    /// The script as `sbatch` takes it. The paths in it are bytes, which need not be UTF-8.
    ///
    /// # Errors
    /// If Slurm cannot be told where the jobs are to write.
    pub fn script(&self) -> Result<Vec<u8>, RunError> {
        let Slurm { partition, time, memory, gpus, threads, lines, .. } = self.settings;
        let (first, last) = (self.packs[0], self.packs[self.packs.len() - 1]);
        let at_once = self.at_once.map(|count| format!("%{count}")).unwrap_or_default();
        let after = dependency(self.after).map(|option| format!(" {option}")).unwrap_or_default();
        let tasks: Vec<usize> = self.packs.iter().map(|pack| pack - first).collect();
        let mut options = vec!["--open-mode=append".to_string(), format!("--cpus-per-task={threads}")];
        options.extend(partition.iter().map(|partition| format!("--partition={partition}")));
        options.extend(time.iter().map(|time| format!("--time={time}")));
        options.extend(memory.iter().map(|memory| format!("--mem={memory}")));
        options.extend((*gpus > 0).then(|| format!("--gpus={gpus}")));
        options.extend(["--requeue".to_string(), format!("--signal=B:USR1@{WARNING}")]);
        let options: String = options.iter().map(|option| format!("#SBATCH {option}\n")).collect();
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (name, tasks, output) = (self.name, ranges(&tasks), pattern(self.output)?);
        let device = if *gpus > 0 { "cuda" } else { "cpu" };
        let retry_failed = if self.retry_failed { " --retry-failed" } else { "" };
        let [program, folder, results] = [self.program, self.folder, self.results].map(quoted);
        let mut script = format!(
            r#"#!/bin/bash
# Packs {first} to {last} of a sweep, a task for each. Written by `apd sweep hyperparameters --launcher slurm`.
#SBATCH --job-name={name}
#SBATCH --array={tasks}{at_once}{after}
#SBATCH --output="#
        )
        .into_bytes();
        script.extend(output);
        script.push(b'\n');
        script.extend(format!("{options}{lines}\n").into_bytes());
        script.extend([program.as_slice(), b" sweep work ", &folder].concat());
        script.extend(format!(" --pack $((SLURM_ARRAY_TASK_ID + {first})){retry_failed} \\\n").into_bytes());
        script.extend([b"    --results ", results.as_slice()].concat());
        script.extend(format!(" --device {device} --threads {threads} --quiet &\n").into_bytes());
        script.extend(AFTER_THE_START.as_bytes());
        Ok(script)
    }
}

/// What a task does beside its worker.
const AFTER_THE_START: &str = r#"worker=$!

# Slurm warns with USR1 before the time is over, and with TERM before it takes the machine away: apd then saves what it
# has and leaves with 3. `wait` ends at a signal too, so it is asked again.
trap 'warned=yes; kill -USR1 "$worker" 2>/dev/null' USR1 TERM
while warned=no; wait "$worker"; code=$?; [[ $warned == yes ]]; do :; done

# Back into the queue, to go on from what was saved; not if the user has cancelled the job.
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
if [[ $code == 3 ]] && ! scontrol show job "$task" | grep -q JobState=CANCELLED; then
    scontrol requeue "$task"
fi
exit "$code"
"#;

/// What `sbatch` is told of jobs that must have ended, in whatever way; `None` of no jobs.
pub fn dependency(jobs: &[u64]) -> Option<String> {
    let numbers: Vec<String> = jobs.iter().map(u64::to_string).collect();
    (!jobs.is_empty()).then(|| format!("--dependency=afterany:{}", numbers.join(":")))
}

/// Such as `0-3,7`, of ascending numbers.
pub fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text =
        |(first, last): (usize, usize)| if first == last { format!("{first}") } else { format!("{first}-{last}") };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(",")
}

/// The path for a shell, byte for byte.
fn quoted(path: &Path) -> Vec<u8> {
    let quoted = path.as_os_str().as_bytes().iter().flat_map(|byte| match byte {
        b'\'' => br"'\''".to_vec(),
        &byte => vec![byte],
    });
    [b'\''].into_iter().chain(quoted).chain([b'\'']).collect()
}

/// The pattern of the names of files in a folder, with an array's and a task's number, in an `#SBATCH` line. `sbatch` reads
/// quotes there almost like a shell; Slurm replaces words that begin with `%`, but none in a name with a backslash.
fn pattern(folder: &Path) -> Result<Vec<u8>, RunError> {
    let bytes = folder.as_os_str().as_bytes();
    if let Some(wrong) = bytes.iter().find(|byte| b"\\\n\r".contains(byte)) {
        let wrong = if *wrong == b'\\' { "a backslash" } else { "a line break" };
        let what = format!("Slurm's jobs cannot write into {}: there is {wrong} in its path", folder.display());
        return Err(RunError::new(
            what,
            "choose another results folder with --results, or rename the folders above it",
        ));
    }
    let quoted = bytes.iter().flat_map(|byte| match byte {
        b'%' => b"%%".to_vec(),
        // Ends the quotation, and begins it again after this one quote.
        b'"' => br#""'"'""#.to_vec(),
        &byte => vec![byte],
    });
    Ok([b'"'].into_iter().chain(quoted).chain(*b"/%A_%a.txt\"").collect())
}

#[cfg(test)]
mod tests {
    use snapbox::{IntoData, assert_data_eq, str};

    use super::*;

    fn settings() -> Slurm {
        Slurm {
            partition: Some("gpu,long".into()),
            time: Some("04:00:00".into()),
            memory: Some("8G".into()),
            gpus: 1,
            threads: 4,
            at_once: Some(10),
            array_limit: 1_000,
            lines: vec!["#SBATCH --account=interp".into(), "module load cuda".into()],
        }
    }

    #[test]
    fn the_script_is_plain_and_whole() {
        let settings = settings();
        let array = Array {
            name: "tms_5-2",
            program: Path::new("/opt/apd"),
            folder: Path::new("/data/my runs/tms_5-2-sweep-0a1b2c3d"),
            results: Path::new("/data/my runs"),
            output: Path::new("/data/my runs/tms_5-2-sweep-0a1b2c3d/slurm"),
            settings: &settings,
            packs: &[5, 6, 7, 11],
            retry_failed: false,
            at_once: Some(10),
            after: &[100, 101],
        };
        assert_data_eq!(
            String::from_utf8(array.script().unwrap()).unwrap(),
            str![[r#"
#!/bin/bash
# Packs 5 to 11 of a sweep, a task for each. Written by `apd sweep hyperparameters --launcher slurm`.
#SBATCH --job-name=tms_5-2
#SBATCH --array=0-2,6%10 --dependency=afterany:100:101
#SBATCH --output="/data/my runs/tms_5-2-sweep-0a1b2c3d/slurm/%A_%a.txt"
#SBATCH --open-mode=append
#SBATCH --cpus-per-task=4
#SBATCH --partition=gpu,long
#SBATCH --time=04:00:00
#SBATCH --mem=8G
#SBATCH --gpus=1
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
#SBATCH --account=interp
module load cuda

'/opt/apd' sweep work '/data/my runs/tms_5-2-sweep-0a1b2c3d' --pack $((SLURM_ARRAY_TASK_ID + 5)) \
    --results '/data/my runs' --device cuda --threads 4 --quiet &
worker=$!

# Slurm warns with USR1 before the time is over, and with TERM before it takes the machine away: apd then saves what it
# has and leaves with 3. `wait` ends at a signal too, so it is asked again.
trap 'warned=yes; kill -USR1 "$worker" 2>/dev/null' USR1 TERM
while warned=no; wait "$worker"; code=$?; [[ $warned == yes ]]; do :; done

# Back into the queue, to go on from what was saved; not if the user has cancelled the job.
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
if [[ $code == 3 ]] && ! scontrol show job "$task" | grep -q JobState=CANCELLED; then
    scontrol requeue "$task"
fi
exit "$code"

"#]]
            .into_data()
            .raw()
        );
    }

    #[test]
    fn lanes_share_the_limit_of_the_sweep() {
        let slots = |at_once, limit| Lane::all(at_once, limit, &[7]).iter().map(|lane| lane.slots).collect::<Vec<_>>();
        assert_eq!(slots(10, 1_000), [10]);
        assert_eq!(slots(5, 2), [2, 2, 1]);
        let mut lanes = Lane::all(3, 2, &[7]);
        let given: Vec<_> = (100..104)
            .map(|job| {
                let lane = Lane::next(&mut lanes, 2);
                let before = (lane.slots, lane.after.clone());
                lane.give(job, 2);
                before
            })
            .collect();
        assert_eq!(given, [(2, vec![7]), (2, vec![100]), (1, vec![7]), (2, vec![101])]);
    }

    #[test]
    fn a_path_is_in_the_script_byte_for_byte_or_refused() {
        let path = |bytes| Path::new(std::ffi::OsStr::from_bytes(bytes));
        assert_eq!(quoted(path(b"/r\xff/it's $HOME")), b"'/r\xff/it'\\''s $HOME'");
        assert_eq!(pattern(path(b"/r\xff/100 % \"a\"")).unwrap(), b"\"/r\xff/100 %% \"'\"'\"a\"'\"'\"/%A_%a.txt\"");
        for (wrong, what) in [("/a\\b", "a backslash"), ("/a\nb", "a line break")] {
            let error = pattern(Path::new(wrong)).unwrap_err();
            assert!(error.what().ends_with(&format!(": there is {what} in its path")), "{error}");
        }
    }

    #[test]
    fn a_sweep_larger_than_an_array_is_several() {
        let packs: Vec<usize> = (0..7).collect();
        assert_eq!(arrays(&packs, 3), [&[0, 1, 2][..], &[3, 4, 5], &[6]]);
        assert_eq!(arrays(&[0, 5, 6, 7], 3), [&[0][..], &[5, 6, 7]]);
        assert_eq!(arrays(&[], 3), [] as [&[usize]; 0]);
    }
}
