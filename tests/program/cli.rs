//! The command line as its users meet it: whole texts, exit codes, signals.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::cli_test::{Ended, Test};
use apd::{
    cli::CommandLine,
    device::{DeviceChoice, count_gpus, open},
    run::{Lock, RunFolder, TargetFolder, write_tensors},
};
use clap::{Command, CommandFactory};
use snapbox::{file, str};
use tch::Tensor;

#[test]
fn help_tells_commands_examples_and_exit_codes() {
    Test::new().args(["--help"]).succeeds().stdout_is(file!["help/apd.txt"].raw()).stderr_is(str![""]);
}

#[test]
fn help_of_a_command_has_examples() {
    Test::new().args(["run", "--help"]).succeeds().stdout_is(file!["help/run.txt"].raw());
    Test::new().args(["train", "target", "--help"]).succeeds().stdout_is(file!["help/train_target.txt"].raw());
    let help = Test::new().args(["import", "components", "--help"]).succeeds();
    help.stdout_is(file!["help/import_components.txt"].raw());
    Test::new().args(["evaluate", "--help"]).succeeds().stdout_is(file!["help/evaluate.txt"].raw());
    Test::new().args(["list", "--help"]).succeeds().stdout_is(file!["help/list.txt"].raw());
    Test::new().args(["diff", "--help"]).succeeds().stdout_is(file!["help/diff.txt"].raw());
}

#[test]
fn help_fits_80_columns() {
    assert_help_fits(&mut CommandLine::command().term_width(80));
}

/// That of the command, and of all commands below it.
fn assert_help_fits(command: &mut Command) {
    let help = command.render_long_help().to_string();
    let longest = help.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 80, "{} has a line of {longest} columns", command.get_name());
    assert!(help.contains("Examples:") || command.has_subcommands(), "{} has no examples", command.get_name());
    command.get_subcommands_mut().for_each(assert_help_fits);
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
 |
 = help: name a spec's file, such as experiments/tms_5-2.toml

"#]]);
    }
}

/// Refused as a spec: nothing is said on stdout and nothing is made.
fn refused(content: &[u8]) -> Ended {
    let test = Test::new().with_file("x.toml", content).args(["run", "x.toml", "--device", "cpu"]).fails(2);
    test.stdout_is(str![""]);
    assert!(!test.folder.path().join("runs").exists());
    test
}

#[test]
fn an_empty_spec_is_refused() {
    refused(b"").stderr_is(str![[r#"
error: x.toml is empty
 |
 = help: copy one of the specs in experiments/ and change it

"#]]);
}

#[test]
fn a_binary_is_refused_as_a_spec() {
    let program = fs::read(env!("CARGO_BIN_EXE_apd")).unwrap();
    refused(&program[..500_000]).stderr_is(str![[r#"
error: x.toml is not a text file
 |
 = help: a spec is a TOML file in UTF-8, like those in experiments/

"#]]);
}

#[test]
fn text_that_a_spec_cannot_be_is_told_for_what_it_is() {
    let utf_16: Vec<u8> = "\u{feff}seeds = 2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(&utf_16).stderr_is(str![[r#"
error: x.toml is text in UTF-16
 |
 = help: save it in UTF-8: iconv -f UTF-16 -t UTF-8

"#]]);
    refused(b"seeds = 2\nname = \"a\0\"\n").stderr_is(str![[r#"
error: x.toml is not a text file: line 2, column 10 is U+0000 NULL
 |
 = help: a spec is a TOML file in UTF-8, like those in experiments/

"#]]);
}

#[test]
fn ten_megabytes_are_refused_as_a_spec() {
    refused(&b"# a comment\n".repeat(1_000_000)).stderr_is(str![[r#"
error: x.toml is larger than 1 MB
 |
 = help: a spec is a TOML file like those in experiments/

"#]]);
}

#[test]
fn mistakes_in_a_spec_are_shown_all_at_once_and_nothing_is_started() {
    let spec = Test::new().with_spec();
    let text = fs::read_to_string(spec.folder.path().join("tiny.toml")).unwrap();
    let wrong = [
        ("features = 5", "feature = 5"),
        ("hidden = 2", "hidden = \"two\""),
        ("probability = 0.3", "probability = nan"),
        ("simplicity = 0.1", "simplicity = inf"),
    ];
    let text = wrong.iter().fold(text, |text, (right, wrong)| text.replace(right, wrong));
    refused(text.as_bytes()).stderr_is(str![[r#"
error: unknown key `feature` in `[target.tms]`
 --> x.toml:3:1
  |
3 | feature = 5
  | ^^^^^^^ did you mean `features`?
  |
  = help: allowed here: features, hidden, hidden_layers, hidden_kind, tied

error: `hidden` must be an integer from 1 to 100_000
 --> x.toml:4:10
  |
4 | hidden = "two"
  |          ^^^^^ this is the text "two"

error: `probability` must be a number above 0 and at most 1
 --> x.toml:8:15
  |
8 | probability = nan
  |               ^^^ this is not a number

error: `simplicity` must be a number of at least 0
  --> x.toml:25:14
   |
25 | simplicity = inf
   |              ^^^ this is infinite

error: 4 mistakes in x.toml

"#]]);
}

#[test]
fn a_spec_may_come_through_a_pipe_or_a_link_from_a_folder_with_any_name() {
    let test = Test::new().with_spec().with_change(|folder| {
        fs::create_dir(folder.join("my spécs")).unwrap();
        std::os::unix::fs::symlink("../tiny.toml", folder.join("my spécs/linked.toml")).unwrap();
    });
    let test =
        test.args(["run", "my spécs/linked.toml", "--device", "cpu", "--quiet", "--results", "r ü/s"]).succeeds();
    assert!(test.stdout.starts_with("linked-"), "{}", test.stdout);
    test.stderr_is(str![[r#"
warning: the target of seed 0 has not learned its task: [..]
warning: the target of seed 1 has not learned its task: [..]

"#]]);

    let pipe = test.folder.path().join("piped");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let text = fs::read_to_string(test.folder.path().join("tiny.toml")).unwrap();
    // Opening a pipe waits for its other end.
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, text)
    });
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_apd")).arg("check").arg(&pipe).output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("experiment  piped\n"));
}

#[test]
fn a_mistake_in_set_is_shown_with_the_known_keys() {
    let test = Test::new().with_spec().args(["check", "tiny.toml", "--set", "seed=3"]).fails(2);
    test.stdout_is(str![""]).stderr_is(str![[r#"
error: unknown key `seed` in the spec
 |
 | --set seed=3
 |       ^^^^ did you mean `seeds` or `target.seed`?
 |
 = help: allowed here: format, name, seeds, target, method, decomposition, measurement, imported_components, sweep

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_gpu_that_is_not_there_is_a_wrong_command() {
    let reason = open(DeviceChoice::Cuda(99)).unwrap_err();
    for command in ["run", "check"] {
        let test = Test::new().with_spec().args([command, "tiny.toml", "--device", "cuda:99"]).fails(2);
        assert_eq!((test.stdout, test.stderr), (String::new(), format!("error: {reason}\n")));
    }
    let test = Test::new().with_spec().args(["run", "tiny.toml", "--device", "cuda:99"]).fails(2);
    if count_gpus() == Err(apd::device::NoCuda::NoDriver) {
        test.stdout_is(str![""]).stderr_is(str![[r#"
error: the device cuda:99 cannot be used: there is no NVIDIA driver (no libcuda.so.1). Use a machine with a GPU; in a container, let it see the GPU (docker run --gpus all). Or ask for --device cpu.

"#]]);
    }
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
fn a_results_folder_that_cannot_be_written_is_told_before_anything_is_done() {
    let protected = |folder: &Path| {
        fs::create_dir(folder.join("results")).unwrap();
        fs::set_permissions(folder.join("results"), fs::Permissions::from_mode(0o555)).unwrap();
    };
    let sweep = &["sweep", "hyperparameters", "--dry-run", "--set", "sweep.space.method.apd.rank=[1, 2]"];
    for command in [&["run"][..], &["train", "target"], &["decompose"], &["check"], sweep] {
        let test = Test::new().with_spec().with_change(protected);
        let test = test.args(command).args(["tiny.toml", "--device", "cpu", "--results", "results"]).fails(1);
        test.stdout_is(str![""]).stderr_is(str![[r#"
error: cannot write results: Permission denied
  help: give yourself permission to write there, or choose another folder with --results

"#]]);
    }
}

/// The small experiment with its targets trained, and that of seed 0 changed.
fn with_target(change: impl FnOnce(&Path)) -> Test {
    let test = Test::new().with_spec().args(["train", "target", "tiny.toml", "--device", "cpu"]).succeeds().then();
    let target = TargetFolder::new(&test.folder.path().join("runs"), &test.spec().target.hash(), 0).target();
    test.with_change(|_| change(&target)).args(["run", "tiny.toml", "--device", "cpu", "--quiet"])
}

#[test]
fn a_target_of_another_size_is_refused() {
    let of_another_size = |target: &Path| {
        let tensors =
            [("embed".into(), Tensor::from_slice(&[1.0_f32])), ("bias".into(), Tensor::from_slice(&[1.0_f32]))];
        write_tensors(target, &tensors, &[]).unwrap();
    };
    with_target(of_another_size).fails(1).stdout_is(str![""]).stderr_is(str![[r#"
error: runs/targets/[..]-seed-0/target.safetensors is damaged: embed has the shape [1], not [5, 2]
  help: move the folder runs/targets/[..]-seed-0 away: the target is then trained again

"#]]);
}

#[test]
fn a_damaged_target_is_refused() {
    let flip_a_bit = |target: &Path| {
        let mut bytes = fs::read(target).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(target, bytes).unwrap();
    };
    with_target(flip_a_bit).fails(1).stdout_is(str![""]).stderr_is(str![[r#"
error: runs/targets/[..]-seed-0/target.safetensors is damaged: its content does not match its checksum
  help: move the folder runs/targets/[..]-seed-0 away: the target is then trained again

"#]]);
}

#[test]
fn check_refuses_a_damaged_target_like_run() {
    let test = with_target(|target| fs::write(target, "x").unwrap());
    let folder = test.fails(1);
    let [of_run, of_check] = [folder.stderr.clone(), {
        let checked = folder.then().args(["check", "tiny.toml", "--device=cpu"]).fails(1);
        checked.stderr
    }];
    assert_eq!(of_run, of_check);
    assert!(of_run.contains("is damaged"), "{of_run}");
}

#[test]
fn a_key_without_the_name_of_its_table_is_told_with_it() {
    Test::new().with_spec().args(["check", "tiny.toml", "--set", "steps=3"]).fails(2).stderr_is(str![[r#"
error: unknown key `steps` in the spec
 |
 | --set steps=3
 |       ^^^^^ did you mean `target.training.steps` or `decomposition.steps`?
 |
 = help: allowed here: format, name, seeds, target, method, decomposition, measurement, imported_components, sweep

error: 1 mistake in --set

"#]]);
    Test::new().with_spec().args(["check", "tiny.toml", "--seeds", "3"]).fails(2).stderr_is(str![[r#"
error: unexpected argument '--seeds' found

  tip: values of the spec are given with --set KEY=VALUE, as in --set seeds=3

Usage: apd check <SPEC>

For more information, try '--help'.

"#]]);
}

#[test]
fn a_damaged_target_that_was_moved_away_is_trained_again() {
    let test = with_target(|target| fs::remove_dir_all(target.parent().unwrap()).unwrap());
    assert!(test.succeeds().stdout.contains("2 replicas, finished"));
}

#[test]
fn an_experiment_too_large_for_the_machine_is_refused_before_anything_is_done() {
    let sizes = ["target.tms.features=100000", "method.apd.components=100000", "method.apd.rank=100000"];
    let huge = || ["tiny.toml"].into_iter().chain(sizes.iter().flat_map(|size| ["--set", size]));
    for command in ["run", "decompose", "check"] {
        let test = Test::new().with_spec().args([command, "--device", "cpu"]).args(huge()).fails(1);
        test.stdout_is(str![""]).stderr_is(str![[r#"
error: this needs about 32[..] TB of memory, and [..] are free
  help: use fewer seeds, components or features, or a smaller rank or batch; `apd check` tells what a spec needs

"#]]);
        assert!(!test.folder.path().join("runs").exists());
    }
    let batch = ["--set", "target.training.batch=10000000", "--set", "target.tms.features=100000"];
    let test = Test::new().with_spec().args(["train", "target", "tiny.toml", "--device", "cpu"]).args(batch).fails(1);
    test.stdout_is(str![""]).stderr_is(str![[r#"
error: this needs about 24.0 TB of memory, and [..] are free
  help: use fewer seeds, components or features, or a smaller rank or batch; `apd check` tells what a spec needs

"#]]);
}

#[test]
fn a_folder_that_is_no_run_has_no_report() {
    let test = Test::new().with_file("notes/a.txt", "").args(["report", "notes"]).fails(1);
    test.stdout_is(str![""]).stderr_is(str![[r#"
error: notes is neither the folder of a run nor that of a sweep: it holds no spec.toml and no sweep.toml
  help: give one of the folders in the results folder, which `apd list` lists

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
    for (signal, cause) in [
        ("INT", "by Ctrl-C"),
        ("TERM", "by SIGTERM"),
        ("HUP", "by SIGHUP"),
        ("USR1", "by SIGUSR1"),
        ("USR2", "by SIGUSR2"),
        ("XCPU", "by SIGXCPU, the limit of CPU time"),
        ("ALRM", "by SIGALRM"),
    ] {
        let running = test.start(long);
        running.wait_for_words("components: ");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("\nwarning: interrupted {cause} at step ")), "{}", ended.stderr);
        ended.stderr_ends_with(str![[r#"
components: interrupted, saving (Ctrl-C once more leaves at once)
warning: interrupted by [..] at step [..] of 100000000 (components); saved in runs/tiny-[..]
  help: go on with: [..]apd decompose tiny.toml --device cpu --threads 1 --set decomposition.steps=100000000

"#]]);
    }
}

#[test]
fn a_closing_terminal_ends_nothing_under_nohup() {
    let long = ["run", "tiny.toml", "--device", "cpu", "--threads", "1", "--set", "decomposition.steps=100000000"];
    let test = Test::new().with_spec();
    let running = test.start_without_hangup(long);
    running.wait_for_words("components: ");
    running.signal("HUP");
    running.signal("TERM");
    let ended = running.end();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nwarning: interrupted by SIGTERM at step "), "{}", ended.stderr);
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let test = Test::new().with_spec();
    let target = TargetFolder::new(&test.folder.path().join("runs"), &test.spec().target.hash(), 0);
    std::fs::create_dir_all(target.path()).unwrap();
    let _held = Lock::take(target.path()).unwrap();
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
