//! Which runs are meant: `runs/*`, paths written in several ways, and runs of somebody else that cannot be written.

use std::{fs, os::unix::fs::symlink};

use crate::{cli_test::Test, list_diff::with_run};
use snapbox::str;

/// A results folder as it is found: a run, and much that is none.
fn with_results() -> Test {
    with_run(Test::new(), "mine")
        .with_file("runs/.DS_Store", "")
        .with_file("runs/lost+found/x", "")
        .with_file("runs/model-0a1b2c3d.toml", "seeds = 1\n")
        .with_file("runs/targets/0a1b2c3d-seed-0/spec.toml", "")
        .with_file("runs/tms-sweep-0/sweep.toml", "name = \"tms\"\n")
        .with_mode("runs/lost+found", 0o000)
}

/// What a shell makes of `runs/*`.
fn all(test: &Test) -> Vec<String> {
    let entries = fs::read_dir(test.folder.path().join("runs")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().filter(|name| !name.starts_with('.')).map(|name| format!("runs/{name}")).collect()
}

const PASSED_OVER: &str = "passed over, as no run: runs/lost+found (it holds no spec.toml), runs/model-0a1b2c3d.toml (it is a \
                           file), runs/targets (it holds trained targets), runs/tms-sweep-0 (it is a sweep)\n";

#[test]
fn a_report_is_not_written_among_the_files_of_a_run_and_of_no_replica_that_is_not_there() {
    let test = with_run(Test::new(), "mine");
    test.args(["report", "runs/mine", "--out", "runs/mine"]).fails(2).stderr_is(str![[r#"
error: runs/mine is the folder of a run, and a report does not belong among its files
  help: give another folder with --out, or leave it out: the report of a run is then in its folder, below report/

"#]]);
    let test = with_run(Test::new(), "mine");
    test.args(["report", "runs/mine", "--replicas", "0,3"]).fails(2).stderr_is(str![[r#"
error: mine has the replicas 0 to 2, and no replica 3
  help: give --replicas numbers that every run has

"#]]);
}

#[test]
fn all_of_a_results_folder_is_exported_but_what_is_no_run() {
    for format in ["png", "tensorboard"] {
        let test = with_results();
        let all = all(&test);
        let ended = test.args(["export", format]).args(&all).args(["--out", "runs/e"]).succeeds();
        assert!(ended.stderr.starts_with(PASSED_OVER), "{}", ended.stderr);
        assert!(ended.folder.path().join("runs/e/mine").is_dir());
        let again = ended.then();
        let all = [all.clone(), vec!["runs/e".into()]].concat();
        let again = again.args(["export", format]).args(&all).args(["--out", "runs/e"]).ends(0);
        assert!(again.stderr.contains("runs/e (it holds no spec.toml)"), "{}", again.stderr);
    }
}

#[test]
fn all_of_a_results_folder_is_compared_and_measured() {
    let test = with_run(with_results(), "second");
    let all = all(&test);
    let compared = test.args(["diff"]).args(&all).succeeds();
    assert!(
        compared.stdout.starts_with("A: runs/mine\nB: runs/second\n\nThe specs are the same."),
        "{}",
        compared.stdout
    );
    assert_eq!(compared.stderr, PASSED_OVER);
    let small = |folder: &std::path::Path| {
        fs::remove_dir_all(folder.join("runs/second")).unwrap();
        fs::create_dir(folder.join("runs/second")).unwrap();
    };
    let measured =
        compared.then().with_change(small).args(["evaluate", "--device=cpu", "--threads=1"]).args(&all).ends(0);
    assert!(measured.stderr.contains("runs/second (it holds no spec.toml)"), "{}", measured.stderr);
    assert!(measured.stderr.contains("\nevaluation finished: runs/mine\n"), "{}", measured.stderr);
}

#[test]
fn a_report_of_all_takes_sweeps_for_what_they_are_and_passes_over_the_rest() {
    let test = with_results().with_change(|folder| fs::remove_dir_all(folder.join("runs/tms-sweep-0")).unwrap());
    let all = all(&test);
    let ended = test.args(["report"]).args(all).succeeds();
    assert!(ended.stdout.starts_with("mine: "), "{}", ended.stdout);
    ended.stderr_is(str![[r#"
passed over, as neither a run nor a sweep: runs/lost+found (it holds no spec.toml), runs/model-0a1b2c3d.toml (it is a file), runs/targets (it holds trained targets)
report: runs/mine/report/report.html

"#]]);
}

#[test]
fn a_run_that_is_named_in_several_ways_is_one() {
    let test = with_run(Test::new(), "mine").with_change(|folder| symlink("mine", folder.join("runs/link")).unwrap());
    let names = ["runs/mine", "runs/mine/", "./runs/../runs/mine", "runs/link", "runs/mine/spec.toml"];
    let ended = test.args(["report"]).args(names).succeeds();
    ended.stderr_is("report: runs/mine/report/report.html\n");
    ended.then().args(["diff", "runs/mine", "runs/link"]).fails(2).stderr_is(str![[r#"
error: these are the same run, runs/mine
  help: give two runs, which `apd list` lists

"#]]);
}

#[test]
fn a_file_of_a_run_means_the_run() {
    let reported = with_run(Test::new(), "mine").args(["report", "runs/mine/summary.csv"]).succeeds();
    reported.stderr_is(str![[r#"
runs/mine/summary.csv belongs to runs/mine, which is taken
report: runs/mine/report/report.html

"#]]);
    // The page that has been opened.
    let again = reported.then().args(["export", "png", "runs/mine/report/report.html", "--out", "out"]).succeeds();
    assert!(
        again.stderr.starts_with("runs/mine/report/report.html belongs to runs/mine, which is taken\n"),
        "{}",
        again.stderr
    );
}

#[test]
fn what_is_no_run_is_refused_for_what_it_is() {
    let refused = |path: &str, expected: snapbox::data::Inline| {
        with_results().args(["export", "png", path]).fails(1).stdout_is(str![""]).stderr_is(expected);
    };
    refused(
        "runs",
        str![[r#"
error: runs is not the folder of a run: it holds 2 folders of runs or sweeps
  help: give one of them, or runs/* for all

"#]],
    );
    refused(
        "runs/targets",
        str![[r#"
error: runs/targets is not the folder of a run: it holds trained targets
  help: give one of the folders in the results folder, which `apd list` lists

"#]],
    );
    refused(
        "runs/targets/0a1b2c3d-seed-0",
        str![[r#"
error: runs/targets/0a1b2c3d-seed-0 is not the folder of a run: it is a trained target
  help: give one of the folders in the results folder, which `apd list` lists

"#]],
    );
    refused(
        "runs/tms-sweep-0",
        str![[r#"
error: runs/tms-sweep-0 is not the folder of a run: it is a sweep
  help: the runs of its trials are in runs/tms-sweep-0/trials: give one of them, or runs/tms-sweep-0/trials/*

"#]],
    );
    refused(
        "runs/none",
        str![[r#"
error: there is no folder runs/none
  help: give the folder of a run, which `apd list` lists

"#]],
    );
    let none = ["runs/targets", "runs/model-0a1b2c3d.toml"];
    with_results().args(["report"]).args(none).fails(1).stderr_is(str![[r#"
error: of these 2 paths each is neither a run nor a sweep: runs/targets (it holds trained targets), runs/model-0a1b2c3d.toml (it is a file)
  help: give one of the folders in the results folder, which `apd list` lists

"#]]);
    // A path that is not there is a mistake, whatever else is given.
    let ended = with_results().args(["report", "runs/mine", "runs/none"]).fails(1);
    assert!(ended.stderr.starts_with("error: there is no folder runs/none\n"), "{}", ended.stderr);
}

#[test]
fn more_than_two_runs_are_not_compared_in_pairs() {
    let test = ["a", "b", "c"].into_iter().fold(Test::new(), with_run);
    test.args(["diff", "runs/a", "runs/b", "runs/c"]).fails(2).stderr_is(str![[r#"
error: diff compares two runs, and these are 3: runs/a, runs/b, runs/c
  help: give two of them, or compare all with `apd report`

"#]]);
}

#[test]
fn a_run_of_somebody_else_is_reported_and_its_files_go_where_one_may_write() {
    let theirs = || with_run(Test::new(), "theirs").with_mode("runs/theirs", 0o555);
    let ended = theirs().args(["report", "runs/theirs"]).succeeds();
    assert!(ended.stdout.starts_with("theirs: ") && ended.stdout.contains("Recovered: 2 of 3"), "{}", ended.stdout);
    ended.stderr_is(str![[r#"
warning: the files of the report are not written: cannot write runs/theirs/report: Permission denied
  help: `apd report` with --out FOLDER writes them there

"#]]);
    let ended = theirs().args(["report", "runs/theirs", "--out", "out"]).succeeds();
    assert!(ended.stdout.starts_with("theirs: "), "{}", ended.stdout);
    ended.stderr_is("report: out/report.html\n");
    for file in ["report.html", "report.md", "tables.tex", "losses.svg", "losses_figure.csv"] {
        assert!(ended.folder.path().join("out").join(file).is_file(), "{file}");
    }
    let nowhere =
        theirs().with_file("out/a", "").with_mode("out", 0o555).args(["report", "runs/theirs", "--out", "out"]);
    nowhere.fails(1).stderr_is(str![[r#"
error: cannot write out/report.md: Permission denied
  help: give yourself permission to write there, or choose another folder with --out

"#]]);
}

#[test]
fn several_reports_in_a_named_folder_stand_beside_their_comparison() {
    let test = with_run(with_run(Test::new(), "mine"), "theirs").with_mode("runs/theirs", 0o555);
    let ended = test.args(["report", "runs/mine", "runs/theirs"]).succeeds();
    ended.stderr_is(str![[r#"
warning: the files of the report are not written: cannot write runs/theirs/report: Permission denied
  help: `apd report` with --out FOLDER writes them there
report: runs/mine/report/report.html
report: runs/mine/report/comparison.html

"#]]);
    let ended = ended.then().args(["report", "runs/theirs", "runs/mine", "--out", "out"]).succeeds();
    ended.stderr_is(str![[r#"
report: out/theirs/report.html
report: out/mine/report.html
report: out/comparison.html

"#]]);
}

#[test]
fn exports_of_somebody_elses_run_say_where_to_write() {
    for (format, place) in [("png", "report"), ("tensorboard", "tensorboard")] {
        let test = with_run(Test::new(), "theirs").with_mode("runs/theirs", 0o555);
        let ended = test.args(["export", format, "runs/theirs"]).fails(1);
        let path = if format == "png" { "" } else { "/replica_0" };
        ended.stderr_is(format!(
            "error: cannot write runs/theirs/{place}{path}: Permission denied\n  help: give yourself permission to write there, or choose another folder with --out\n"
        ));
        ended.then().args(["export", format, "runs/theirs", "--out", "out"]).succeeds();
    }
}

#[test]
fn a_run_that_cannot_be_written_is_not_measured() {
    let test = with_run(Test::new(), "theirs").with_mode("runs/theirs", 0o555);
    let ended = test.args(["evaluate", "runs/theirs", "--device=cpu"]).fails(1);
    ended.stderr_is(str![[r#"
error: cannot write runs/theirs/lock: Permission denied
  help: give yourself permission to write there, or give the command a copy of the folder

"#]]);
    assert_eq!(fs::read_dir(ended.folder.path().join("runs")).unwrap().count(), 1, "nothing else is made");
}

#[test]
fn runs_of_one_name_do_not_overwrite_each_other() {
    let test = with_run(with_run(Test::new(), "a/trials/0000"), "b/trials/0000");
    let ended = test.args(["export", "png", "runs/a/trials/0000", "runs/b/trials/0000", "--out", "out"]).succeeds();
    for folder in ["a_trials_0000", "b_trials_0000"] {
        assert!(ended.folder.path().join("out").join(folder).join("losses.png").is_file(), "{folder}");
    }
}
