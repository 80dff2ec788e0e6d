//! What the trials of a sweep are: each once, with real numbers where its key takes them, and all of them long enough.

use std::{fs, path::Path};

use snapbox::str;

use super::{quick_sweep, refused, sweep_folder, with_sweep};

/// The lines of the plan about trials and keys.
fn planned(sweep: &str) -> String {
    let ended = with_sweep(sweep).args(quick_sweep(["--dry-run"])).succeeds();
    let is_wanted = |line: &&str| ["trials ", "key ", "halving "].iter().any(|word| line.starts_with(word));
    ended.stdout.lines().filter(is_wanted).map(|line| format!("{line}\n")).collect()
}

#[test]
fn equal_trials_are_made_once_and_counted() {
    let of_list = planned("[sweep.space]\ndecomposition.learning_rate = [0.01, 0.01, 0.02]\n");
    assert_eq!(
        of_list,
        "trials      2 of 2 seeds: 4 replicas in 1 pack; 1 of 3 equals an earlier one and is not made again\n\
         key         decomposition.learning_rate: 0.01, 0.02\n"
    );
    let of_both_kinds = planned("[sweep.space]\nmethod.apd.schatten_power = [1, 1.0]\n");
    assert!(of_both_kinds.starts_with("trials      1 of 2 seeds: 2 replicas in 1 pack; 1 of 2 equals "));
    let of_few = planned("[sweep]\nstrategy = { random = { trials = 16 } }\n[sweep.space]\nmethod.apd.rank = [1, 2]\n");
    assert!(
        of_few.contains("trials      2 of 2 seeds: 4 replicas in 2 packs; 14 of 16 equal earlier ones "),
        "{of_few}"
    );
}

const TWO_OF_THREE: &str = "[sweep]\nseeds = [3]\n[sweep.space]\ndecomposition.learning_rate = [0.01, 0.01, 0.02]\n";

/// Values, trials and replicas of the groups in `effects.csv`.
fn effects(folder: &Path) -> Vec<String> {
    let table = fs::read_to_string(sweep_folder(folder).join("effects.csv")).unwrap();
    table.lines().skip(1).map(|line| line.split(',').skip(1).take(3).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn effects_count_equal_trials_once() {
    let ended = with_sweep(TWO_OF_THREE).args(quick_sweep([])).succeeds();
    assert_eq!(effects(ended.folder.path()), ["0.01 1 1", "0.02 1 1"]);
}

#[test]
fn a_sweep_of_an_older_version_that_planned_equal_trials_keeps_its_plan_and_says_so() {
    let test = with_sweep(TWO_OF_THREE);
    // Only its plan: there is no Slurm.
    test.start_without_path(&quick_sweep(["--launcher=slurm"])).end();
    let plan = sweep_folder(test.folder.path()).join("plan.csv");
    let text = fs::read_to_string(&plan).unwrap();
    let [header, first, second] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    let repeated = first.replacen("0,", "1,", 1);
    fs::write(&plan, [header, first, &repeated, &second.replacen("1,", "2,", 1), ""].join("\n")).unwrap();
    let kept = fs::read(&plan).unwrap();
    let ended = test.args(quick_sweep([])).ends(0);
    let words = "3 replicas in 1 pack; 1 of them repeats an earlier one, as an older version planned\n";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let words =
        "\nequal       1 of the trials, as an older version planned; what the score depends on counts each once\n";
    assert!(ended.stdout.contains("trials      3 of 3 finished") && ended.stdout.contains(words), "{}", ended.stdout);
    assert_eq!(effects(ended.folder.path()), ["0.01 1 1", "0.02 1 1"]);
    assert_eq!(fs::read(&plan).unwrap(), kept);
}

#[test]
fn a_range_in_whole_numbers_means_real_ones_where_its_key_takes_real_ones() {
    let power = "method.apd.schatten_power = { from = 1, to = 2";
    let points =
        planned(&format!("[sweep.space]\n{power}, points = 3 }}\nmethod.apd.rank = {{ from = 1.0, to = 2.0 }}\n"));
    assert!(points.contains("key         method.apd.schatten_power: 1.0, 1.5, 2.0\n"), "{points}");
    assert!(points.contains("key         method.apd.rank: 1, 2\n"), "{points}");
    let drawn = planned(&format!("[sweep]\nstrategy = {{ sobol = {{ trials = 8 }} }}\n[sweep.space]\n{power} }}\n"));
    assert!(drawn.starts_with("trials      8 of 2 seeds: 16 replicas in 1 pack\nkey "), "{drawn}");
    refused(
        "[sweep.space]\nmethod.apd.schatten_power = { from = 1, to = 2 }\n",
        str![[r#"
error: `method.apd.schatten_power` takes real numbers, and a grid needs finitely many
  --> tiny.toml:34:29
   |
34 | method.apd.schatten_power = { from = 1, to = 2 }
   |                             ^^^^^^^^^^^^^^^^^^^^ give the range its `points`, list the values, or choose another `strategy`
   |
   = help: a sweep of an older version, which took this for whole numbers, is resumed with `apd sweep work SWEEP`

error: 1 mistake in tiny.toml

"#]],
    );
}

#[test]
fn a_grid_of_a_range_in_whole_numbers_and_one_without_points_is_refused() {
    let space = "[sweep.space]\nmethod.apd.rank = { from = 1.0, to = 2.0 }\ndecomposition.learning_rate = { from = 0.01, to = 0.5 }\n";
    let ended = with_sweep(space).args(quick_sweep(["--dry-run"])).fails(2);
    assert!(ended.stderr.contains("takes real numbers, and a grid needs finitely many\n"), "{}", ended.stderr);
}

#[test]
fn halving_that_begins_when_a_trial_has_ended_is_refused() {
    refused(
        "[sweep]\nhalving = { first = 2 }\n[sweep.space]\ndecomposition.learning_rate = [0.01, 0.02]\n",
        str![[r#"
error: halving must begin before a trial ends: `first` must be below `decomposition.steps`
  --> tiny.toml:34:21
   |
34 | halving = { first = 2 }
   |                     ^ the trials have 2 steps

error: 1 mistake in tiny.toml

"#]],
    );
    refused(
        "[sweep]\nhalving = { first = 100, factor = 2 }\n[sweep.space]\ndecomposition.steps = [300, 50]\n",
        str![[r#"
error: halving must begin before a trial ends: `first` must be below `decomposition.steps`
  --> tiny.toml:34:21
   |
34 | halving = { first = 100, factor = 2 }
   |                     ^^^ trial 1 has 50 steps

error: 1 mistake in tiny.toml

"#]],
    );
}

#[test]
fn the_plan_says_when_trials_end_for_each_number_of_steps_and_where_none_can() {
    let halving = "[sweep]\nhalving = { first = 10, factor = 2 }\n[sweep.space]\n";
    let two =
        planned(&format!("{halving}decomposition.steps = [30, 50]\ndecomposition.learning_rate = [0.01, 0.02]\n"));
    let line =
        "halving     after 10, 20 of 30 steps, after 10, 20, 40 of 50 steps the best 1 in 2 of each pack go on\n";
    assert!(two.contains(line), "{two}");
    let alone = planned(&format!("{halving}decomposition.steps = [30, 50]\n"));
    let line = "halving     no pack has a second trial to compare with, so all are trained to their end\n";
    assert!(alone.contains(line), "{alone}");
}
