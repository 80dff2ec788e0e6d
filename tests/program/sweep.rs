//! `apd sweep` as its users meet it: the plan, the folders, what is left after a kill, and several processes on one sweep.

mod equal;
mod shortfall;
mod slurm;
mod trade_off;
mod unreadable;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::cli_test::{Ended, Test, files_in, is_about_the_process};
use apd::run::{Machine, Provenance};
use snapbox::{file, str};

/// Four trials of two shapes, so two packs, each of two trials with two seeds.
const SWEEP: &str = "
[sweep]
seeds = [3, 4]

[sweep.space]
\"method.apd.coefficients.simplicity\" = { from = 0.01, to = 1.0, points = 2, scale = \"log\" }
method.apd.rank = [1, 2]
";

const SHORT: [&str; 6] = [
    "--device=cpu",
    "--threads=1",
    "--set=target.training.steps=50",
    "--set=decomposition.steps=300",
    "--set=decomposition.batch=64",
    "--set=measurement.samples=10000",
];

fn test() -> Test {
    with_sweep(SWEEP)
}

fn with_sweep(sweep: &str) -> Test {
    let test = Test::new().with_spec();
    let spec = fs::read_to_string(test.folder.path().join("tiny.toml")).unwrap();
    test.with_file("tiny.toml", spec + sweep)
}

fn sweep<'a>(more: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    ["sweep", "hyperparameters", "tiny.toml"].into_iter().chain(SHORT).chain(more).map(String::from).collect()
}

/// The same with the few steps of the small experiment as it is.
fn quick_sweep<'a>(more: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let words = ["sweep", "hyperparameters", "tiny.toml", "--device=cpu", "--threads=1"];
    words.into_iter().chain(more).map(String::from).collect()
}

fn sweep_folder(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("-sweep-")).max().expect("a sweep's folder")
}

/// Everything that must not depend on when and by whom the trials were run.
fn results(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files_in(&sweep_folder(folder));
    files.retain(|path, _| !is_about_the_process(path) && !path.ends_with("seconds.csv"));
    files
}

fn trials(folder: &Path) -> String {
    fs::read_to_string(sweep_folder(folder).join("trials.csv")).unwrap()
}

fn swept() -> Ended {
    test().args(sweep([])).succeeds()
}

#[test]
fn help_tells_how_to_go_on() {
    let help = |command: &str| Test::new().args(["sweep", command, "--help"]).succeeds();
    help("hyperparameters").stdout_is(file!["help/sweep_hyperparameters.txt"].raw());
    help("work").stdout_is(file!["help/sweep_work.txt"].raw());
    help("status").stdout_is(file!["help/sweep_status.txt"].raw());
}

#[test]
fn a_dry_run_shows_the_plan_and_makes_nothing() {
    let ended = test().args(sweep(["--dry-run"])).succeeds();
    ended.stderr_is(str![""]).stdout_is(str![[r#"
sweep       tiny
trials      4 of 2 seeds: 8 replicas in 2 packs
key         method.apd.coefficients.simplicity: 0.01, 1.0
key         method.apd.rank: 1, 2
pack        0: 2 trials, 4 replicas, 300 steps
pack        1: 2 trials, 4 replicas, 300 steps
memory      about 1 MB for the largest pack, beside libtorch itself
time        about [..] on 1 thread (targets, components, measurements), from a few steps
folder      runs/tiny-sweep-[..]

"#]]);
    assert!(!ended.folder.path().join("runs").exists());
}

#[test]
fn a_dry_run_of_a_halving_sweep_says_when_trials_end() {
    let ended = with_sweep(HALVING).args(sweep(["--dry-run"])).succeeds();
    let line = "halving     after 100, 200 steps the best 1 in 2 of each pack go on\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
}

#[test]
fn a_sweep_leaves_a_row_a_seed_and_a_run_folder_a_trial() {
    let ended = swept();
    ended.stdout_is(str![[r#"
sweep       runs/tiny-sweep-[..]
trials      4 of 4 finished, 0 running, 0 waiting, 0 failed
replicas    8 measured, [..] of 8 recovered, 0 diverged
best so far trial [..]: [..] of 2 recovered (Wilson 95 % interval [..] %), score [..] ± [..]; method.apd.coefficients.simplicity = [..], method.apd.rank = [..]
time left   none

Recommended: trial [..], [..] of 2 recovered (Wilson 95 % interval [..] %), score [..] ± [..]
  method.apd.coefficients.simplicity = [..]
  method.apd.rank = [..]
  as a spec: runs/tiny-sweep-[..]/recommended.toml

What the score depends on, key by key. Effect: the largest mean score of a value
less the smallest; rank: Spearman's correlation of score and value.

  effect  rank  key, mean scores
  [..] method.apd.[..]
                [..]  [..]
                [..]  [..]
  [..] method.apd.[..]
                [..]  [..]
                [..]  [..]

"#]]);
    let folder = sweep_folder(ended.folder.path());
    let plan = fs::read_to_string(folder.join("plan.csv")).unwrap();
    let columns = |table: &str, count: usize| -> Vec<String> {
        table.lines().map(|line| line.split(',').take(count).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(columns(&plan, 2), ["trial,pack", "0,0", "1,1", "2,0", "3,1"]);
    assert_eq!(
        columns(&trials(ended.folder.path()), 5),
        [
            "trial,seed,method.apd.coefficients.simplicity,method.apd.rank,status",
            "0,3,0.01,1,finished",
            "0,4,0.01,1,finished",
            "1,3,0.01,2,finished",
            "1,4,0.01,2,finished",
            "2,3,1.0,1,finished",
            "2,4,1.0,1,finished",
            "3,3,1.0,2,finished",
            "3,4,1.0,2,finished",
        ]
    );
    assert!(!folder.join("packs/0000/checkpoint").exists());
    let trial = |number: usize| folder.join(format!("trials/{number:04}")).display().to_string();
    let list = ended.then().args(["list", "--results", &format!("{}/trials", folder.display())]).succeeds();
    assert_eq!(list.stdout.matches("finished").count(), 4, "{}", list.stdout);
    let report = list.then().args(["report", &trial(0), &trial(1)]).succeeds();
    assert!(report.stdout.contains("recovered"), "{}", report.stdout);
    let report = report.then().args(["report", &folder.display().to_string()]).succeeds();
    assert!(report.stdout.contains("\nAll 4 trials have ended.\nOf 8 replicas: "), "{}", report.stdout);
    let page = fs::read_to_string(folder.join("report/report.html")).unwrap();
    let leads_to = |trial: usize| page.contains(&format!("href=\"../trials/{trial:04}/report/report.html\""));
    assert_eq!([0, 1, 2, 3].map(leads_to), [true, true, false, false]);
    assert!(page.contains("href=\"../recommended.toml\""));
    let diff = report.then().args(["diff", &trial(0), &trial(1)]).succeeds();
    assert!(diff.stdout.contains("method.apd.rank"), "{}", diff.stdout);
    diff.then().args(["evaluate", &trial(2), "--device=cpu", "--threads=1"]).succeeds();
}

/// The numbers of a trial do not depend on those beside it.
#[test]
fn a_trial_is_the_run_of_its_spec() {
    is_the_run_of_its_spec(swept(), "trials/0003");
}

fn is_the_run_of_its_spec(ended: Ended, trial: &str) {
    let trial = sweep_folder(ended.folder.path()).join(trial);
    let spec = trial.join("spec.toml").display().to_string();
    let alone = ended.then().args(["decompose", &spec, "--device=cpu", "--threads=1"]).succeeds();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let run = fs::read_dir(alone.folder.path().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let run = run.filter(|path| name(path).starts_with("tiny-") && !name(path).contains("sweep")).max().unwrap();
    for table in ["summary.csv", "training.csv", "components.safetensors"] {
        assert!(fs::read(run.join(table)).unwrap() == fs::read(trial.join(table)).unwrap(), "{table} differs");
    }
}

/// Killed when it says such words, a sweep goes on and leaves what it leaves otherwise.
fn survives_kills(spec: &str, moments: [&str; 3]) {
    let whole = with_sweep(spec).args(sweep([])).succeeds();
    for words in moments {
        let test = with_sweep(spec);
        let command = sweep(["--checkpoint-seconds=0"]);
        let running = test.start_with(&command);
        running.wait_for_words(words);
        running.signal("KILL");
        running.end();
        let ended = test.args(command).ends(0);
        assert!(results(ended.folder.path()) == results(whole.folder.path()), "killed at {words:?}, it ends otherwise");
    }
}

#[test]
#[ignore = "half a minute: scripts/test --all"]
fn a_killed_sweep_goes_on_and_ends_as_if_nothing_had_been() {
    survives_kills(SWEEP, ["components: 300", "measuring", "pack 1"]);
}

/// One of two packs asks for more memory than there is; libtorch's answer is an exception.
#[test]
fn a_pack_without_enough_memory_fails_alone() {
    const BATCHES: &str = "[sweep]\nseeds = [3]\n[sweep.space]\ndecomposition.batch = [10_000_000, 64]\n";
    let test = with_sweep(BATCHES);
    let set = SHORT.into_iter().filter(|word| !word.contains("decomposition.batch"));
    let plan = ["sweep", "hyperparameters", "tiny.toml", "--launcher=slurm"].into_iter().chain(set);
    // Only its plan: there is no Slurm.
    test.start_without_path(&plan.map(String::from).collect::<Vec<_>>()).end();
    let folder = sweep_folder(test.folder.path()).display().to_string();
    let ended = test.args(["sweep", "work", &folder, "--device=cpu", "--threads=1"]).ends_within(2_000_000_000, 1);
    assert!(ended.stderr.contains("warning: pack 0 failed: not enough memory\n"), "{}", ended.stderr);
    let status = ended.then().args(["sweep", "status", &folder]).ends(0);
    let standing = "trials      1 of 2 finished, 0 running, 0 waiting, 1 failed\n";
    assert!(status.stdout.contains(standing), "{}", status.stdout);
    assert!(status.stdout.contains("\nfailed      trial 0: not enough memory\n"), "{}", status.stdout);
}

#[test]
fn an_interrupted_sweep_says_how_to_go_on() {
    let test = test();
    let mut command = sweep([]);
    command.push("--set=decomposition.steps=20000".into());
    let running = test.start_with(&command);
    running.wait_for_words("components: 20000");
    running.signal("TERM");
    let left = running.end();
    assert_eq!(left.code, Some(3), "{}", left.stderr);
    assert!(left.stderr.contains("help: go on with: "), "{}", left.stderr);
}

#[test]
fn several_processes_do_everything_once_and_leave_the_same() {
    let whole = swept();
    let ended = test().args(sweep(["--workers=2"])).succeeds();
    assert!(results(ended.folder.path()) == results(whole.folder.path()), "two workers end otherwise");

    let first = test().args(sweep(["--shard=1/2"])).succeeds();
    assert_eq!(trials(first.folder.path()).lines().count(), 5, "one of two packs");
    let folder = sweep_folder(first.folder.path()).display().to_string();
    let ended = first.then().args(["sweep", "work", &folder, "--shard=0/2", "--device=cpu", "--threads=1"]).ends(0);
    assert!(results(ended.folder.path()) == results(whole.folder.path()), "two shards end otherwise");
}

#[test]
fn a_second_process_on_one_sweep_is_refused() {
    let test = test();
    let command = sweep(["--set=decomposition.steps=100000"]);
    let running = test.start_with(&command);
    running.wait_for_words("components: 100000");
    let second = test.start_with(&command).end();
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(second.stderr.contains("is in use by process"), "{}", second.stderr);
    running.signal("KILL");
}

/// Of two trials trained together, the second of which diverges.
const DIVERGING: &str = "
[sweep]
seeds = [3, 4]
[sweep.space]
decomposition.learning_rate = [0.01, 1000000.0]
";

#[test]
fn a_trial_that_diverges_is_told_and_leaves_the_one_beside_it_as_it_is_alone() {
    let ended = with_sweep(DIVERGING).args(sweep([])).succeeds();
    ended.stdout_is(str![[r#"
sweep       runs/tiny-sweep-[..]
trials      2 of 2 finished, 0 running, 0 waiting, 0 failed
replicas    2 measured, [..] of 4 recovered, 2 diverged
best so far trial 0: [..]
time left   none
diverged    trial 1: seed 3 ([..] at step [..]), seed 4 ([..] at step [..])

Recommended: trial 0, [..] of 2 recovered (Wilson 95 % interval [..] %), score [..] ± [..]
  decomposition.learning_rate = 0.01
  as a spec: runs/tiny-sweep-[..]/recommended.toml

What the score depends on, key by key. Effect: the largest mean score of a value
less the smallest; rank: Spearman's correlation of score and value.

  effect  rank  key, mean scores
  [..] -1.00  decomposition.learning_rate
                 [..]  0.01
                [..]  1000000.0

"#]]);
    let rows = trials(ended.folder.path());
    let cells: Vec<Vec<&str>> = rows.lines().map(|row| row.split(',').collect()).collect();
    let column = |name: &str| -> Vec<&str> {
        let place = cells[0].iter().position(|column| *column == name).unwrap();
        cells[1..].iter().map(|row| row[place]).collect()
    };
    let scores = column("score");
    assert_eq!(scores[2..], [""; 2]);
    let worst = scores[..2].iter().map(|score| score.parse().unwrap()).fold(0.0, f64::min);
    let counted = format!("{worst:>21.2}  1000000.0\n");
    assert!(ended.stdout.contains(&counted), "they count as the worst, or 0 if that is less: {}", ended.stdout);
    let (status, steps, reasons) = (column("status"), column("diverged_at"), column("diverged_in"));
    assert_eq!((&status[..2], &steps[..2], &reasons[..2]), (&["finished"; 2][..], &[""; 2][..], &[""; 2][..]));
    for replica in 2..4 {
        assert_eq!(status[replica], format!("diverged: {} at step {}", reasons[replica], steps[replica]));
        assert!(steps[replica].parse::<u64>().unwrap() < 300 && !reasons[replica].is_empty(), "{rows}");
    }
    assert_eq!(column("recovered")[2..], ["false"; 2]);
    assert!(column("minimality")[..2].iter().all(|cell| cell.parse::<f64>().unwrap().is_finite()));
    assert_eq!(column("minimality")[2..], [""; 2]);
    is_the_run_of_its_spec(ended, "trials/0000");
}

/// Four trials of one pack, two of which hardly learn: after 100 of 300 steps two go on, after 200 one.
const HALVING: &str = "
[sweep]
seeds = [3]
halving = { first = 100, factor = 2 }
[sweep.space]
decomposition.learning_rate = [1e-9, 0.01, 0.02, 1e-8]
";

/// The status of each trial.
fn statuses(folder: &Path) -> Vec<String> {
    let status = |row: &str| row.split(',').nth(3).unwrap().to_string();
    trials(folder).lines().skip(1).map(status).collect()
}

#[test]
fn trials_that_are_behind_end_early_and_the_last_one_is_the_run_of_its_spec() {
    let ended = with_sweep(HALVING).args(sweep([])).succeeds();
    let statuses = statuses(ended.folder.path());
    assert_eq!([&statuses[0], &statuses[3]], ["halted at step 100"; 2]);
    let mut best = [statuses[1].as_str(), &statuses[2]];
    best.sort_unstable();
    assert_eq!(best, ["finished", "halted at step 200"]);
    let finished = statuses.iter().position(|status| status == "finished").unwrap();
    let said = format!("\nRecommended: trial {finished}, ");
    assert!(ended.stdout.contains(&said) && ended.stdout.contains(", 3 halted\n"), "{}", ended.stdout);
    let folder = sweep_folder(ended.folder.path());
    let summary = |trial: usize| fs::read_to_string(folder.join(format!("trials/{trial:04}/summary.csv"))).unwrap();
    let remark = "its training was ended after 100 of 300 steps, because other trials were ahead";
    assert!(summary(0).contains(remark) && !summary(finished).contains("was ended"), "{}", summary(0));
    // Measured again, it is still known.
    let trial = folder.join("trials/0000").display().to_string();
    let again = ended.then().args(["evaluate", &trial, "--device=cpu", "--threads=1"]).succeeds();
    assert!(fs::read_to_string(folder.join("trials/0000/summary.csv")).unwrap().contains(remark));
    is_the_run_of_its_spec(again, &format!("trials/{finished:04}"));
}

#[test]
#[ignore = "half a minute: scripts/test --all"]
fn a_halving_sweep_that_is_killed_goes_on_and_ends_as_if_nothing_had_been() {
    survives_kills(HALVING, ["components: 300", "after 100 steps", "after 200 steps"]);
}

#[test]
fn a_sweep_whose_time_is_over_saves_says_what_is_best_so_far_and_goes_on_later() {
    let whole = swept();
    let one_pack = test().args(sweep(["--shard=0/2"])).succeeds();
    let left = one_pack.then().args(sweep(["--set=sweep.minutes=0.00001"])).ends(3);
    assert!(left.stderr.contains("help: go on with: "), "{}", left.stderr);
    assert!(left.stdout.contains("\nRecommended so far, with 2 of 4 trials to go: trial "), "{}", left.stdout);
    let ended = left.then().args(sweep(["--set=sweep.minutes=1000"])).ends(0);
    assert!(results(ended.folder.path()) == results(whole.folder.path()), "it ends otherwise");
}

#[test]
fn an_ended_sweep_says_what_its_outcome_depends_on_and_its_best_trial_is_a_spec() {
    let ended = swept();
    let folder = sweep_folder(ended.folder.path());
    let table = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (trials, effects, sensitivity) = (table("trials.csv"), table("effects.csv"), table("sensitivity.csv"));
    let rows = |table: &str| -> Vec<Vec<String>> {
        table.lines().skip(1).map(|line| line.split(',').map(str::to_string).collect()).collect()
    };
    let header = |table: &str| table.lines().next().unwrap().split(',').map(str::to_string).collect::<Vec<_>>();
    let score = |row: &[String]| row[5].parse::<f64>().unwrap();
    let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
    // Trial and seed, simplicity, rank, status, score.
    for (key, place) in [("method.apd.coefficients.simplicity", 2), ("method.apd.rank", 3)] {
        let of_key: Vec<_> = rows(&effects).into_iter().filter(|row| row[0] == key).collect();
        assert_eq!(of_key.len(), 2, "{effects}");
        for effect in &of_key {
            let of_value = rows(&trials).into_iter().filter(|row| row[place] == effect[1]);
            let expected = mean(of_value.map(|row| score(&row)).collect());
            assert!((score(effect) - expected).abs() < 1e-9, "{effects} of {trials}");
            assert_eq!((effect[2].as_str(), effect[3].as_str()), ("2", "4"), "trials and replicas: {effects}");
        }
        let of_key = rows(&sensitivity).into_iter().find(|row| row[0] == key).unwrap();
        let difference = of_key[1].parse::<f64>().unwrap();
        let scores: Vec<f64> = rows(&effects).iter().filter(|row| row[0] == key).map(|row| score(row)).collect();
        assert!((difference - (scores[0] - scores[1]).abs()).abs() < 1e-9, "{sensitivity} of {effects}");
    }
    let recommended = folder.join("recommended.toml").display().to_string();
    let check = ended.then().args(["check", &recommended]).succeeds();
    // Its run folder is named after the hash of its spec, which the plan gives of every trial.
    let folder = check.stdout.lines().find_map(|line| line.strip_prefix("run folder  runs/tiny-")).unwrap();
    let hash = folder.trim_end_matches(" (new)");
    let recommended = rows(&table("plan.csv")).into_iter().find(|row| row[2].starts_with(hash)).unwrap();
    let recovered = header(&trials).iter().position(|column| *column == "recovered").unwrap();
    let merit = |trial: usize| {
        let of_trial: Vec<_> = rows(&trials).into_iter().filter(|row| row[0] == trial.to_string()).collect();
        let share = of_trial.iter().filter(|row| row[recovered] == "true").count();
        (share, mean(of_trial.iter().map(|row| score(row)).collect()))
    };
    let best = (0..4).max_by(|&one, &other| merit(one).partial_cmp(&merit(other)).unwrap()).unwrap();
    assert_eq!(recommended[0], best.to_string(), "{trials}");
}

#[test]
fn a_sweep_interrupted_after_a_trial_has_diverged_goes_on_without_it_and_ends_as_if_nothing_had_been() {
    let command = sweep(["--set=decomposition.steps=4000"]);
    let whole = with_sweep(DIVERGING).args(&command).succeeds();
    let test = with_sweep(DIVERGING);
    let running = test.start_with(&command);
    running.wait_for_words("warning: trial 1, seed 4 has diverged at step ");
    running.signal("TERM");
    let left = running.end();
    assert_eq!(left.code, Some(3), "{}", left.stderr);
    let ended = test.args(command).ends(0);
    assert!(!ended.stderr.contains("has diverged"), "it is known already: {}", ended.stderr);
    assert!(results(ended.folder.path()) == results(whole.folder.path()), "it ends otherwise");
}

#[test]
fn a_failed_trial_is_left_until_it_is_to_be_tried_again() {
    let ended = swept();
    let folder = sweep_folder(ended.folder.path());
    let provenance = folder.join("trials/0001/provenance.json");
    Provenance::begin(&provenance, Machine::new("cpu", 1), None).unwrap().fail("no room").unwrap();
    let whole = results(ended.folder.path());
    let again = ended.then().args(sweep([])).ends(0);
    again.stdout_is(str![[r#"
sweep       runs/tiny-sweep-[..]
trials      3 of 4 finished, 0 running, 0 waiting, 1 failed
replicas    6 measured, [..] of 6 recovered, 0 diverged
best so far [..]
time left   none
failed      trial 1: no room
            try them again with --retry-failed

Recommended: trial [..]
...

"#]]);
    assert!(trials(again.folder.path()).contains("1,3,0.01,2,failed,,"));
    let retried = again.then().args(sweep(["--retry-failed"])).ends(0);
    assert!(results(retried.folder.path()) == whole, "tried again, it ends otherwise");
}

#[test]
fn a_spec_without_a_sweep_is_answered_with_one() {
    Test::new().with_spec().args(["sweep", "hyperparameters", "tiny.toml"]).fails(2).stderr_is(str![[r#"
error: tiny.toml has no `[sweep]`
 |
 = help: add one that names the keys to vary, for example:
         [sweep.space]
         "method.apd.coefficients.simplicity" = { from = 0.1, to = 10.0, points = 5, scale = "log" }

"#]]);
}

#[test]
fn other_commands_leave_the_sweep_out_and_say_so() {
    let ended = test().args(["check", "tiny.toml"]).succeeds();
    ended.stderr_is(str![[r#"
this is about the experiment without its `[sweep]`, which is for `apd sweep hyperparameters`

"#]]);
}

#[test]
fn a_folder_that_is_no_sweep_is_refused() {
    let test = Test::new().with_file("x/spec.toml", "").args(["sweep", "status", "x"]).fails(1);
    test.stderr_is(str![[r#"
error: x is not the folder of a sweep: it is a run
  help: give the folder of a sweep, which `apd sweep hyperparameters` names when it begins

"#]]);
}

/// What a wrong `[sweep]` is answered with.
fn refused(sweep: &str, expected: snapbox::data::Inline) {
    with_sweep(sweep).args(["sweep", "hyperparameters", "tiny.toml", "--dry-run"]).fails(2).stderr_is(expected);
}

#[test]
fn a_wrong_value_is_shown_in_the_space() {
    refused(
        "[sweep.space]\n\"method.apd.rank\" = [1, 0]\n",
        str![[r#"
error: `rank` must be an integer from 1 to 100_000
  --> tiny.toml:34:25
   |
34 | "method.apd.rank" = [1, 0]
   |                         ^ this is 0
   |
   = help: in trial 1: method.apd.rank = 0

error: 1 mistake in tiny.toml

"#]],
    );
}

#[test]
fn an_unknown_key_is_shown_in_the_space_with_the_nearest() {
    refused(
        "[sweep.space]\n\"method.apd.rnk\" = [1, 2]\n",
        str![[r#"
error: unknown key `rnk` in `[method.apd]`
  --> tiny.toml:34:1
   |
34 | "method.apd.rnk" = [1, 2]
   | ^^^^^^^^^^^^^^^^ did you mean `rank`?
   |
   = help: allowed here: components, rank, schatten_power, rank_growth, simplicity_rise, simplicity_fade, activity_floor, attribution, attributions_at, columns, last_component, coefficients, initial_values, selection
   = help: in trial 0: method.apd.rnk = 1

error: 1 mistake in tiny.toml

"#]],
    );
}

#[test]
fn what_cannot_be_varied_is_told_with_what_can() {
    refused(
        "[sweep]\nstrategi = \"grid\"\n[sweep.space]\nseeds = [1, 2]\nmethod.apd.rank = 3\nmethod.apd.components = []\n\
         decomposition.learning_rate = { from = 0.1, to = 0.01 }\ndecomposition.warm_up = { from = 0, to = 0.5, pints = 3 }\n",
        str![[r#"
error: unknown key `strategi` in `[sweep]`
  --> tiny.toml:34:1
   |
34 | strategi = "grid"
   | ^^^^^^^^ did you mean `strategy`?
   |
   = help: allowed here: trade_off, strategy, seeds, replicas_per_pack, halving, minutes, space, slurm

error: `seeds` cannot be varied
  --> tiny.toml:36:1
   |
36 | seeds = [1, 2]
   | ^^^^^ give the seeds of every trial as `sweep.seeds`

error: `method.apd.rank` must have a list of values, or a range { from = .., to = .. }
  --> tiny.toml:37:19
   |
37 | method.apd.rank = 3
   |                   ^ this is 3

error: `method.apd.components` lists no value
  --> tiny.toml:38:25
   |
38 | method.apd.components = []
   |                         ^^ nothing to try

error: `from` must be below `to`
  --> tiny.toml:39:40
   |
39 | decomposition.learning_rate = { from = 0.1, to = 0.01 }
   |                                        ^^^ `to` is 0.01

error: unknown key `pints` in `[sweep.space.decomposition.warm_up]`
  --> tiny.toml:40:47
   |
40 | decomposition.warm_up = { from = 0, to = 0.5, pints = 3 }
   |                                               ^^^^^ did you mean `points`?
   |
   = help: allowed here: from, to, points, scale

error: 6 mistakes in tiny.toml

"#]],
    );
}

#[test]
fn a_grid_needs_points() {
    refused(
        "[sweep.space]\ndecomposition.learning_rate = { from = 0.01, to = 0.1 }\n",
        str![[r#"
error: a grid needs finitely many values
  --> tiny.toml:33:1
   |
33 | [sweep.space]
   | ^^^^^^^^^^^^^ give each range its `points`, or choose another `strategy`

error: 1 mistake in tiny.toml

"#]],
    );
}

#[test]
fn a_range_with_points_that_ends_before_it_begins_is_refused() {
    refused(
        "[sweep.space]\ndecomposition.learning_rate = { from = 0.1, to = 0.01, points = 3 }\n",
        str![[r#"
error: `from` must be below `to`
  --> tiny.toml:34:40
   |
34 | decomposition.learning_rate = { from = 0.1, to = 0.01, points = 3 }
   |                                        ^^^ `to` is 0.01

error: 1 mistake in tiny.toml

"#]],
    );
}

#[test]
fn a_range_of_more_whole_numbers_than_memory_holds_is_refused() {
    refused(
        "[sweep.space]\nmethod.apd.rank = { from = 1, to = 1_000_000_000_000 }\n",
        str![[r#"
error: a sweep can have 10000 trials at most
  --> tiny.toml:33:1
   |
33 | [sweep.space]
   | ^^^^^^^^^^^^^ these are 1000000000000

error: 1 mistake in tiny.toml

"#]],
    );
}

#[test]
fn a_key_that_is_varied_cannot_be_set() {
    let test = with_sweep("[sweep.space]\nmethod.apd.rank = [1, 2]\n");
    let test = test.args(["sweep", "hyperparameters", "tiny.toml", "--dry-run", "--set=method.apd.rank=3"]).fails(2);
    test.stderr_is(str![[r#"
error: `method.apd.rank` is varied by `[sweep.space]`, so it cannot be set
 |
 | --set method.apd.rank=3
 |                       ^
 |
 = help: set its values with --set 'sweep.space.method.apd.rank=[..]'

error: 1 mistake in --set

"#]]);
}
