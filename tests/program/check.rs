//! `apd check`: what would be done and how long it would take, and the refusals of `apd run` before anything is done.

use std::{fs, path::Path};

use crate::cli_test::Test;
use apd::run::RunFolder;
use snapbox::str;

#[test]
fn check_tells_what_would_be_done_and_does_nothing() {
    let test = Test::new().with_spec().args(["check", "tiny.toml", "--device=cpu", "--threads=1"]).succeeds();
    test.stderr_is(str![""]).stdout_is(str![[r#"
experiment  tiny
replicas    2 (seeds 0 to 1)
target      10 parameters (embed 5 x 2); to be trained
components  5 of rank 2: 70 factors a replica
training    target 2 steps of 16 samples, components 2 steps of 16 samples
memory      about 1 MB beside libtorch itself
time        [..] on 1 thread (targets [..], components [..], measurements [..]), by a few steps tried out: up to half as long again, or a third less
run folder  runs/tiny-[..] (new)

"#]]);
    assert_eq!(fs::read_dir(test.folder.path()).unwrap().count(), 1, "something was left behind");
}

#[test]
fn what_is_done_already_takes_no_more_time() {
    let run = ["tiny.toml", "--device=cpu", "--threads=1"];
    let long = "--set=decomposition.steps=1000000000";
    let test = Test::new().with_spec().args(["check"]).args(run).args([long]).succeeds();
    let is_long =
        [" hours on 1 thread (targets ", " days on 1 thread (targets "].iter().any(|words| test.stdout.contains(words));
    assert!(is_long, "{}", test.stdout);

    // A checkpoint of the same run, as if it were that far.
    let running = test.then();
    let decomposing = running.start(["decompose", "tiny.toml", "--device=cpu", "--threads=1", long]);
    decomposing.wait_for_words("components: ");
    decomposing.signal("TERM");
    assert_eq!(decomposing.end().code, Some(3));
    let unfinished = running.args(["check"]).args(run).args([long]).succeeds();
    assert!(unfinished.stdout.contains("; trained already\n"), "{}", unfinished.stdout);
    assert!(unfinished.stdout.contains(" (unfinished, would go on)\n"), "{}", unfinished.stdout);

    let finished = unfinished.then().args(["run"]).args(run).ends(0).then().args(["check"]).args(run).succeeds();
    assert!(finished.stdout.contains("\ntime        none: the run is finished\n"), "{}", finished.stdout);
    let anew = finished.then().args(["check", "--force"]).args(run).succeeds();
    assert!(!anew.stdout.contains("finished") && anew.stdout.contains("-2 (new)\n"), "{}", anew.stdout);
}

/// That `apd check` and a sweep's plan end as `apd run` does, in the same words, and that nothing is made.
fn refused_alike(prepared: impl Fn() -> Test, flags: &[&str], expected: snapbox::data::Inline) {
    for command in ["run", "decompose", "check"] {
        let ended = prepared().args([command, "tiny.toml", "--device=cpu", "--threads=1"]).args(flags).fails(1);
        ended.stdout_is(str![""]).stderr_is(expected.clone());
    }
}

#[test]
fn what_a_run_is_refused_for_is_told_before_anything_is_done() {
    let imported = "--set=target.imported='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
    refused_alike(
        || Test::new().with_spec(),
        &[imported],
        str![[r#"
error: the target of seed 0 is imported, and not in runs/targets
  help: import it there with `apd import target`, or take the key `target.imported` out of the spec to train one

"#]],
    );
    let components = "--set=imported_components='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
    refused_alike(
        || Test::new().with_spec(),
        &[components],
        str![[r#"
error: the components of this spec are imported, not trained
  help: measure them with `apd evaluate RUN`, or take the key `imported_components` out of the spec to train some

"#]],
    );
    refused_alike(
        || Test::new().with_spec().with_file("runs", ""),
        &[],
        str![[r#"
error: cannot make the folder runs: runs is a file
  help: move it out of the way, or choose another folder with --results

"#]],
    );
    let foreign = || {
        let test = Test::new().with_spec();
        let spec = test.spec();
        let folder = RunFolder::locate(Path::new("runs"), &spec.name, &spec.hash(), false).unwrap();
        test.with_file(folder.join("spec.toml").to_str().unwrap(), "seeds = 7\n")
    };
    refused_alike(
        foreign,
        &[],
        str![[r#"
error: runs/tiny-[..]/spec.toml is not what this run would write: it was changed, or is of another spec
  help: put the file back as it was, or start anew beside it with --force

"#]],
    );
    let unwritable = || Test::new().with_spec().with_file("runs/targets/a.txt", "").with_mode("runs/targets", 0o555);
    refused_alike(
        unwritable,
        &[],
        str![[r#"
error: cannot write runs/targets/[..]-seed-0: Permission denied
  help: give yourself permission to write there, or choose another folder with --results

"#]],
    );
}

#[test]
fn a_run_in_use_is_refused_by_check_too() {
    let test = Test::new().with_spec();
    let spec = test.spec();
    let results = test.folder.path().join("runs");
    let _held = RunFolder::open(&results, &spec.name, &spec.hash(), &spec.to_toml(), false).unwrap();
    for command in ["run", "check"] {
        let (code, said) = test.answer_to(&[command, "tiny.toml", "--device=cpu"].map(String::from));
        assert!(code == Some(1) && said.contains(" is in use by process "), "{command}: {said}");
    }
    assert!(!results.join("targets").exists(), "a target was trained for nothing");
}

#[test]
fn the_plan_of_a_sweep_is_refused_where_the_sweep_would_be() {
    let plan = ["sweep", "hyperparameters", "tiny.toml", "--dry-run", "--threads=1", "--set=seeds=1"];
    let space = "--set=sweep.space.method.apd.rank=[1, 2]";
    let test = || Test::new().with_spec().args(plan).args([space]);
    let reason = apd::device::open(apd::device::DeviceChoice::Cuda(99)).unwrap_err();
    assert_eq!(test().args(["--device=cuda:99"]).fails(2).stderr, format!("error: {reason}\n"));
    test().with_file("runs", "").args(["--device=cpu"]).fails(1).stderr_is(str![[r#"
error: cannot make the folder runs: runs is a file
  help: move it out of the way, or choose another folder with --results

"#]]);
    let components = "--set=imported_components='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
    test().args(["--device=cpu", components]).fails(1).stderr_is(str![[r#"
error: the components of this spec are imported, not trained
  help: measure them with `apd evaluate RUN`, or take the key `imported_components` out of the spec to train some

"#]]);
    let imported = "--set=target.imported='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
    let ended = test().args(["--device=cpu", imported]).fails(1);
    assert!(
        ended.stderr.starts_with("error: the target of seed 0 is imported, and not in runs/targets\n"),
        "{}",
        ended.stderr
    );
    assert!(!ended.folder.path().join("runs").exists());
}

#[test]
fn a_long_line_goes_on_below_itself_at_the_width_of_the_terminal() {
    let test = Test::new().with_spec().args(["check", "tiny.toml", "--device=cpu", "--threads=1"]);
    let said = test.ends_in(|command| _ = command.env("COLUMNS", "80"), 0).stdout;
    let time: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("time ")).collect();
    assert!(time[1].starts_with("            "), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}
