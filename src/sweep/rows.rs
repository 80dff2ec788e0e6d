//! `trials.csv` and `seconds.csv`: what came of the trials that have ended.
//!
//! Both are made anew from the trials' folders each time that trials end, so that they say the same in whatever order and
//! by whatever processes the trials were run, and after whatever kills.

use std::collections::BTreeMap;

use super::{Ending, Overview, Plan, Standing, overview, recommendation};
use crate::{
    interrupt::{Interrupt, Stage},
    run::{Lock, Provenance, RunError, SweepFolder, Unfinished, read_table, write_columns, write_table},
    table::{RateDistortionRow, Row, ScoreRow, SecondsRow, SummaryRow, TrialRow},
};

/// How many of the columns of `trials.csv` stand before the keys that are varied. The others follow them, and then those
/// of `summary.csv`.
const BEFORE_KEYS: usize = 2;

/// What both tables hold.
#[derive(Debug)]
pub struct Rows {
    /// Of `trials.csv`.
    pub header: Vec<String>,
    pub of_replicas: Vec<Vec<String>>,
    pub of_trials: Vec<SecondsRow>,
    /// Of a trade-off: the error of each replica without any component, where that was measured.
    pub errors_without: Vec<Option<f64>>,
}

/// Writes both tables and what follows from them. Processes that work on one sweep do so one after the other; one that is
/// asked to stop while it waits leaves them to the next. While a trial cannot be read all of them stay as they are: without it
/// they would look whole. Returns whether they were written.
pub fn write(plan: &Plan, folder: &SweepFolder, interrupt: &Interrupt) -> Result<bool, RunError> {
    let work = interrupt.of_work(Stage::Tables, 0, 1, folder.path());
    let _lock = match Lock::wait(&folder.packs(), &work) {
        Ok(lock) => lock,
        Err(Unfinished::Interrupted(_)) => return Ok(true),
        Err(Unfinished::Failed(error)) => return Err(error),
    };
    folder.clean();
    let overview = overview(plan, folder);
    if overview.unreadable().next().is_some() {
        return Ok(false);
    }
    let Overview { rows: Rows { header, of_replicas, of_trials, .. }, .. } = &overview;
    write_columns(&folder.table::<TrialRow>(), header, of_replicas)?;
    write_table(&folder.table::<SecondsRow>(), of_trials)?;
    recommendation::write(plan, folder, &overview)?;
    Ok(true)
}

/// What the folders of the trials say, of those that have ended. One that cannot be read has no row, and is noted among the
/// `standings`.
pub fn collect(plan: &Plan, folder: &SweepFolder, standings: &mut [Standing]) -> Rows {
    let columns = TrialRow::TABLE.header();
    let (before, after) = columns.split_at(BEFORE_KEYS);
    let owned = |names: &[&str]| names.iter().map(|name| String::from(*name)).collect::<Vec<_>>();
    let measurements: Vec<&str> = measurements().collect();
    let header = [owned(before), plan.keys().map(String::from).collect(), owned(after), owned(&measurements)].concat();
    let (mut of_replicas, mut of_trials, mut errors_without) = (Vec::new(), Vec::new(), Vec::new());
    for (trial, pack) in plan.packs_of_trials().into_iter().enumerate() {
        let found = match &standings[trial] {
            Standing::Finished => measured(folder, trial),
            Standing::Failed(_) => Ok(vec![Measured::failed(); plan.sweep.seeds.len()]),
            Standing::Waiting | Standing::Running | Standing::Unreadable(_) => continue,
        };
        let provenance = Provenance::read(&folder.trial_run(trial).provenance());
        let without = match (plan.sweep.trade_off, &standings[trial]) {
            (Some(_), Standing::Finished) => errors_of_nothing(folder, trial),
            _ => Ok(BTreeMap::new()),
        };
        let (found, without, seconds) = match found.and_then(|found| Ok((found, without?, provenance?.seconds))) {
            Ok(found) => found,
            Err(error) => {
                standings[trial] = error.into();
                continue;
            }
        };
        errors_without.extend((0..found.len()).map(|replica| without.get(&replica).copied()));
        for (seed, Measured { ending, score, measurements }) in plan.sweep.seeds.iter().zip(found) {
            let row = [trial.to_string(), seed.to_string()].into_iter().chain(plan.values(trial));
            of_replicas.push(row.chain([ending.to_string(), score]).chain(measurements).collect());
        }
        of_trials.push(SecondsRow { trial, pack, seconds });
    }
    Rows { header, of_replicas, of_trials, errors_without }
}

/// The error without any component of each replica of a finished trial that was measured.
fn errors_of_nothing(folder: &SweepFolder, trial: usize) -> Result<BTreeMap<usize, f64>, RunError> {
    let rows: Vec<RateDistortionRow> = read_table(&folder.trial_run(trial).table::<RateDistortionRow>())?;
    // The first of each replica is without any that could be left out.
    let firsts = rows.chunk_by(|one, next| one.replica == next.replica).map(|rows| &rows[0]);
    Ok(firsts.filter(|row| row.error.is_finite()).map(|row| (row.replica, row.error)).collect())
}

/// The cells of one replica's row.
#[derive(Clone)]
struct Measured {
    ending: Ending,
    /// Of `scores.csv`.
    score: String,
    /// Of `summary.csv`.
    measurements: Vec<String>,
}

impl Measured {
    fn failed() -> Self {
        Self {
            ending: Ending::Failed,
            score: String::new(),
            measurements: measurements().map(|_| String::new()).collect(),
        }
    }
}

/// The columns of `summary.csv` that do not say of which replica a row is.
fn measurements() -> impl Iterator<Item = &'static str> {
    let of_the_replica = ["replica", "seed"];
    SummaryRow::TABLE.header().into_iter().filter(move |column| !of_the_replica.contains(column))
}

/// Of each replica of a finished trial.
fn measured(folder: &SweepFolder, trial: usize) -> Result<Vec<Measured>, RunError> {
    let run = folder.trial_run(trial);
    // Trials of older versions have none.
    let table = run.table::<ScoreRow>();
    let scores: Vec<BTreeMap<String, String>> = if table.is_file() { read_table(&table)? } else { Vec::new() };
    let table = run.table::<SummaryRow>();
    let rows: Vec<BTreeMap<String, String>> = read_table(&table)?;
    let halted_at = Provenance::read(&run.provenance())?.halted_at;
    let of_replica = |(replica, row): (usize, BTreeMap<String, String>)| {
        let cells: Option<Vec<String>> = measurements().map(|column| row.get(column).cloned()).collect();
        let measurements = cells.filter(|_| row.len() == SummaryRow::TABLE.columns.len())?;
        let ending = match row["diverged_at"].as_str() {
            "" => halted_at.map_or(Ending::Finished, |step| Ending::Halted { step }),
            step => Ending::Diverged { what: row["diverged_in"].clone(), step: step.parse().ok()? },
        };
        let of_replica = |row: &&BTreeMap<String, String>| row.get("replica") == Some(&replica.to_string());
        let score = scores.iter().find(of_replica).and_then(|row| row.get("score").cloned());
        Some(Measured { ending, score: score.unwrap_or_default(), measurements })
    };
    let found: Option<Vec<Measured>> = rows.into_iter().enumerate().map(of_replica).collect();
    found.ok_or_else(|| RunError::damaged(&table, "its columns are not those of this apd"))
}
