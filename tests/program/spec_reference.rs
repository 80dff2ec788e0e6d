//! `apd help spec`: what the readers of a spec say of its keys.

use crate::cli_test::Test;
use snapbox::{file, str};

#[test]
fn the_page_of_all_keys_is_what_the_readers_say() {
    let page = Test::new().args(["help", "spec", "--markdown"]).succeeds();
    page.stdout_is(file!["../../docs/spec.md"].raw()).stderr_is(str![""]);
}

#[test]
fn all_keys_are_told_in_80_columns() {
    let text = Test::new().args(["help", "spec"]).succeeds().stdout;
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 80, "a line of {longest} columns");
    for key in ["[target.tms]", "  hidden_kind ", "[sweep.slurm]", "  array_limit "] {
        assert!(text.contains(key), "{text}");
    }
}

#[test]
fn a_key_is_told_with_its_range_its_default_and_how_to_set_it() {
    Test::new().args(["help", "spec", "method.apd.columns"]).succeeds().stdout_is(str![[r#"
[method.apd]

  columns               What is demanded of the columns of the factors A.
                        One of these; default `"free"`. Without `[method]`:
                        `"unit_norm"`.
                          "free": Nothing.
                          "unit_norm": Length one: before each step they are
                            normalised, and of the gradient the part along each
                            column is dropped.

  Given as              --set method.apd.columns=free

"#]]);
}

#[test]
fn the_end_of_a_name_is_enough() {
    Test::new().args(["help", "spec", "warm_up"]).succeeds().stdout_is(str![[r#"
[target.training]

  warm_up               Share of the steps, the first ones, over which the
                        learning rate rises linearly from zero.
                        A number of at least 0 and below 1; default `0`.

[method.spd.persistent_adversary]

  warm_up               Share of the steps over which that rate rises linearly
                        from zero.
                        A number of at least 0 and below 1; default `0.025`.

[method.vpd.persistent_adversary]

  warm_up               Share of the steps over which that rate rises linearly
                        from zero.
                        A number of at least 0 and below 1; default `0.025`.

[decomposition]

  warm_up               Share of the steps, the first ones, over which the
                        learning rate rises linearly from zero.
                        A number of at least 0 and below 1; default `0`. Without
                        `[method]`: `0.01`.

"#]]);
}

#[test]
fn a_table_is_told_with_its_keys() {
    Test::new().args(["help", "spec", "[target.inputs.synced]"]).succeeds().stdout_is(str![[r#"
[target.inputs.synced]
Neighbouring features in groups of one size (the last may be smaller): those of
a group are active together, each group independently with one probability; an
active feature is uniform in [low, high).
In its place: [target.inputs.independent], [target.inputs.exactly],
[target.inputs.gated].

  group                 Number of features in a group.
                        An integer from 1 to 100_000; required, such as `2`.

  probability           Probability of a group to be active.
                        A number above 0 and at most 1; required, such as
                        `0.05`.

  low                   The least value of an active feature.
                        A number; default `0`.

  high                  Where the values of an active feature end; this one is
                        not among them.
                        A number; default `1`.

"#]]);
}

#[test]
fn an_unknown_key_is_told_with_the_one_that_may_be_meant() {
    let told = |key: &str| Test::new().args(["help", "spec", key]).fails(2).stderr;
    assert_eq!(
        told("method.apd.rnk"),
        "error: a spec has no key `method.apd.rnk`\n  help: did you mean `method.apd.rank`?\n"
    );
    assert_eq!(
        told("weight_dcay"),
        "error: a spec has no key `weight_dcay`\n  \
         help: did you mean `target.training.weight_decay` or `method.spd.faithfulness_warm_up.weight_decay` or \
         `method.vpd.faithfulness_warm_up.weight_decay` or `decomposition.weight_decay`?\n"
    );
    assert_eq!(
        told("no such\nkey"),
        "error: a spec has no key `no such\\nkey`\n  help: `apd help spec` tells all there are\n"
    );
}

#[test]
fn help_of_a_command_is_that_of_its_option() {
    let of_option = Test::new().args(["train", "target", "--help"]).succeeds().stdout;
    assert_eq!(Test::new().args(["help", "train", "target"]).succeeds().stdout, of_option);
    assert_eq!(Test::new().args(["train", "help", "target"]).succeeds().stdout, of_option);
    assert_eq!(Test::new().args(["help"]).succeeds().stdout, Test::new().args(["--help"]).succeeds().stdout);
}
