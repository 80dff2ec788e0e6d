//! A run that an earlier version has left is read by every command that reads runs.

use std::{fs, path::Path};

use crate::{cli_test::Test, list_diff::with_run};
use snapbox::{file, str};

/// `tests/program/golden_run` is what version 0.1.0 at commit 6898f7d left of this command, with the machine's name taken out and
/// without its report:
/// apd run experiments/residual_mlp_2_layers.toml --threads 1 --device cpu --quiet --set name=residual_mlp_tiny --set seeds=2
/// --set target.residual_mlp.features=4 --set target.residual_mlp.width=8 --set target.residual_mlp.neurons=6
/// --set target.training.steps=20 --set target.training.batch=128 --set method.apd.components=5 --set method.apd.rank=2
/// --set decomposition.steps=20 --set decomposition.batch=64 --set measurement.samples=1000
fn golden_run() -> Test {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/golden_run");
    fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path()).fold(Test::new(), |test, path| {
        test.with_file(&format!("runs/mlp/{}", path.file_name().unwrap().to_str().unwrap()), fs::read(&path).unwrap())
    })
}

#[test]
fn a_run_of_an_earlier_version_is_reported_with_all_its_figures() {
    let ended = golden_run().args(["report", "runs/mlp"]).succeeds();
    ended.stdout_is(file!["snapshots/golden_report.txt"]);
    let figures = fs::read_dir(ended.folder.path().join("runs/mlp/report")).unwrap();
    let names = figures.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with(".svg")).count(), 15);
}

#[test]
fn a_run_of_an_earlier_version_is_listed() {
    golden_run().args(["list"]).succeeds().stderr_is(str![""]).stdout_is(str![[r#"
folder         experiment       begun (UTC)    status  recovered
----------------------------------------------------------------
mlp     residual_mlp_tiny  2026-11-29 00:26  finished     0 of 2

"#]]);
}

#[test]
fn a_run_of_an_earlier_version_is_compared_with_one_of_a_version_before_it() {
    let test = with_run(golden_run(), "tms").args(["diff", "runs/mlp", "runs/tms"]);
    test.succeeds().stderr_is(str![""]).stdout_is(file!["snapshots/golden_diff.txt"]);
}

#[test]
fn a_run_of_an_earlier_version_is_exported() {
    let ended = golden_run().args(["export", "tensorboard", "runs/mlp"]).succeeds();
    ended.stderr_is(str![[r#"
2 replicas for TensorBoard: runs/mlp/tensorboard
  help: look with: tensorboard --logdir runs/mlp/tensorboard

"#]]);
    golden_run().args(["export", "png", "runs/mlp", "--out", "slides"]).succeeds();
}
