//! What may not be read is not taken for absent: it is named, and nothing is done as if it were not there.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{
    cli_test::{Ended, Test},
    list_diff::with_run,
};
use apd::run::{RunFolder, TargetFolder};
use snapbox::str;

/// With a run that can be read, and one whose folder has this mode.
fn with_closed(mode: u32) -> Test {
    with_run(with_run(Test::new(), "mine"), "theirs").with_mode("runs/theirs", mode)
}

#[test]
fn a_run_that_may_not_be_looked_into_is_listed_as_unreadable() {
    for mode in [0o000, 0o444] {
        with_closed(mode).args(["list"]).succeeds().stderr_is(str![""]).stdout_is(str![[r#"
folder     experiment       begun (UTC)      status  recovered
--------------------------------------------------------------
mine    tms_5-2_short  2026-11-22 17:53    finished     2 of 3
theirs              –                 –  unreadable          –

Note: theirs: cannot read runs/theirs: Permission denied.

"#]]);
    }
}

#[test]
fn report_diff_evaluate_and_export_say_why_a_run_is_not_read() {
    let commands: [&[&str]; 5] = [
        &["report", "runs/theirs"],
        &["diff", "runs/mine", "runs/theirs"],
        &["evaluate", "runs/theirs"],
        &["export", "png", "runs/theirs"],
        &["export", "tensorboard", "runs/theirs"],
    ];
    for command in commands {
        let ended = with_closed(0o000).args(command).fails(1);
        let last = &ended.stderr[ended.stderr.find("error: ").unwrap()..];
        assert_eq!(
            last,
            "error: cannot read runs/theirs: Permission denied\n  help: ask its owner for permission to read it\n"
        );
        assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    }
}

#[test]
fn the_others_are_reported_and_the_command_fails() {
    let ended = with_closed(0o000).args(["report", "runs/mine", "runs/theirs"]).fails(1);
    assert!(ended.stdout.starts_with("mine: "), "{}", ended.stdout);
    ended.stderr_is(str![[r#"
warning: cannot read runs/theirs: Permission denied; it is passed over
report: runs/mine/report/report.html

"#]]);
}

#[test]
fn files_that_may_not_be_read_are_not_said_to_be_missing() {
    let files = ["provenance.json", "summary.csv", "components.safetensors"].map(|name| format!("runs/theirs/{name}"));
    let closed = || files.iter().fold(with_closed(0o755), |test, file| test.with_mode(file, 0o000));
    closed().args(["list"]).succeeds().stdout_is(str![[r#"
folder     experiment       begun (UTC)      status  recovered
--------------------------------------------------------------
mine    tms_5-2_short  2026-11-22 17:53    finished     2 of 3
theirs  tms_5-2_short                 –  unreadable          –

Note: theirs: provenance.json could not be read: Permission denied.
Note: theirs: summary.csv could not be read: Permission denied.

"#]]);
    let report = closed().args(["report", "runs/theirs"]).succeeds();
    for file in ["provenance.json", "summary.csv", "components.safetensors"] {
        assert!(report.stdout.contains(&format!("{file} could not be read: Permission denied.")), "{}", report.stdout);
        assert!(!report.stdout.contains(&format!("{file} is missing")), "{}", report.stdout);
    }
    let evaluated = closed().args(["evaluate", "runs/theirs", "--device=cpu"]).fails(1);
    evaluated.stderr_is(str![[r#"
error: cannot read runs/theirs/provenance.json: Permission denied
  help: ask its owner for permission to read it

"#]]);
}

#[test]
fn a_sweep_that_may_not_be_read_is_listed_as_unreadable() {
    let test = Test::new()
        .with_file("runs/tms-sweep-0/sweep.toml", "name = \"tms\"\n")
        .with_file("runs/tms-sweep-0/plan.csv", "trial,pack,hash\n0,0,a\n")
        .with_file("runs/tms-sweep-0/trials.csv", "trial,seed,status,score,recovered\n0,0,finished,1,true\n")
        .with_mode("runs/tms-sweep-0/plan.csv", 0o000);
    test.args(["list"]).succeeds().stdout_is(str![[r#"
folder       experiment  begun (UTC)      status  recovered
-----------------------------------------------------------
tms-sweep-0         tms            –  unreadable     1 of 1

Note: tms-sweep-0: plan.csv could not be read: Permission denied.

"#]]);
}

#[test]
fn what_the_system_keeps_for_itself_is_not_listed() {
    let test = with_run(Test::new(), "mine").with_file("runs/lost+found/x", "").with_file("runs/.cache/x", "");
    let test = test.with_mode("runs/lost+found", 0o000).with_mode("runs/.cache", 0o000);
    let listed = test.args(["list"]).succeeds();
    assert!(listed.stdout.ends_with("finished     2 of 3\n"), "{}", listed.stdout);
}

#[test]
fn a_results_folder_that_may_not_be_read_is_told() {
    for mode in [0o000, 0o333] {
        let list = with_closed(0o755).with_mode("runs", mode).args(["list"]).fails(1);
        list.stdout_is(str![""]).stderr_is(str![[r#"
error: cannot read runs: Permission denied
  help: ask its owner for permission to read it

"#]]);
    }
    // Of several folders of one run the newest is meant, which cannot be known.
    for command in ["run", "decompose", "check"] {
        let test = Test::new().with_spec().with_file("runs/a.txt", "").with_mode("runs", 0o333);
        test.args([command, "tiny.toml", "--device=cpu"]).fails(1).stderr_is(str![[r#"
error: cannot read runs: Permission denied
  help: ask its owner for permission to read it

"#]]);
    }
}

#[test]
fn a_run_whose_measurements_may_not_be_read_is_not_said_to_have_none() {
    let test = with_run(Test::new(), "theirs").with_mode("runs/theirs/summary.csv", 0o000);
    let listed = test.args(["list"]).succeeds();
    assert!(listed.stdout.contains("  unreadable "), "{}", listed.stdout);
    let reported = listed.then().args(["report", "runs/theirs"]).succeeds();
    let said = "What was measured cannot be read; the note on summary.csv says why.";
    assert!(reported.stdout.contains(said) && !reported.stdout.contains("No replica"), "{}", reported.stdout);
}

#[test]
fn a_link_to_nowhere_is_listed_as_unreadable() {
    let test = with_run(Test::new(), "mine")
        .with_change(|folder| symlink("/mnt/gone/tms", folder.join("runs/theirs")).unwrap());
    let listed = test.args(["list"]).succeeds();
    let note = "Note: theirs: cannot read runs/theirs: it is a link to /mnt/gone/tms, which is not there.\n";
    assert!(listed.stdout.ends_with(note), "{}", listed.stdout);
    listed.then().args(["report", "runs/theirs"]).fails(1).stderr_is(str![[r#"
error: cannot read runs/theirs: it is a link to /mnt/gone/tms, which is not there
  help: bring back what it points to, or remove the link

"#]]);
}

/// The small experiment with its targets trained.
fn with_targets() -> (Test, PathBuf) {
    let trained = Test::new().with_spec().args(["train", "target", "tiny.toml", "--device=cpu", "--quiet"]).succeeds();
    let test = trained.then();
    let folder = TargetFolder::new(Path::new("runs"), &test.spec().target.hash(), 1);
    (test, folder.path().to_path_buf())
}

/// What each command says that would use the targets.
fn refusals(test: Test, expected: &str) -> Test {
    let words = ["tiny.toml", "--device=cpu", "--quiet"];
    for command in [&["run"][..], &["decompose"], &["check"], &["train", "target"]] {
        let (code, said) =
            test.answer_to(&[command, &words[..]].concat().iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!((code, said.as_str()), (Some(1), expected), "{command:?}");
    }
    test
}

#[test]
fn targets_that_may_not_be_read_are_not_trained_again() {
    let (test, target) = with_targets();
    let file = target.join("target.safetensors");
    let expected = |path: &Path| {
        format!(
            "error: cannot read {}: Permission denied\n  help: ask its owner for permission to read it\n",
            path.display()
        )
    };
    let test = refusals(test.with_mode(&file, 0o000), &expected(&file)).with_mode(&file, 0o644);
    let test = refusals(test.with_mode(&target, 0o000), &expected(&file)).with_mode(&target, 0o755);
    let first = TargetFolder::new(Path::new("runs"), &test.spec().target.hash(), 0).target();
    let test = refusals(test.with_mode("runs/targets", 0o000), &expected(&first)).with_mode("runs/targets", 0o755);
    fs::remove_file(test.folder.path().join(&file)).unwrap();
    symlink("/mnt/gone", test.folder.path().join(&file)).unwrap();
    let link = format!(
        "error: cannot read {}: it is a link to /mnt/gone, which is not there\n  help: bring back what it points to, or \
         remove the link\n",
        file.display()
    );
    refusals(test, &link);
}

#[test]
fn a_checkpoint_or_provenance_that_may_not_be_read_is_no_beginning() {
    let (test, _) = with_targets();
    let spec = test.spec();
    let folder = RunFolder::locate(&test.folder.path().join("runs"), &spec.name, &spec.hash(), false).unwrap();
    let run = PathBuf::from("runs").join(folder.file_name().unwrap());
    let denied = |test: Test, file: &str, mode: u32| -> Ended {
        let path = run.join(file);
        let test = test.with_file(path.to_str().unwrap(), "").with_mode(&path, mode);
        test.args(["decompose", "tiny.toml", "--device=cpu", "--quiet"]).fails(1)
    };
    let newest = denied(test, "checkpoint/newest.safetensors", 0o000);
    newest.stderr_is(str![[r#"
error: cannot read runs/tiny-[..]/checkpoint/newest.safetensors: Permission denied
  help: ask its owner for permission to read it

"#]]);
    let provenance = denied(newest.then(), "provenance.json", 0o000);
    provenance.stderr_is(str![[r#"
error: cannot read runs/tiny-[..]/provenance.json: Permission denied
  help: ask its owner for permission to read it

"#]]);
}
