//! What is said of a run's files that were changed since the run wrote them, by hand or by a fault.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::cli_test::{Ended, Test};
use snapbox::str;

const RUN: [&str; 4] = ["run", "tiny.toml", "--device=cpu", "--threads=1"];

/// A finished run, and its folder as commands are given it.
fn finished() -> (Ended, String) {
    let ended = Test::new().with_spec().args(RUN).succeeds();
    let name = run_folder(ended.folder.path()).strip_prefix(ended.folder.path()).unwrap().display().to_string();
    (ended, name)
}

fn run_folder(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("tiny-")).min().unwrap()
}

/// The first 1 of the last line becomes a 7.
fn change(path: PathBuf) {
    let text = fs::read_to_string(&path).unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    fs::write(path, text[..last].to_owned() + &text[last..].replacen('1', "7", 1)).unwrap();
}

#[test]
fn a_changed_table_is_left_out_of_the_report_and_measured_anew_on_request() {
    let (ended, name) = finished();
    let sound = ended.stdout.clone();
    change(ended.folder.path().join(&name).join("summary.csv"));
    let changed = ended.then().args(["report", &name]).ends(0);
    changed.stdout_is(str![[r#"
tiny-[..]: TMS 5-2, 2 replicas, [..]

What was measured cannot be read; the note on summary.csv says why.

Note: summary.csv could not be read: its content does not match its checksum in provenance.json, or was changed by hand.

Note: The target of replica 0 has not learned its task: its error [..] is not below [..] of the answer `monosemantic`.

Note: The target of replica 1 has not learned its task: its error [..] is not below [..] of the answer `monosemantic`.

"#]]);
    let listed = changed.then().args(["list"]).ends(0);
    listed.stdout_is(str![[r#"
folder         experiment       begun (UTC)    status  recovered
----------------------------------------------------------------
tiny-[..]        tiny  [..] [..]  finished          –

Note: tiny-[..]: summary.csv could not be read: its content does not match its checksum in provenance.json, or was changed by hand.

"#]]);
    let measured = listed.then().args(["evaluate", &name, "--device=cpu", "--threads=1"]).ends(0);
    assert_eq!(measured.stdout, sound);
}

#[test]
fn an_evaluation_does_not_make_a_damaged_training_sound() {
    let (ended, name) = finished();
    change(ended.folder.path().join(&name).join("training.csv"));
    let ended = ended.then().args(["evaluate", &name, "--device=cpu", "--threads=1"]).ends(0);
    let note = "Note: training.csv could not be read: its content does not match its checksum";
    assert!(ended.stdout.contains(note), "{}", ended.stdout);
}

#[test]
fn a_run_is_not_measured_by_a_spec_that_was_changed() {
    let (ended, name) = finished();
    let spec = ended.folder.path().join(&name).join("spec.toml");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, text.replace("samples = 100", "samples = 101")).unwrap();
    ended.then().args(["evaluate", &name, "--device=cpu"]).fails(1).stderr_is(str![[r#"
error: runs/tiny-[..]/spec.toml is damaged: its content does not match its checksum in provenance.json, or was changed by hand
  help: put the file back from a copy, or make it again with --force

"#]]);
}

#[test]
fn a_run_is_not_measured_without_knowing_what_made_it() {
    let (ended, name) = finished();
    let provenance = ended.folder.path().join(&name).join("provenance.json");
    let text = fs::read_to_string(&provenance).unwrap();
    fs::write(&provenance, text.replace("\"threads\": 1", "\"threads\": 2")).unwrap();
    ended.then().args(["evaluate", &name, "--device=cpu"]).fails(1).stderr_is(str![[r#"
error: runs/tiny-[..]/provenance.json is damaged: its content does not match its checksum
  help: put the file back from a copy, or make it again with --force

"#]]);
}

#[test]
fn an_export_warns_of_a_changed_table() {
    let (ended, name) = finished();
    change(ended.folder.path().join(&name).join("coactivity.csv"));
    let ended = ended.then().args(["export", "tensorboard", &name, "--quiet"]).ends(0);
    ended.stderr_is(str![[r#"
warning: tiny-[..]: coactivity.csv could not be read: its content does not match its checksum in provenance.json, or was changed by hand.

"#]]);
}

#[test]
fn a_sweep_does_not_count_a_trial_whose_summary_was_changed() {
    let sweep = "[sweep.space]\nmethod.apd.rank = [1, 2]\n";
    let test = Test::new().with_spec();
    let spec = fs::read_to_string(test.folder.path().join("tiny.toml")).unwrap();
    let words = ["sweep", "hyperparameters", "tiny.toml", "--device=cpu", "--threads=1"];
    let ended = test.with_file("tiny.toml", spec + sweep).args(words).succeeds();
    let folder = run_folder(ended.folder.path());
    change(folder.join("trials/0001/summary.csv"));
    let name = folder.strip_prefix(ended.folder.path()).unwrap().display().to_string();
    let refused = ended.then().args(["sweep", "status", &name]).fails(1);
    refused.stderr_is(str![[r#"
error: 1 of 2 trials cannot be read: nothing is recommended from the others, and the tables of the sweep and recommended.toml stay as they are
  trial 1: runs/tiny-sweep-[..]/trials/0001/summary.csv is damaged: its content does not match its checksum in provenance.json, or was changed by hand
  help: put the file back from a copy, or measure the run once more with `apd evaluate`; then give the same command again

"#]]);
    let trial = format!("{name}/trials/0001");
    let measured = refused.then().args(["evaluate", &trial, "--device=cpu", "--threads=1"]).ends(0);
    let status = measured.then().args(["sweep", "status", &name]).succeeds();
    assert!(status.stdout.contains("2 of 2 finished"), "{}", status.stdout);
}
