//! Each command has the options that it uses, and no others: in its help, and where it is called.

use std::collections::BTreeSet;

use crate::cli_test::Test;
use snapbox::str;

/// The options of the groups that several commands have, by command.
const SHARED: [(&str, &[&str]); 17] = [
    ("run", &["set", "device", "threads", "results", "checkpoint-seconds", "force"]),
    ("decompose", &["set", "device", "threads", "results", "checkpoint-seconds", "force"]),
    ("train target", &["set", "device", "threads", "results", "checkpoint-seconds"]),
    ("sweep hyperparameters", &["set", "device", "threads", "results", "checkpoint-seconds", "force"]),
    ("sweep work", &["device", "threads", "results", "checkpoint-seconds"]),
    ("sweep status", &[]),
    ("check", &["set", "device", "threads", "results", "force"]),
    ("evaluate", &["device", "threads", "results"]),
    ("import target", &["set", "results"]),
    ("import components", &["set", "results", "force"]),
    ("list", &["results"]),
    ("report", &[]),
    ("diff", &[]),
    ("export png", &[]),
    ("export tensorboard", &[]),
    ("doctor", &["device", "results"]),
    ("completions", &[]),
];

/// Options that some command has, with a value.
const ALL: [(&str, &str); 6] = [
    ("set", "=seeds=3"),
    ("device", "=cpu"),
    ("threads", "=1"),
    ("results", "=x"),
    ("checkpoint-seconds", "=1"),
    ("force", ""),
];

#[test]
fn help_lists_the_options_that_a_command_uses() {
    for (command, options) in SHARED {
        let help = Test::new().args(command.split(' ')).args(["--help"]).succeeds().stdout;
        let listed = |option: &&str| {
            help.lines().any(|line| line.trim_start().split([' ', '=']).any(|word| word == format!("--{option}")))
        };
        let found: BTreeSet<&str> = ALL.iter().map(|(option, _)| *option).filter(listed).collect();
        assert_eq!(found, options.iter().copied().collect(), "apd {command}");
    }
}

#[test]
fn an_option_that_a_command_does_not_use_is_refused_with_where_to_look() {
    for (command, options) in SHARED {
        for (option, value) in ALL.iter().filter(|(option, _)| !options.contains(option)) {
            // Explained in words of its own.
            if (command, *option) == ("evaluate", "set") {
                continue;
            }
            let ended = Test::new().args(command.split(' ')).args(["x", "y", &format!("--{option}{value}")]).fails(2);
            let tip =
                format!("tip: 'apd {command}' does not use --{option}: 'apd {command} --help' tells what it does use");
            assert!(ended.stderr.contains(&tip), "apd {command} --{option}: {}", ended.stderr);
        }
    }
    Test::new().args(["list", "--set", "x=1", "--device", "cuda:9"]).fails(2).stdout_is(str![""]).stderr_is(str![[
        r#"
error: unexpected argument '--set' found

  tip: 'apd list' does not use --set: 'apd list --help' tells what it does use

Usage: apd list [OPTIONS]

For more information, try '--help'.

"#
    ]]);
}

#[test]
fn options_may_stand_before_the_command_that_uses_them() {
    Test::new().args(["--quiet", "--results", "mine", "list"]).succeeds().stdout_is(str![[r#"
There is no folder mine yet. [..]
...
"#]]);
    let checked =
        Test::new().with_spec().args(["--device=cpu", "--set", "seeds=1", "-v", "check", "tiny.toml"]).succeeds();
    assert!(checked.stdout.contains("\nreplicas    1 (seed 0)\n"), "{}", checked.stdout);
    let refused = Test::new().args(["--device=cpu", "list"]).fails(2);
    assert!(refused.stderr.contains("'apd list' does not use --device: "), "{}", refused.stderr);
}
