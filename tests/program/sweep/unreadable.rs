//! Sweeps of which something is there and cannot be read: nothing is recommended as if they were whole.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use snapbox::str;

use super::{quick_sweep, sweep_folder, with_sweep};
use crate::cli_test::Ended;

const TWO_TRIALS: &str = "\n[sweep]\nseeds = [3]\n[sweep.space]\ndecomposition.learning_rate = [0.01, 0.02]\n";

const TWO_PACKS: &str = "\n[sweep]\nseeds = [3]\n[sweep.space]\nmethod.apd.rank = [1, 2]\n";

/// What may not be read, until the value is dropped.
struct Closed(PathBuf);

impl Closed {
    fn new(path: PathBuf) -> Self {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
        Self(path)
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let _ = fs::set_permissions(&self.0, fs::Permissions::from_mode(0o755));
    }
}

/// A finished sweep, and the name of its folder.
fn swept() -> (Ended, String) {
    let ended = with_sweep(TWO_TRIALS).args(quick_sweep([])).succeeds();
    let name = name(ended.folder.path());
    (ended, name)
}

fn name(folder: &Path) -> String {
    sweep_folder(folder).strip_prefix(folder).unwrap().display().to_string()
}

#[test]
fn a_trial_that_may_not_be_read_is_named_and_nothing_is_recommended_without_it() {
    let (ended, name) = swept();
    let folder = sweep_folder(ended.folder.path());
    let tables = || {
        ["trials.csv", "recommended.toml", "effects.csv"].map(|table| fs::read_to_string(folder.join(table)).unwrap())
    };
    let whole = tables();
    for closed in ["trials/0000", "trials/0000/provenance.json", "trials/0000/summary.csv"] {
        let _closed = Closed::new(folder.join(closed));
        let file = if closed.contains("csv") { "summary.csv" } else { "provenance.json" };
        let status = ended.again().args(["sweep", "status", &name]).fails(1);
        status.stdout_is(str![[r#"
sweep       runs/tiny-sweep-[..]
trials      1 of 2 finished, 0 running, 0 waiting, 0 failed, 1 unreadable
replicas    1 measured, 0 of 1 recovered, 0 diverged
best so far unknown while a trial cannot be read
time left   none
unreadable  trial 0: cannot read runs/tiny-sweep-[..]/trials/0000/[..]: Permission denied

"#]]);
        assert!(status.stdout.contains(&format!("/trials/0000/{file}: Permission denied\n")), "{}", status.stdout);
        status.stderr_is(str![[r#"
error: 1 of 2 trials cannot be read: nothing is recommended from the others, and the tables of the sweep and recommended.toml stay as they are
  trial 0: cannot read runs/tiny-sweep-[..]/trials/0000/[..]: Permission denied
  help: ask its owner for permission to read it; then give the same command again

"#]]);
    }
    let closed = Closed::new(folder.join("trials/0000"));
    for more in [&[][..], &["--workers=2"]] {
        let again = ended.again().args(quick_sweep(more.iter().copied())).fails(1);
        assert!(!again.stdout.contains("Recommended"), "{}", again.stdout);
        assert!(again.stderr.contains("error: 1 of 2 trials cannot be read: "), "{}", again.stderr);
    }
    let work = ended.again().args(["sweep", "work", &name, "--device=cpu"]).fails(1);
    assert!(work.stderr.contains("error: 1 of 2 trials cannot be read: "), "{}", work.stderr);
    assert_eq!(tables(), whole);
    let list = ended.again().args(["list"]).succeeds();
    assert!(list.stdout.contains("2 trials, finished, 1 unreadable"), "{}", list.stdout);
    let report = ended.again().args(["report", &name]).ends(0);
    assert!(report.stdout.contains("1 of 2 trials have ended; 1 cannot be read.\n"), "{}", report.stdout);
    assert!(report.stdout.contains("Trial 0 cannot be read: cannot read runs/"), "{}", report.stdout);
    assert!(!report.stdout.contains("Best so far") && !report.stdout.contains("Recommended"), "{}", report.stdout);
    drop(closed);
    let status = ended.again().args(["sweep", "status", &name]).succeeds();
    assert!(status.stdout.contains("\nRecommended: trial "), "{}", status.stdout);
}

#[test]
fn a_trial_that_is_damaged_is_named_and_nothing_is_recommended_without_it() {
    let (ended, name) = swept();
    let folder = sweep_folder(ended.folder.path());
    fs::write(folder.join("trials/0001/summary.csv"), "changed\n").unwrap();
    let before = fs::read_to_string(folder.join("recommended.toml")).unwrap();
    let again = ended.then().args(quick_sweep([])).fails(1);
    again.stderr_ends_with(str![[r#"
error: 1 of 2 trials cannot be read: nothing is recommended from the others, and the tables of the sweep and recommended.toml stay as they are
  trial 1: runs/tiny-sweep-[..]/trials/0001/summary.csv is damaged: its content does not match its checksum in provenance.json, or was changed by hand
  help: put the file back from a copy, or measure the run once more with `apd evaluate`; then give the same command again

"#]]);
    assert!(again.stderr.contains("\nnot every trial can be read: "), "{}", again.stderr);
    assert_eq!(fs::read_to_string(folder.join("recommended.toml")).unwrap(), before);
    let trial = format!("{name}/trials/0001");
    let measured = again.then().args(["evaluate", &trial, "--device=cpu", "--threads=1"]).ends(0);
    measured.then().args(quick_sweep([])).ends(0);
}

#[test]
fn packs_that_may_not_be_looked_at_may_be_worked_on() {
    let ended = with_sweep(TWO_PACKS).args(quick_sweep(["--shard=0/2"])).succeeds();
    let (folder, name) = (sweep_folder(ended.folder.path()), name(ended.folder.path()));
    let closed = Closed::new(folder.join("packs"));
    let status = ended.again().args(["sweep", "status", &name]).fails(1);
    let line = "\nunreadable  trial 1: cannot read runs/";
    assert!(status.stdout.contains(line) && status.stdout.contains("/packs/0001/lock: Permission denied\n"));
    drop(closed);
    ended.again().args(["sweep", "status", &name]).succeeds();
}

#[test]
fn a_pack_with_a_trial_that_may_not_be_read_is_left_alone() {
    let ended = with_sweep(TWO_PACKS).args(quick_sweep(["--shard=0/2"])).succeeds();
    let folder = sweep_folder(ended.folder.path());
    fs::create_dir(folder.join("trials/0001")).unwrap();
    let closed = Closed::new(folder.join("trials/0001"));
    let again = ended.again().args(quick_sweep([])).fails(1);
    assert!(!again.stderr.contains("pack 1"), "{}", again.stderr);
    for launcher in ["local", "slurm"] {
        let again = ended.again().args(quick_sweep(["--launcher", launcher])).fails(1);
        assert!(again.stderr.contains("error: 1 of 2 trials cannot be read: "), "{}", again.stderr);
    }
    drop(closed);
    ended.again().args(quick_sweep([])).ends(0);
}

#[test]
fn what_a_sweep_was_planned_from_is_said_to_be_forbidden_and_not_to_be_missing() {
    let (ended, name) = swept();
    for closed in ["", "sweep.toml", "plan.csv"] {
        let _closed = Closed::new(sweep_folder(ended.folder.path()).join(closed));
        let refused = ended.again().args(["sweep", "status", &name]).fails(1);
        let file = if closed.is_empty() { name.clone() } else { format!("{name}/{closed}") };
        let expected =
            format!("error: cannot read {file}: Permission denied\n  help: ask its owner for permission to read it\n");
        assert_eq!(refused.stderr, expected);
        ended.again().args(quick_sweep([])).fails(1);
    }
    fs::remove_file(sweep_folder(ended.folder.path()).join("plan.csv")).unwrap();
    ended.again().args(["sweep", "status", &name]).fails(1).stderr_is(str![[r#"
error: runs/tiny-sweep-[..] is not the folder of a sweep: it holds no plan.csv
  help: give the command that began the sweep again, which writes it

"#]]);
    ended.again().args(quick_sweep([])).succeeds();
}
