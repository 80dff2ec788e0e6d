//! The run and the sweep that the faults are caused in, and what they are to leave.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::cli_test::{Ended, Test, files_in, is_about_the_process};

/// Bytes of files by their path in a folder.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Long enough to be met in the middle.
const SETTINGS: [&str; 9] = [
    "--device=cpu",
    "--threads=1",
    "--checkpoint-seconds=0",
    "--set=target.training.steps=100",
    "--set=target.training.batch=16",
    "--set=decomposition.steps=200",
    "--set=decomposition.batch=16",
    "--set=method.apd.schatten_power=0.9",
    "--set=measurement.samples=2000",
];

/// Four trials of two shapes, so two packs, each of two trials with two seeds.
const SWEEP: &str = "
[sweep]
seeds = [3, 4]

[sweep.space]
\"method.apd.coefficients.simplicity\" = { from = 0.01, to = 1.0, points = 2, scale = \"log\" }
method.apd.rank = [1, 2]
";

pub fn command(words: &[&str]) -> Vec<String> {
    words.iter().chain(&SETTINGS).map(ToString::to_string).collect()
}

/// Uninterrupted, with the time that it took.
pub struct Whole {
    pub ended: Ended,
    pub took: Duration,
}

fn whole(test: Test, command: &[String]) -> Whole {
    let begun = Instant::now();
    let ended = test.args(command).succeeds();
    Whole { ended, took: begun.elapsed() }
}

pub fn run() -> Vec<String> {
    command(&["run", "tiny.toml"])
}

pub fn whole_run() -> Whole {
    whole(Test::new().with_spec(), &run())
}

pub fn sweep() -> Vec<String> {
    command(&["sweep", "hyperparameters", "tiny.toml"])
}

pub fn with_sweep(sweep: &str) -> Test {
    let test = Test::new().with_spec();
    let spec = fs::read_to_string(test.folder.path().join("tiny.toml")).unwrap();
    test.with_file("tiny.toml", spec + sweep)
}

pub fn test_of_sweep() -> Test {
    with_sweep(SWEEP)
}

pub fn whole_sweep() -> Whole {
    whole(test_of_sweep(), &sweep())
}

/// Tensors and tables of everything in the results folder.
pub fn results(folder: &Path) -> Files {
    let mut files = files_in(&folder.join("runs"));
    files.retain(|path, _| {
        !is_about_the_process(path) && !path.ends_with("seconds.csv") && !path.iter().any(|part| part == "report")
    });
    files
}

/// The first file that one of them has otherwise.
pub fn difference(found: &Files, expected: &Files) -> Option<String> {
    let paths = found.keys().chain(expected.keys());
    let differs = |path: &&PathBuf| found.get(*path) != expected.get(*path);
    paths.into_iter().find(differs).map(|path| format!("{} differs", path.display()))
}

/// The one folder in the results folder whose name contains this.
pub fn folder_in(folder: &Path, part: &str) -> PathBuf {
    let entries = fs::read_dir(folder.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let is_meant = |path: &PathBuf| path.is_dir() && path.file_name().unwrap().to_string_lossy().contains(part);
    entries.filter(is_meant).min().expect("a folder of this name")
}
