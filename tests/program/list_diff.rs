//! `apd list` and `apd diff`: run folders as others than their makers meet them.

use std::{fs, path::Path, process::Command};

use crate::cli_test::Test;
use apd::run::Lock;
use snapbox::{file, str};

/// A copy of a finished run in `runs/<name>`.
pub fn with_run(test: Test, name: &str) -> Test {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_run");
    let files = fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path());
    files.fold(test, |test, path| {
        let place = format!("runs/{name}/{}", path.file_name().unwrap().to_str().unwrap());
        test.with_file(&place, fs::read(&path).unwrap())
    })
}

/// Replaces words in a file of `runs`.
fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join("runs").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} holds no {from:?}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn runs_are_listed_with_the_newest_first_and_whatever_is_wrong_with_them() {
    let test = ["tms-old", "tms-new", "tms-going", "tms-killed", "tms-damaged"].into_iter().fold(Test::new(), with_run);
    let test = test
        .with_file("runs/targets/0a1b2c3d-seed-0/spec.toml", "")
        .with_file("runs/notes/a.txt", "no run")
        .with_file("runs/tms-damaged/provenance.json", "{")
        .with_change(|folder| {
            change(folder, "tms-old/provenance.json", "2026-11-22T17", "2025-01-31T09");
            for unfinished in ["tms-going", "tms-killed"] {
                change(folder, &format!("{unfinished}/provenance.json"), "\"finished\"", "\"running\"");
                fs::remove_file(folder.join("runs").join(unfinished).join("summary.csv")).unwrap();
            }
            change(folder, "tms-going/provenance.json", "2026-11-22T17", "2026-11-22T18");
            change(folder, "tms-killed/provenance.json", "2026-11-22T17", "2026-11-22T16");
            fs::remove_file(folder.join("runs/tms-old/summary.csv")).unwrap();
        });
    let _working = Lock::take(&test.folder.path().join("runs/tms-going")).unwrap();
    test.args(["list"]).succeeds().stderr_is(str![""]).stdout_is(str![[r#"
folder          experiment       begun (UTC)    status  recovered
-----------------------------------------------------------------
tms-going    tms_5-2_short  2026-11-22 18:53   running          –
tms-new      tms_5-2_short  2026-11-22 17:53  finished     2 of 3
tms-killed   tms_5-2_short  2026-11-22 16:53   stopped          –
tms-old      tms_5-2_short  2025-01-31 09:53  finished          –
tms-damaged  tms_5-2_short                 –   damaged     2 of 3

Note: tms-old: summary.csv is missing.
Note: tms-damaged: provenance.json could not be read: EOF while parsing an object at line 1 column 1.

"#]]);
}

#[test]
fn a_status_in_the_words_of_a_later_version_is_listed_as_it_is_written() {
    let change = |folder: &Path| change(folder, "tms/provenance.json", "\"finished\"", "\"paused\"");
    let test = with_run(Test::new(), "tms").with_change(change);
    test.args(["list"]).succeeds().stdout_is(str![[r#"
folder     experiment       begun (UTC)  status  recovered
----------------------------------------------------------
tms     tms_5-2_short  2026-11-22 17:53  paused     2 of 3

"#]]);
}

#[test]
fn sweeps_are_listed_among_the_runs_with_how_many_trials_have_ended() {
    let provenance = fs::read_to_string("tests/golden_run/provenance.json").unwrap();
    let sweep = |test: Test, name: &str, ended: usize, begun: &str| {
        let plan: String = (0..64).map(|trial| format!("{trial},0,0a1b2c3d\n")).collect();
        let verdict = |trial| if trial % 4 == 0 { ["finished", "true"] } else { ["failed", ""] };
        let row = |trial| format!("{trial},0,{},1.5,{}\n", verdict(trial)[0], verdict(trial)[1]);
        let rows: String = (0..ended).map(row).collect();
        test.with_file(&format!("runs/{name}/sweep.toml"), "name = \"tms\"\n")
            .with_file(&format!("runs/{name}/plan.csv"), format!("trial,pack,hash\n{plan}"))
            .with_file(&format!("runs/{name}/trials.csv"), format!("trial,seed,status,score,recovered\n{rows}"))
            .with_file(&format!("runs/{name}/packs/0000/log.txt"), "")
            .with_file(&format!("runs/{name}/trials/0000/provenance.json"), provenance.replace("2026-11-22T17", begun))
    };
    let test = sweep(with_run(Test::new(), "tms-run"), "tms-sweep-0", 64, "2026-11-22T18");
    let test = sweep(test, "tms-sweep-1", 12, "2026-11-22T16");
    let test =
        sweep(test, "tms-sweep-2", 0, "2026-11-22T15").with_file("runs/tms-sweep-3/sweep.toml", "name = \"tms\"\n");
    let _working = Lock::take(&test.folder.path().join("runs/tms-sweep-1/packs/0000")).unwrap();
    test.args(["list"]).succeeds().stderr_is(str![""]).stdout_is(str![[r#"
folder          experiment       begun (UTC)                    status  recovered
---------------------------------------------------------------------------------
tms-sweep-0            tms  2026-11-22 18:53      64 trials, 48 failed   16 of 16
tms-run      tms_5-2_short  2026-11-22 17:53                  finished     2 of 3
tms-sweep-1            tms  2026-11-22 16:53  12 of 64 trials, running     3 of 3
tms-sweep-2            tms  2026-11-22 15:53   0 of 64 trials, stopped          –
tms-sweep-3            tms                 –             no trials yet          –

"#]]);
}

#[test]
fn a_list_that_would_be_too_wide_leaves_the_experiment_to_the_folders_name() {
    let test = with_run(Test::new(), "residual_mlp_3_layers_of_old-0a1b2c3d");
    let in_80_columns = |command: &mut Command| {
        command.env("COLUMNS", "80");
    };
    test.args(["list"]).ends_in(in_80_columns, 0).stdout_is(str![[r#"
folder                                      begun (UTC)    status  recovered
----------------------------------------------------------------------------
residual_mlp_3_layers_of_old-0a1b2c3d  2026-11-22 17:53  finished     2 of 3

"#]]);
}

/// Of a name that leaves no room for the other columns, and in columns that are too few for any table.
#[test]
fn into_a_pipe_goes_a_line_for_each_run_with_its_whole_name() {
    const NAME: &str = "residual_mlp_2_layers_with_components_of_growing_rank_and_more-0a1b2c3d";
    let mut test = with_run(Test::new(), NAME);
    for columns in [None, Some("200"), Some("20"), Some("0"), Some("many")] {
        let ended = test.args(["list"]).ends_in(
            |command| {
                command.env_remove("COLUMNS").envs(columns.map(|columns| ("COLUMNS", columns)));
            },
            0,
        );
        let lines: Vec<&str> = ended.stdout.lines().collect();
        assert_eq!(lines.len(), 3, "{}", ended.stdout);
        assert!(lines[2].starts_with(&format!("{NAME} ")) && lines[2].ends_with(" 2 of 3"), "{}", ended.stdout);
        assert_eq!(lines[2].contains(" tms_5-2_short "), columns != Some("20"), "{}", ended.stdout);
        test = ended.then();
    }
}

#[test]
fn an_empty_or_missing_results_folder_says_what_to_do() {
    Test::new().args(["list"]).succeeds().stdout_is(str![[r#"
There is no folder runs yet. Begin a run, for example with `apd run experiments/tms_5-2.toml`, or name another folder with --results.

"#]]);
    let only_targets = Test::new().with_file("mine/targets/0a1b2c3d-seed-0/spec.toml", "");
    only_targets.args(["list", "--results", "mine"]).succeeds().stdout_is(str![[r#"
There are no runs in mine. Begin a run, for example with `apd run experiments/tms_5-2.toml`, or name another folder with --results.

"#]]);
}

#[test]
fn a_file_in_the_place_of_the_results_folder_cannot_be_listed() {
    Test::new().with_file("runs", "").args(["list"]).fails(1).stdout_is(str![""]).stderr_is(str![[r#"
error: cannot read runs: Not a directory
  help: [..]

"#]]);
}

#[test]
fn a_run_or_a_sweep_in_the_place_of_the_results_folder_is_told() {
    let test = with_run(Test::new(), "mine").with_file("runs/tms-sweep-0/sweep.toml", "");
    let test = test.with_file("runs/tms-sweep-0/plan.csv", "");
    let ended = test.args(["list", "--results", "runs/mine"]).fails(1);
    ended.stderr_is(str![[r#"
error: runs/mine is the folder of a run, not of runs
  help: show it with `apd report`, or name the folder that it is in

"#]]);
    ended.then().args(["list", "--results", "runs/tms-sweep-0"]).fails(1).stderr_is(str![[r#"
error: runs/tms-sweep-0 is the folder of a sweep
  help: list its trials with --results runs/tms-sweep-0/trials

"#]]);
}

#[test]
fn the_specs_that_differ_come_before_the_results() {
    let test = with_run(with_run(Test::new(), "first"), "second").with_change(|folder| {
        change(folder, "second/spec.toml", "seeds = [1, 2, 3]", "seeds = [1, 2, 3, 4, 5]");
        change(folder, "second/spec.toml", "rank = 3", "rank = 2");
        change(
            folder,
            "second/spec.toml",
            "[method.apd.selection.batch_top_k]\nk = 0.211",
            "[method.apd.selection.exact]",
        );
        change(folder, "second/summary.csv", "\n2,3,7.839263162168209e-6", "\n2,3,7.839263162168209e-4");
        change(folder, "second/summary.csv", "false", "true");
    });
    let in_80_columns = |command: &mut Command| {
        command.env("COLUMNS", "80");
    };
    let ended = test.args(["diff", "runs/first", "runs/second"]).ends_in(in_80_columns, 0);
    ended.stderr_is(str![""]).stdout_is(file!["snapshots/diff.txt"]);
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
}

#[test]
fn the_same_specs_are_said_to_be_the_same() {
    let test = with_run(with_run(Test::new(), "first"), "second");
    let ended = test.args(["diff", "runs/first", "runs/second"]).succeeds();
    assert!(ended.stdout.contains("\n\nThe specs are the same.\n\nmean ± deviation"), "{}", ended.stdout);
}

#[test]
fn what_a_run_lacks_is_noted_beside_the_numbers_of_the_other() {
    let test = with_run(with_run(Test::new(), "first"), "second").with_change(|folder| {
        fs::remove_file(folder.join("runs/second/summary.csv")).unwrap();
        fs::write(folder.join("runs/second/spec.toml"), "no spec").unwrap();
    });
    let ended = test.args(["diff", "runs/first", "runs/second"]).succeeds();
    for expected in [
        "\nrecovered               replicas               2 of 3  –\n",
        "\nNote on B: spec.toml is not valid TOML, so the experiment's sizes are unknown.\n",
        "\nNote on B: summary.csv is missing.\n",
    ] {
        assert!(ended.stdout.contains(expected), "no {expected:?} in\n{}", ended.stdout);
    }
}

#[test]
fn a_folder_that_is_no_run_is_not_compared() {
    let test = with_run(Test::new(), "first").with_file("notes/a.txt", "");
    test.args(["diff", "runs/first", "notes"]).fails(1).stdout_is(str![""]).stderr_is(str![[r#"
error: notes is not the folder of a run: it holds no spec.toml
  help: give one of the folders in the results folder, which `apd list` lists

"#]]);
}

#[test]
fn text_from_files_does_not_command_the_terminal() {
    let test = with_run(with_run(Test::new(), "first"), "second\u{1b}[31m").with_change(|folder| {
        change(folder, "first/spec.toml", "tms_5-2_short", "\\u001b[2J\\u0007");
        change(folder, "first/provenance.json", "\"finished\"", "\"\\u001b[2J\"");
    });
    let compared = test.args(["diff", "runs/first", "runs/second\u{1b}[31m"]).succeeds();
    assert!(!compared.stdout.contains('\u{1b}') && !compared.stdout.contains('\u{7}'), "{:?}", compared.stdout);
    let listed = compared.then().args(["list"]).succeeds();
    assert!(!listed.stdout.contains('\u{1b}') && !listed.stdout.contains('\u{7}'), "{:?}", listed.stdout);
}
