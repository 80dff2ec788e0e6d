//! Active components traded off against error, as users ask for it: `apd sweep hyperparameters SPEC --trade-off`.

use std::{fs, path::Path};

use snapbox::str;

use super::{quick_sweep, sweep_folder, trials, with_sweep};
use crate::cli_test::{Ended, Test};

fn trade_off(sweep: &str, more: &[&str]) -> Test {
    with_sweep(sweep).args(quick_sweep(["--trade-off"].iter().chain(more).copied()))
}

/// The columns of `trade_off.csv` by their names.
fn traded(folder: &Path, column: &str) -> Vec<String> {
    let table = fs::read_to_string(sweep_folder(folder).join("trade_off.csv")).unwrap();
    let mut rows = table.lines().map(|row| row.split(',').map(str::to_owned).collect::<Vec<_>>());
    let place = rows.next().unwrap().iter().position(|name| name == column).unwrap();
    rows.map(|row| row[place].clone()).collect()
}

fn report(ended: &Ended) -> Ended {
    let folder = sweep_folder(ended.folder.path()).display().to_string();
    ended.again().args(["report", &folder]).ends_in(
        |command| {
            command.env("COLUMNS", "80");
        },
        0,
    )
}

#[test]
fn the_fewest_active_components_within_the_error_are_recommended_and_another_error_needs_no_new_trials() {
    let ended = trade_off("", &["--largest-error=1000"]).succeeds();
    ended.stdout_is(str![[r#"
sweep       runs/tiny-sweep-[..]
trials      5 of 5 finished, 0 running, 0 waiting, 0 failed
replicas    10 measured, [..] of 10 recovered, 0 diverged
best so far trial 0: 0.25 active components, error [..]; method.apd.selection.batch_top_k.k = 0.25
time left   none

Recommended: trial 0, 0.25 active components, error [..]
  [..] of 2 recovered (Wilson 95 % interval [..] %), score [..]
  method.apd.selection.batch_top_k.k = 0.25
  as a spec: runs/tiny-sweep-[..]/recommended.toml

Active components against error, means over the seeds; D(0) is the error
without any component. Recommended (>) are the fewest active components with
an error of at most 1000.

   active     error  of D(0)  method.apd.selection.batch_top_k.k
>    0.25 [..] %  0.25
      0.5 [..] %  0.5
        1 [..] %  1.0
        2 [..] %  2.0
        4 [..] %  4.0

"#]]);
    let folder = ended.folder.path().to_owned();
    assert_eq!(traded(&folder, "value"), ["0.25", "0.5", "1.0", "2.0", "4.0"]);
    assert_eq!(traded(&folder, "mean_active"), traded(&folder, "value"), "k is how many are active");
    assert_eq!(traded(&folder, "recommended"), ["true", "false", "false", "false", "false"]);
    let number = |text: &String| text.parse::<f64>().unwrap();
    let errors: Vec<f64> = traded(&folder, "error").iter().map(number).collect();
    let table = trials(&folder);
    let place = table.lines().next().unwrap().split(',').position(|name| name == "minimality").unwrap();
    let of_seeds: Vec<f64> =
        table.lines().skip(1).take(2).map(|row| row.split(',').nth(place).unwrap().parse().unwrap()).collect();
    assert!((errors[0] - (of_seeds[0] + of_seeds[1]) / 2.0).abs() < 1e-9 * errors[0], "{table}");
    let recommended = fs::read_to_string(sweep_folder(&folder).join("recommended.toml")).unwrap();
    assert!(recommended.contains("\nk = 0.25\n"), "{recommended}");

    let made = report(&ended);
    for words in ["an error of at most 1000.", "Recommended: trial 0, 0.25 active components"] {
        let text = made.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{}", made.stdout);
    }
    assert!(made.stdout.lines().all(|line| line.chars().count() <= 80), "{}", made.stdout);
    let file = |name: &str| fs::read_to_string(sweep_folder(&folder).join("report").join(name)).unwrap();
    assert_eq!(file("trade_off_figure.csv").lines().count(), 1 + 5 * 2, "a point for every seed");
    assert!(file("trade_off.svg").contains(">largest error: 1000<") && file("trade_off.svg").contains(">4.0<"));
    assert!(file("report.md").contains("\n## Trade-off\n") && file("report.html").contains("id=\"trade_off_table\""));

    // The second smallest error, so that another value keeps to it.
    let mut sorted = errors.clone();
    sorted.sort_by(f64::total_cmp);
    let again = made.then().args(quick_sweep(["--trade-off", &format!("--largest-error={}", sorted[1])])).ends(0);
    assert!(!again.stderr.contains("pack 0 of"), "trained anew: {}", again.stderr);
    assert_eq!(trials(&folder), table);
    let is_within = |place: &usize| errors[*place] <= sorted[1];
    let expected = (0..5).find(is_within).unwrap();
    assert_eq!(traded(&folder, "recommended").iter().position(|cell| cell == "true"), Some(expected));
}

#[test]
fn where_no_value_keeps_to_the_error_the_least_is_named_and_nothing_is_recommended() {
    let ended = trade_off("", &["--largest-error=1e-12", "--set=method.apd.components=2"]).fails(1);
    ended.stderr_ends_with(str![[r#"
error: no value of method.apd.selection.batch_top_k.k has an error of at most 1e-12: nothing is recommended
  least: trial [..], method.apd.selection.batch_top_k.k = [..]: [..] active components, error [..]
  help: accept a larger error with --largest-error, train for more steps, or list other values in `[sweep.space]`

"#]]);
    assert!(ended.stdout.contains("best so far none\n") && ended.stdout.contains("   active     error  of D(0)  "));
    assert!(!sweep_folder(ended.folder.path()).join("recommended.toml").exists());
    assert_eq!(traded(ended.folder.path(), "value"), ["0.25", "0.5", "1.0", "1.4", "2.0"], "k up to two components");
    let said = report(&ended).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let words =
        " No value of method.apd.selection.batch_top_k.k has an error of at most 1e-12: nothing is recommended. ";
    assert!(said.contains(words), "{said}");
}

#[test]
fn the_plan_of_a_trade_off_keeps_the_rest_of_the_sweep_and_the_values_that_it_names() {
    let planned = |sweep: &str, more: &[&str]| {
        let ended = trade_off(sweep, &[&["--dry-run"], more].concat()).succeeds();
        let is_wanted = |line: &&str| ["trials ", "trade-off ", "key "].iter().any(|word| line.starts_with(word));
        ended.stdout.lines().filter(is_wanted).map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(
        planned("[sweep]\nseeds = 3\n", &["--set=method.apd.selection.batch_top_k.k=0.8"]),
        "trials      5 of 3 seeds: 15 replicas in 1 pack\n\
         trade-off   the fewest active components with an error of at most a tenth of that without any \
         component\n\
         key         method.apd.selection.batch_top_k.k: 0.2, 0.4, 0.8, 1.6, 3.2\n"
    );
    let named =
        "[sweep.trade_off]\nlargest_error = 0.5\n[sweep.space]\nmethod.apd.selection.batch_top_k.k = [0.5, 3]\n";
    let expected = "trials      2 of 2 seeds: 4 replicas in 1 pack\n\
                    trade-off   the fewest active components with an error of at most 0.5\n\
                    key         method.apd.selection.batch_top_k.k: 0.5, 3\n";
    assert_eq!(planned(named, &[]), expected);
    let ended = with_sweep(named).args(quick_sweep(["--dry-run"])).succeeds();
    assert!(ended.stdout.contains("at most 0.5\n"), "without the option too: {}", ended.stdout);
}

fn refused(sweep: &str, more: &[&str], expected: snapbox::data::Inline) {
    trade_off(sweep, &[&["--dry-run"], more].concat()).fails(2).stderr_is(expected);
}

#[test]
fn what_contradicts_a_trade_off_is_refused() {
    refused(
        "[sweep.space]\n\"method.apd.rank\" = [1, 2]\n",
        &[],
        str![[r#"
error: a trade-off varies `method.apd.selection.batch_top_k.k` alone
  --> tiny.toml:34:1
   |
34 | "method.apd.rank" = [1, 2]
   | ^^^^^^^^^^^^^^^^^ remove this, or sweep without a trade-off

error: 1 mistake in tiny.toml

"#]],
    );
    refused(
        "[sweep]\nstrategy = { sobol = { trials = 8 } }\nhalving = { first = 1 }\n",
        &[],
        str![[r#"
error: a trade-off tries every value of its one key, so `strategy` must be "grid"
  --> tiny.toml:34:12
   |
34 | strategy = { sobol = { trials = 8 } }
   |            ^^^^^^^^^^^^^^^^^^^^^^^^^^ this draws values

error: a trade-off compares trials that are trained to their end, so it has no `halving`
  --> tiny.toml:35:11
   |
35 | halving = { first = 1 }
   |           ^^^^^^^^^^^^^ remove this

error: 2 mistakes in tiny.toml

"#]],
    );
    refused(
        "",
        &["--set=method.apd.selection.lp.power=0.9"],
        str![[r#"
error: a trade-off counts active components, and the L_p form selects none
 |
 | --set method.apd.selection.lp.power=0.9
 |                            ^^ choose `batch_top_k` or `sample_top_k`

error: 1 mistake in --set

"#]],
    );
    refused(
        "",
        &["--largest-error=-1"],
        str![[r#"
error: invalid value '-1' for '--largest-error <E>': an error must be a number above 0, such as 0.001

For more information, try '--help'.

"#]],
    );
    with_sweep("").args(quick_sweep(["--largest-error=1"])).fails(2).stderr_is(str![[r#"
error: the following required arguments were not provided:
  --trade-off

Usage: apd sweep hyperparameters --trade-off --device <DEVICE> --threads <N> --largest-error <E> <SPEC>

For more information, try '--help'.

"#]]);
}

#[test]
fn the_coefficient_of_importance_is_traded_off_unless_it_moves() {
    const SPD: &str = include_str!("../../../experiments/tms_5-2_spd.toml");
    let test = |more: &[&str]| {
        let command = ["sweep", "hyperparameters", "spd.toml", "--trade-off", "--dry-run", "--launcher=slurm"];
        Test::new().with_file("spd.toml", SPD).args(command.iter().chain(more))
    };
    let ended = test(&["--set=method.spd.coefficients.importance=0.002"]).succeeds();
    let key = "key         method.spd.coefficients.importance: 0.0002, 0.00063, 0.002, 0.0063, 0.02\n";
    assert!(ended.stdout.contains(key), "{}", ended.stdout);
    test(&["--set=method.spd.coefficients.importance={start=0.001, final=0.003}"]).fails(2).stderr_is(str![[r#"
error: a trade-off varies one number, and `coefficients.importance` moves over the training
 |
 | --set method.spd.coefficients.importance={start=0.001, final=0.003}
 |                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^ give it one number

error: 1 mistake in --set

"#]]);
}
