//! Sweeps' folders with made-up results, without training anything.

use std::{
    fs,
    path::{Path, PathBuf},
};

use apd::{
    run::{Machine, Provenance, RunFolder, Status, SweepFolder},
    sweep::{Plan, load_trials},
    table::{Row, ScoreRow, SummaryRow},
};

/// What is made up of a trial.
pub enum MadeUp {
    Waiting,
    Failed(&'static str),
    /// A replica a seed.
    Ended(Vec<Replica>),
}

/// What is made up of a replica.
#[derive(Clone)]
pub struct Replica {
    /// `None`: it has diverged.
    pub score: Option<f64>,
    pub recovered: Option<bool>,
    pub error: f64,
    pub active: f64,
    pub mmcs: Option<f64>,
}

pub const DIVERGED: Replica = Replica { score: None, recovered: Some(false), error: 0.0, active: 0.0, mmcs: None };

/// The sweep of `experiments/tms_5-2.toml` with these `--set`, in the folder `name` below the tests' temporary folder.
/// `trial` makes up what came of the trial of a number with these values.
pub fn write_sweep(name: &str, set: &[&str], trial: impl Fn(usize, &[String]) -> MadeUp) -> PathBuf {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = fs::remove_dir_all(&results);
    fs::create_dir_all(&results).unwrap();
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    let trials = load_trials(Path::new("experiments/tms_5-2.toml"), &set);
    let mut plan = Plan::new(trials.unwrap_or_else(|error| panic!("{error}")));
    let folder = SweepFolder::open(&results, "tms_5-2", &plan.sweep_toml(), false).unwrap();
    plan.fix(&folder).unwrap();
    for number in 0..plan.trials.len() {
        let values: Vec<String> = plan.values(number).collect();
        match trial(number, &values) {
            MadeUp::Waiting => {}
            MadeUp::Failed(reason) => begin(&folder, &plan, number).1.fail(reason).unwrap(),
            MadeUp::Ended(replicas) => {
                let (run, mut provenance) = begin(&folder, &plan, number);
                write_tables(&run, &plan, &replicas);
                provenance.end(Status::Finished).unwrap();
            }
        }
    }
    folder.path().to_owned()
}

fn begin(folder: &SweepFolder, plan: &Plan, trial: usize) -> (RunFolder, Provenance) {
    let run = folder.trial_run(trial);
    fs::create_dir_all(run.path()).unwrap();
    fs::write(run.spec(), plan.trials[trial].spec.to_toml()).unwrap();
    let provenance = Provenance::begin(&run.provenance(), Machine::new("cpu", 1), None).unwrap();
    (run, provenance)
}

fn write_tables(run: &RunFolder, plan: &Plan, replicas: &[Replica]) {
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    let numbered = || plan.sweep.seeds.iter().zip(replicas).enumerate();
    let columns = SummaryRow::TABLE.header();
    let row = |(index, (seed, replica)): (usize, (&u64, &Replica))| {
        let measured = replica.score.is_some();
        let cell = |column: &&str| match *column {
            "replica" => index.to_string(),
            "seed" => seed.to_string(),
            "minimality" if measured => replica.error.to_string(),
            "mean_active" if measured => replica.active.to_string(),
            "mmcs" => number(replica.mmcs),
            "recovered" => replica.recovered.map_or_else(String::new, |recovered| recovered.to_string()),
            "diverged_at" if !measured => "40".to_owned(),
            "diverged_in" if !measured => "total".to_owned(),
            _ => String::new(),
        };
        columns.iter().map(cell).collect::<Vec<_>>().join(",") + "\n"
    };
    let rows: String = numbered().map(row).collect();
    fs::write(run.table::<SummaryRow>(), columns.join(",") + "\n" + &rows).unwrap();
    let score = |(index, (_, replica)): (usize, (&u64, &Replica))| Some(format!("{index},{}\n", replica.score?));
    fs::write(
        run.table::<ScoreRow>(),
        "replica,score\n".to_owned() + &numbered().filter_map(score).collect::<String>(),
    )
    .unwrap();
}

/// A grid of three learning rates and two ranks with two seeds, whose trial 4 has the values of the experiment itself: the
/// larger the learning rate the better, and rank 1 better than 3. The first trial has failed, and one replica of the last has
/// diverged.
pub const GRID: [&str; 2] =
    ["sweep.seeds=2", "sweep.space={'method.apd.rank'=[1, 3], 'decomposition.learning_rate'=[0.01, 0.03, 0.1]}"];

pub fn of_grid(trial: usize, values: &[String]) -> MadeUp {
    if trial == 0 {
        return MadeUp::Failed("no room\nfor more");
    }
    let rank: f64 = values[0].parse().unwrap();
    let rate: f64 = values[1].parse().unwrap();
    let replica = |seed: usize| {
        let score = 10.0 * rate + 0.3 / rank + 0.01 * seed as f64;
        let recovered = score > 0.9;
        Replica {
            score: Some(score),
            recovered: Some(recovered),
            error: 0.01 / rate * (1.0 + seed as f64),
            active: 0.2 + rate,
            mmcs: Some(0.9 + score / 100.0),
        }
    };
    MadeUp::Ended(if trial == 5 { vec![replica(0), DIVERGED] } else { vec![replica(0), replica(1)] })
}
