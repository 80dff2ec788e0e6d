//! Sweeps as jobs of Slurm, with programs in its place that note what they are asked.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    process::Command,
};

use snapbox::str;

use super::{quick_sweep, sweep, sweep_folder, test, with_sweep};
use crate::cli_test::{Left, Test};

/// Five packs in three arrays.
const FIVE: &str = "
[sweep]
seeds = 1
replicas_per_pack = 1
[sweep.space]
decomposition.learning_rate = [0.01, 0.02, 0.03, 0.04, 0.05]
[sweep.slurm]
array_limit = 2
at_once = 1
lines = [\"#SBATCH --account=\\\"my lab\\\"\"]
";

/// Numbers jobs from 100 on, and refuses when it has taken as many as a file says.
const SBATCH: &str = r#"#!/bin/bash
cd "${0%/*}" && taken=0
while read -r _; do taken=$((taken + 1)); done <calls
if [[ -e refuses && $(<refuses) == "$taken" ]]; then
    echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2
    exit 1
fi
echo "$*" >>calls
echo "sbatch: charging the default account"
echo "$((100 + taken));one"
"#;

/// Says what a file says.
const SQUEUE: &str = r#"#!/bin/bash
cd "${0%/*}" && echo "$*" >asked
if [[ -e queue ]]; then echo "$(<queue)"; else echo "squeue: error: Unable to contact slurm controller" >&2; exit 1; fi
"#;

fn with_slurm(sweep: &str) -> Test {
    with_sweep(sweep)
        .with_file("bin/sbatch", SBATCH)
        .with_file("bin/squeue", SQUEUE)
        .with_file("bin/calls", "")
        .with_change(|folder| {
            for program in ["bin/sbatch", "bin/squeue"] {
                fs::set_permissions(folder.join(program), fs::Permissions::from_mode(0o755)).unwrap();
            }
        })
}

fn submit(test: &Test) -> Left {
    let path = test.folder.path().join("bin").display().to_string();
    test.start_in(&quick_sweep(["--launcher=slurm"]), "PATH", &path).end()
}

/// The arguments of every call of `sbatch`, without folders.
fn calls(test: &Test) -> Vec<String> {
    let text = fs::read_to_string(test.folder.path().join("bin/calls")).unwrap();
    let name = |word: &str| Path::new(word).file_name().unwrap().to_string_lossy().into_owned();
    text.lines().map(|line| line.split(' ').map(name).collect::<Vec<_>>().join(" ")).collect()
}

fn answer(test: &Test, file: &str, text: &str) {
    fs::write(test.folder.path().join("bin").join(file), text).unwrap();
}

#[test]
fn no_more_jobs_run_at_once_than_the_sweep_allows_and_none_is_submitted_twice() {
    let test = with_slurm(FIVE);
    let left = submit(&test);
    assert_eq!(left.code, Some(0), "{}", left.stderr);
    left.stderr_ends_with(str![[r#"
job 100: packs 0-1, [..]/slurm/packs-0-1.sh
job 101 after job 100: packs 2-3, [..]/slurm/packs-2-3.sh
job 102 after job 101: pack 4, [..]/slurm/packs-4-4.sh
see how far they are with: apd sweep status runs/tiny-sweep-[..]

"#]]);
    let first_calls = [
        "--parsable packs-0-1.sh",
        "--parsable --dependency=afterany:100 packs-2-3.sh",
        "--parsable --dependency=afterany:101 packs-4-4.sh",
    ];
    assert_eq!(calls(&test), first_calls);
    let folder = sweep_folder(test.folder.path());
    let lines = |script: &str| -> Vec<String> {
        let text = fs::read_to_string(folder.join("slurm").join(script)).unwrap();
        text.lines().filter(|line| line.contains("--array") || line.contains("--account")).map(String::from).collect()
    };
    assert_eq!(lines("packs-0-1.sh"), ["#SBATCH --array=0-1%1", "#SBATCH --account=\"my lab\""]);
    assert_eq!(lines("packs-2-3.sh")[0], "#SBATCH --array=0-1%1 --dependency=afterany:100");

    // Two tasks are left, of which Slurm puts one into brackets.
    answer(&test, "queue", "100_1\n102_[0%1]\n");
    submit(&test).stderr_ends_with(str![[r#"
job 100: queued or running already: pack 1
job 102: queued or running already: pack 4
job 103 after jobs 100, 102: pack 0, [..]/slurm/packs-0-0.sh
job 104 after job 103: packs 2-3, [..]/slurm/packs-2-3.sh
see how far they are with: apd sweep status runs/tiny-sweep-[..]

"#]]);
    let asked = fs::read_to_string(test.folder.path().join("bin/asked")).unwrap();
    assert_eq!(asked, "--noheader --array --format=%i --jobs=100,101,102 --clusters=one\n");
    answer(&test, "queue", "100\n102\n103\n104\n");
    let left = submit(&test);
    assert!(left.code == Some(0) && left.stderr.contains("there is nothing more to submit\n"), "{}", left.stderr);
    assert_eq!(calls(&test).len(), 5);
}

#[test]
fn a_submission_that_is_refused_on_the_way_says_what_is_queued_and_goes_on_from_there() {
    let test = with_slurm(FIVE);
    answer(&test, "refuses", "1");
    let left = submit(&test);
    assert_eq!(left.code, Some(1), "{}", left.stderr);
    left.stderr_ends_with(str![[r#"
error: sbatch refuses [..]/slurm/packs-2-3.sh: sbatch: error: QOSMaxSubmitJobPerUserLimit
  help: job 100 (packs 0-1) queued before it; change `[sweep.slurm]` to what the cluster allows, or wait until it takes more, and give the same command again: it submits what is not queued

"#]]);
    answer(&test, "refuses", "never");
    // Slurm does not answer.
    let left = submit(&test);
    assert_eq!(left.code, Some(1), "{}", left.stderr);
    left.stderr_ends_with(str![[r#"
warning: job 100, submitted [..]: perhaps queued still: packs 0-1
job 101 after job 100: packs 2-3, [..]/slurm/packs-2-3.sh
job 102 after job 101: pack 4, [..]/slurm/packs-4-4.sh
error: packs 0-1 may be queued already and were not submitted again: squeue fails: squeue: error: Unable to contact slurm controller
  help: give this command where squeue works; if these jobs have ended, remove runs/tiny-sweep-[..]/slurm/jobs.csv and give it again

"#]]);
    answer(&test, "queue", "101_0\n101_1\n102_0\n");
    submit(&test);
    assert_eq!(calls(&test).last().unwrap(), "--parsable --dependency=afterany:101:102 packs-0-1.sh");
}

#[test]
fn arrays_share_a_limit_that_is_larger_than_one_of_them() {
    let test = with_slurm(&FIVE.replace("at_once = 1", "at_once = 3"));
    submit(&test);
    let first_calls =
        ["--parsable packs-0-1.sh", "--parsable --dependency=afterany:100 packs-2-3.sh", "--parsable packs-4-4.sh"];
    assert_eq!(calls(&test), first_calls);
    let folder = sweep_folder(test.folder.path()).join("slurm");
    let array = |script: &str| {
        let text = fs::read_to_string(folder.join(script)).unwrap();
        text.lines().find(|line| line.contains("--array")).unwrap().to_string()
    };
    assert_eq!(array("packs-0-1.sh"), "#SBATCH --array=0-1%2");
    assert_eq!(array("packs-2-3.sh"), "#SBATCH --array=0-1%2 --dependency=afterany:100");
    assert_eq!(array("packs-4-4.sh"), "#SBATCH --array=0%1");
}

#[test]
fn without_a_limit_arrays_do_not_wait_for_each_other() {
    let test = with_slurm(&FIVE.replace("at_once = 1\n", ""));
    submit(&test);
    assert_eq!(calls(&test), ["--parsable packs-0-1.sh", "--parsable packs-2-3.sh", "--parsable packs-4-4.sh"]);
}

/// Of a sweep with one pack, in a results folder of this name, what a script does that Slurm would start.
#[test]
fn a_script_names_the_folder_that_exists_whatever_bytes_its_name_has() {
    let test = with_slurm("[sweep]\nseeds = 1\n[sweep.space]\ndecomposition.learning_rate = [0.01]\n");
    let results = OsStr::from_bytes(b"r\xff 100 % of $HOME, it's \"mine\"");
    let command = |program: &OsStr| {
        let mut command = Command::new(program);
        command.current_dir(test.folder.path()).env("PATH", test.folder.path().join("bin"));
        command
    };
    let apd = OsStr::new(env!("CARGO_BIN_EXE_apd"));
    let words = ["--device=cpu", "--threads=1", "--launcher=slurm", "--quiet", "--results"];
    let submitted =
        command(apd).args(["sweep", "hyperparameters", "tiny.toml"]).args(words).arg(results).output().unwrap();
    assert!(submitted.status.success(), "{submitted:?}");
    let entries = fs::read_dir(test.folder.path().join(results)).unwrap().map(|entry| entry.unwrap().path());
    let folder = entries.max().unwrap();
    let script = folder.join("slurm/packs-0-0.sh");
    let output = fs::read(&script).unwrap();
    let named = b"/r\xff 100 %% of $HOME, it's \"'\"'\"mine\"'\"'\"/tiny-sweep-";
    assert!(output.windows(named.len()).any(|bytes| bytes == named), "{}", String::from_utf8_lossy(&output));

    let task = command(OsStr::new("/bin/bash")).arg(&script).env("SLURM_ARRAY_TASK_ID", "0").output().unwrap();
    assert!(task.status.success(), "{task:?}");
    let status = command(apd).args(["sweep", "status"]).arg(&folder).output().unwrap();
    assert!(String::from_utf8_lossy(&status.stdout).contains("trials      1 of 1 finished"), "{status:?}");
}

#[test]
fn a_folder_that_slurm_cannot_be_told_is_refused() {
    let test = with_slurm(FIVE);
    let path = test.folder.path().join("bin").display().to_string();
    let left = test.start_in(&quick_sweep(["--launcher=slurm", "--results=a\\b"]), "PATH", &path).end();
    assert_eq!(left.code, Some(1), "{}", left.stderr);
    left.stderr_ends_with(str![[r#"
error: Slurm's jobs cannot write into [..]/slurm: there is a backslash in its path
  help: choose another results folder with --results, or rename the folders above it

"#]]);
    assert_eq!(calls(&test), [""; 0]);
}

#[test]
fn slurm_that_is_not_there_is_told_with_all_scripts() {
    let test = with_sweep(FIVE);
    test.start_without_path(&quick_sweep(["--launcher=slurm"])).end().stderr_ends_with(str![[r#"
error: cannot start sbatch: there is no such command here
  help: give this command where Slurm's are, or submit the 3 scripts in [..]/slurm yourself; if `at_once` is to hold for all, each with --dependency=afterany:JOB of the one before it

"#]]);
    assert!(sweep_folder(test.folder.path()).join("slurm/packs-4-4.sh").is_file());
}

#[test]
fn slurm_that_is_not_there_is_told_with_the_script() {
    let test = test();
    let command = sweep(["--launcher=slurm"]);
    let running = test.start_without_path(&command).end();
    assert_eq!(running.code, Some(1), "{}", running.stderr);
    running.stderr_ends_with(str![[r#"
error: cannot start sbatch: there is no such command here
  help: give this command where Slurm's are, or submit it yourself: sbatch [..]/slurm/packs-0-1.sh

"#]]);
}
