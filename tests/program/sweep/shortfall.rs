//! Sweeps that end without a recommendation.

use std::fs;

use snapbox::str;

use super::{quick_sweep, sweep_folder, with_sweep};

/// Seeds whose numbers are not their places.
const ALL_DIVERGE: &str = "
[sweep]
seeds = [7, 4]
[sweep.space]
decomposition.learning_rate = [1e20, 1e25]
";

const STEPS: &str = "--set=decomposition.steps=20";

#[test]
fn a_sweep_of_which_all_diverges_says_so_with_trials_and_seeds_and_fails() {
    let ended = with_sweep(ALL_DIVERGE).args(quick_sweep([STEPS])).fails(1);
    ended.stdout_is(str![[r#"
sweep       runs/tiny-sweep-[..]
trials      2 of 2 finished, 0 running, 0 waiting, 0 failed
replicas    0 measured, 0 of 4 recovered, 4 diverged
best so far none
time left   none
diverged    trial 0: seed 7 ([..] at step [..]), seed 4 ([..] at step [..])
diverged    trial 1: seed 7 ([..] at step [..]), seed 4 ([..] at step [..])

"#]]);
    for replica in ["trial 0, seed 7", "trial 0, seed 4", "trial 1, seed 7", "trial 1, seed 4"] {
        let warning = format!("warning: {replica} has diverged at step ");
        assert!(ended.stderr.contains(&warning), "{}", ended.stderr);
    }
    let error = str![[r#"
error: every replica of every trial has diverged: nothing is recommended
  trial 0: seed 7 ([..] at step [..]), seed 4 ([..] at step [..])
  trial 1: seed 7 ([..] at step [..]), seed 4 ([..] at step [..])
  help: try smaller values of `decomposition.learning_rate` or of the coefficients, or a `warm_up`

"#]];
    ended.stderr_ends_with(error.clone());
    let folder = sweep_folder(ended.folder.path());
    assert!(folder.join("trials.csv").is_file() && !folder.join("recommended.toml").exists());
    let name = folder.strip_prefix(ended.folder.path()).unwrap().display().to_string();
    // As if one trial had once done better.
    fs::write(folder.join("recommended.toml"), "").unwrap();
    ended.again().args(["sweep", "work", &name, "--device=cpu", "--threads=1"]).ends(1).stderr_is(error.clone());
    assert!(!folder.join("recommended.toml").exists());
    ended.again().args(["sweep", "status", &name]).fails(1).stderr_is(error.clone());
    ended.again().args(quick_sweep([STEPS, "--workers=2"])).fails(1).stderr_ends_with(error);
    let report = ended.again().args(["report", &name]).ends(0);
    let words = "Of 4 replicas: 4 diverged.\nEvery replica of every trial has diverged: nothing is recommended.\n";
    assert!(report.stdout.contains(words), "{}", report.stdout);
    assert!(report.stdout.contains("Diverged: trial 0: seed 7 ("), "{}", report.stdout);
}

#[test]
fn workers_of_a_sweep_of_which_all_diverges_are_not_blamed() {
    let ended = with_sweep(ALL_DIVERGE).args(quick_sweep([STEPS, "--workers=2"])).fails(1);
    assert!(ended.stderr.contains("error: every replica of every trial has diverged: "), "{}", ended.stderr);
    assert!(!ended.stderr.contains("workers ended with an error"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
}
