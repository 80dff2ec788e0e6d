//! A sweep as arrays of Slurm jobs: the scripts that `sbatch` takes.
//!
//! A task of an array works on one pack of the sweep. Slurm's words for how a job ended are not relied on: what is done is in
//! the sweep's folder, and a task that finds its pack finished ends at once.

use std::path::Path;

use super::Slurm;

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

impl Array<'_> {
    /// The script as `sbatch` takes it.
    pub fn script(&self) -> String {
        let Slurm { partition, time, memory, gpus, threads, at_once, lines, .. } = self.settings;
        let (first, last) = (self.packs[0], self.packs[self.packs.len() - 1]);
        let at_once = at_once.map(|count| format!("%{count}")).unwrap_or_default();
        let mut options = vec![
            format!("--job-name={}", self.name),
            format!("--array={}{at_once}", ranges(self.packs, first)),
            // An array's and a task's number.
            format!("--output=\"{}/%A_%a.txt\"", self.output.display().to_string().replace('%', "%%")),
            "--open-mode=append".to_string(),
            format!("--cpus-per-task={threads}"),
        ];
        options.extend(partition.iter().map(|partition| format!("--partition={partition}")));
        options.extend(time.iter().map(|time| format!("--time={time}")));
        options.extend(memory.iter().map(|memory| format!("--mem={memory}")));
        options.extend((*gpus > 0).then(|| format!("--gpus={gpus}")));
        options.extend(["--requeue".to_string(), format!("--signal=B:USR1@{WARNING}")]);
        let options: String = options.iter().map(|option| format!("#SBATCH {option}\n")).collect();
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let device = if *gpus > 0 { "cuda" } else { "cpu" };
        let retry_failed = if self.retry_failed { " --retry-failed" } else { "" };
        let (program, folder, results) = (quoted(self.program), quoted(self.folder), quoted(self.results));
        format!(
            r#"#!/bin/bash
# Packs {first} to {last} of a sweep, a task for each. Written by `apd sweep hyperparameters --launcher slurm`.
{options}{lines}
{program} sweep work {folder} --pack $((SLURM_ARRAY_TASK_ID + {first})){retry_failed} \
    --results {results} --device {device} --threads {threads} --quiet &
worker=$!

# Slurm warns with USR1 before the time is over, and with TERM before it takes the machine away: apd then saves what it
# has and leaves with 3. `wait` ends at a signal too, so it is asked again.
trap 'warned=yes; kill -USR1 "$worker" 2>/dev/null' USR1 TERM
while warned=no; wait "$worker"; code=$?; [[ $warned == yes ]]; do :; done

# Back into the queue, to go on from what was saved; not if the user has cancelled the job.
task=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID
if [[ $code == 3 ]] && ! scontrol show job "$task" | grep -q JobState=CANCELLED; then
    scontrol requeue "$task"
fi
exit "$code"
"#
        )
    }
}

/// Such as `0-3,7`, counted from `first`.
fn ranges(packs: &[usize], first: usize) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in packs.iter().map(|pack| pack - first) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text =
        |(first, last): (usize, usize)| if first == last { format!("{first}") } else { format!("{first}-{last}") };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(",")
}

/// For a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
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
        };
        assert_data_eq!(
            array.script(),
            str![[r#"
#!/bin/bash
# Packs 5 to 11 of a sweep, a task for each. Written by `apd sweep hyperparameters --launcher slurm`.
#SBATCH --job-name=tms_5-2
#SBATCH --array=0-2,6%10
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
    fn a_sweep_larger_than_an_array_is_several() {
        let packs: Vec<usize> = (0..7).collect();
        assert_eq!(arrays(&packs, 3), [&[0, 1, 2][..], &[3, 4, 5], &[6]]);
        assert_eq!(arrays(&[0, 5, 6, 7], 3), [&[0][..], &[5, 6, 7]]);
        assert_eq!(arrays(&[], 3), [] as [&[usize]; 0]);
    }
}
