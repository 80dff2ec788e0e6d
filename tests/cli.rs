//! The command line as its users meet it: whole texts, exit codes, signals.

mod cli_test;

use apd::run::{Interrupt, RunFolder, TargetFolder};
use cli_test::Test;
use snapbox::{file, str};

const COMMANDS: [&[&str]; 8] = [
    &["train"],
    &["train", "target"],
    &["decompose"],
    &["report"],
    &["run"],
    &["check"],
    &["doctor"],
    &["completions"],
];

#[test]
fn help_tells_commands_examples_and_exit_codes() {
    Test::new().args(["--help"]).succeeds().stdout_is(file!["help/apd.txt"].raw()).stderr_is(str![""]);
}

#[test]
fn help_of_a_command_has_examples() {
    Test::new().args(["run", "--help"]).succeeds().stdout_is(file!["help/run.txt"].raw());
    Test::new().args(["train", "target", "--help"]).succeeds().stdout_is(file!["help/train_target.txt"].raw());
}

#[test]
fn help_fits_80_columns() {
    for command in COMMANDS {
        let help = Test::new().args(command.iter().copied().chain(["--help"])).succeeds().stdout;
        let longest = help.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= 80, "{command:?} has a line of {longest} columns");
        assert!(help.contains("Examples:") || command == ["train"], "{command:?} has no examples");
    }
}

#[test]
fn an_unknown_flag_is_answered_with_the_nearest() {
    Test::new().args(["run", "tms.toml", "--forse"]).fails(2).stdout_is(str![""]).stderr_is(str![[r#"
error: unexpected argument '--forse' found

  tip: a similar argument exists: '--force'

Usage: apd run --force <SPEC>

For more information, try '--help'.

"#]]);
}

#[test]
fn an_unknown_device_is_answered_with_the_known_ones() {
    Test::new().args(["run", "tms.toml", "--device", "gpu"]).fails(2).stderr_is(str![[r#"
error: invalid value 'gpu' for '--device <DEVICE>': 'gpu' is no device: write auto, cpu, cuda or cuda:N, where N counts the GPUs from 0

For more information, try '--help'.

"#]]);
}

#[test]
fn zero_threads_are_refused() {
    Test::new().args(["run", "tms.toml", "--threads", "0"]).fails(2).stderr_is(str![[r#"
error: invalid value '0' for '--threads <N>': number would be zero for non-zero type

For more information, try '--help'.

"#]]);
}

#[test]
fn a_command_without_its_spec_is_refused() {
    Test::new().args(["decompose"]).fails(2).stderr_is(str![[r#"
error: the following required arguments were not provided:
  <SPEC>

Usage: apd decompose <SPEC>

For more information, try '--help'.

"#]]);
}

#[test]
fn a_missing_spec_is_a_wrong_command() {
    for command in [&["run"][..], &["train", "target"], &["decompose"], &["check"]] {
        let test = Test::new().args(command).args(["missing.toml"]).fails(2);
        test.stdout_is(str![""]).stderr_is(str![[r#"
error: missing.toml does not exist
...
"#]]);
    }
}

#[test]
fn a_mistake_in_set_is_shown_with_the_known_keys() {
    let test = Test::new().with_spec().args(["check", "tiny.toml", "--set", "seed=3"]).fails(2);
    assert!(test.stderr.starts_with("error: ") && test.stderr.contains("seeds"), "{}", test.stderr);
}

#[test]
fn a_gpu_that_is_not_there_is_a_wrong_command() {
    let test = Test::new().with_spec().args(["run", "tiny.toml", "--device", "cuda:99"]).fails(2);
    assert!(test.stderr.starts_with("error: ") && test.stderr.contains("cuda:99"), "{}", test.stderr);
    assert!(!test.folder.path().join("runs").exists());
}

#[test]
fn a_file_in_the_place_of_the_results_folder_is_told() {
    let test = Test::new().with_spec().with_file("results", "precious");
    let test = test.args(["run", "tiny.toml", "--device", "cpu", "--results", "results/mine"]).fails(1);
    test.stdout_is(str![""]).stderr_is(str![[r#"
error: cannot make the folder results/mine: results is a file
  help: move it out of the way, or choose another folder with --results

"#]]);
    assert_eq!(std::fs::read_to_string(test.folder.path().join("results")).unwrap(), "precious");
}

#[test]
fn check_tells_what_would_be_done_and_does_nothing() {
    let test = Test::new().with_spec().args(["check", "tiny.toml"]).succeeds();
    test.stderr_is(str![""]).stdout_is(str![[r#"
experiment  tiny
replicas    2 (seeds 0 to 1)
target      10 parameters (embed 5 x 2); to be trained
components  5 of rank 2: 70 factors a replica
training    target 2 steps of 16 samples, components 2 steps of 16 samples
memory      about 1 MB beside libtorch itself
run folder  runs/tiny-[..] (new)

"#]]);
    assert!(!test.folder.path().join("runs").exists());
}

#[test]
fn a_folder_that_is_no_run_has_no_report() {
    let test = Test::new().with_file("notes/a.txt", "").args(["report", "notes"]).fails(1);
    test.stdout_is(str![""]).stderr_is(str![[r#"
error: notes is not the folder of a run: it holds no spec.toml
  help: give one of the folders in the results folder

"#]]);
}

#[test]
fn completions_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let test = Test::new().args(["completions", shell]).succeeds();
        assert!(test.stdout.contains("decompose") && test.stderr.is_empty(), "{shell}");
    }
}

#[test]
fn a_run_in_use_is_refused_with_its_holder() {
    let test = Test::new().with_spec();
    let spec = test.spec();
    let results = test.folder.path().join("runs");
    let _held = RunFolder::open(&results, &spec.name, &spec.hash(), &spec.to_toml(), false).unwrap();
    let test = test.args(["decompose", "tiny.toml", "--device", "cpu", "--quiet"]).fails(1);
    test.stdout_is(str![""]).stderr_is(str![[r#"
error: runs/tiny-[..] is in use by process [..] on [..] since [..]Z
  help: wait for it to end, or start anew beside it with --force

"#]]);
}

#[test]
fn a_signal_saves_and_the_same_command_goes_on() {
    let test = Test::new().with_spec();
    let long =
        ["decompose", "tiny.toml", "--device", "cpu", "--threads", "1", "--set", "decomposition.steps=100000000"];
    for signal in ["INT", "TERM", "USR1"] {
        let running = test.start(long);
        running.wait_for_words("components: ");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        ended.stderr_ends_with(str![[r#"
components: interrupted, saving (Ctrl-C once more leaves at once)
warning: interrupted at step [..] of 100000000 (components); saved in runs/tiny-[..]
  help: go on with: [..]apd decompose tiny.toml --device cpu --threads 1 --set decomposition.steps=100000000

"#]]);
    }
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let test = Test::new().with_spec();
    let target = TargetFolder::new(&test.folder.path().join("runs"), &test.spec().target.hash(), 0);
    std::fs::create_dir_all(target.path()).unwrap();
    let _held = apd::run::Lock::wait(target.path(), &Interrupt::never()).unwrap().unwrap();
    // While it waits for the target, it looks at its signals every 200 ms: now and then it is quicker than the second.
    let leaves_at_once = || {
        let running = test.start(["train", "target", "tiny.toml", "--device", "cpu"]);
        running.wait_for_words("waiting for runs/targets/");
        running.signal("INT");
        std::thread::sleep(std::time::Duration::from_millis(20));
        running.signal("INT");
        running.end().code == Some(130)
    };
    assert!((0..10).any(|_| leaves_at_once()));
}
