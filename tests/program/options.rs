//! Options where they are not used, and before the command that uses them.

use crate::cli_test::Test;
use snapbox::str;

#[test]
fn an_option_that_a_command_does_not_use_is_refused_with_where_to_look() {
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
    let check = ["--device=cpu", "--set", "seeds=1", "-v", "check", "tiny.toml"];
    let checked = Test::new().with_spec().args(check).succeeds();
    assert!(checked.stdout.contains("\nreplicas    1 (seed 0)\n"), "{}", checked.stdout);
    let refused = Test::new().args(["--device=cpu", "sweep", "status", "x"]).fails(2);
    assert!(refused.stderr.contains("'apd sweep status' does not use --device: "), "{}", refused.stderr);
}
