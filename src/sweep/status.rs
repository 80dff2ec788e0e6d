//! What a user is told of a sweep: progress, best so far, failures, time left.

use super::{Plan, Standing, rows, standings};
use crate::run::{Provenance, RunError, SweepFolder};

/// More failures than these are only counted.
const FAILURES_SHOWN: usize = 10;

/// The losses and measurements of one replica, as far as the status needs them.
struct Row {
    trial: usize,
    status: String,
    minimality: Option<f64>,
    recovered: Option<bool>,
}

impl Row {
    fn all(rows: &rows::Rows) -> Vec<Self> {
        let of_column = |row: &[String], name: &str| {
            let cell = rows.header.iter().zip(row).find(|(column, _)| *column == name);
            cell.map(|(_, cell)| cell.clone()).expect("a column of trials.csv")
        };
        let read = |row: &Vec<String>| Self {
            trial: of_column(row, "trial").parse().expect("a number of ours"),
            status: of_column(row, "status"),
            minimality: of_column(row, "minimality").parse().ok(),
            recovered: of_column(row, "recovered").parse().ok(),
        };
        rows.of_replicas.iter().map(read).collect()
    }
}

/// What came of one trial.
struct Found {
    trial: usize,
    replicas: usize,
    recovered: usize,
    /// Mean over those that were measured; not a number if none was.
    minimality: f64,
}

/// How the sweep in `folder` stands, as text.
pub fn status(plan: &Plan, folder: &SweepFolder) -> Result<String, RunError> {
    let standings = standings(plan, folder);
    let count = |is: fn(&Standing) -> bool| standings.iter().filter(|standing| is(standing)).count();
    let finished = count(|standing| *standing == Standing::Finished);
    let running = count(|standing| *standing == Standing::Running);
    let failed = count(|standing| matches!(standing, Standing::Failed(_)));
    let waiting = count(|standing| *standing == Standing::Waiting);
    // Not from trials.csv: the trials' own tables have checksums.
    let rows: Vec<Row> = Row::all(&rows::collect(plan, folder, &standings)?);
    let mut lines = vec![
        ("sweep", folder.path().display().to_string()),
        (
            "trials",
            format!(
                "{finished} of {} finished, {running} running, {waiting} waiting, {failed} failed",
                plan.trials.len()
            ),
        ),
        ("replicas", replicas(&rows)),
        ("best so far", best(plan, &rows)),
        ("time left", time_left(plan, folder, &standings)),
    ];
    let failures = standings.iter().enumerate().filter_map(|(trial, standing)| match standing {
        Standing::Failed(reason) => Some((trial, reason)),
        _ => None,
    });
    for (trial, reason) in failures.take(FAILURES_SHOWN) {
        lines.push(("failed", format!("trial {trial}: {}", reason.lines().next().unwrap_or_default())));
    }
    if failed > 0 {
        lines.push(("", "try them again with --retry-failed".into()));
    }
    Ok(lines.iter().map(|(about, text)| format!("{about:<11} {text}\n")).collect())
}

fn replicas(rows: &[Row]) -> String {
    let of = |status: &str| rows.iter().filter(|row| row.status.starts_with(status)).count();
    let judged = rows.iter().filter(|row| row.recovered.is_some()).count();
    let recovered = rows.iter().filter(|row| row.recovered == Some(true)).count();
    format!("{} measured, {recovered} of {judged} recovered, {} diverged", of("finished"), of("diverged"))
}

/// The trial with the largest share of recovered replicas; among equals that with the smallest mean minimality loss.
fn best(plan: &Plan, rows: &[Row]) -> String {
    let of_trial = |trial: usize| {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.trial == trial && row.status != "failed").collect();
        let measured: Vec<f64> =
            rows.iter().filter(|row| row.status == "finished").filter_map(|row| row.minimality).collect();
        let recovered = rows.iter().filter(|row| row.recovered == Some(true)).count();
        (!rows.is_empty()).then(|| Found {
            trial,
            replicas: rows.len(),
            recovered,
            minimality: measured.iter().sum::<f64>() / measured.len() as f64,
        })
    };
    let share = |result: &Found| result.recovered as f64 / result.replicas as f64;
    let results = (0..plan.trials.len()).filter_map(of_trial).filter(|result| result.minimality.is_finite());
    let better = |one: &Found, other: &Found| {
        share(one).total_cmp(&share(other)).then(other.minimality.total_cmp(&one.minimality))
    };
    match results.max_by(better) {
        None => "none yet".into(),
        Some(Found { trial, replicas, recovered, minimality }) => {
            let settings = plan.settings(trial);
            format!("trial {trial}: {recovered} of {replicas} recovered, minimality {minimality:.2e}; {settings}")
        }
    }
}

/// As long for each unfinished pack as the finished ones took on average for a replica, divided among those who work.
fn time_left(plan: &Plan, folder: &SweepFolder, standings: &[Standing]) -> String {
    let (mut seconds, mut done, mut left, mut at_work) = (0.0, 0.0, 0.0, 0);
    for trials in &plan.packs {
        let work = (trials.len() * plan.sweep.seeds.len()) as f64;
        let is = |wanted: Standing| trials.iter().any(|&trial| standings[trial] == wanted);
        if is(Standing::Waiting) || is(Standing::Running) {
            left += work;
            at_work += usize::from(is(Standing::Running));
        } else if let Ok(provenance) = Provenance::read(&folder.trial_run(trials[0]).provenance()) {
            seconds += provenance.seconds;
            done += work;
        }
    }
    if left == 0.0 {
        return "none".into();
    }
    if done == 0.0 {
        return "unknown until a pack is finished".into();
    }
    let workers = match at_work {
        0 => "with one process",
        _ => "at most, with those that work now",
    };
    let minutes = seconds / done * left / at_work.max(1) as f64 / 60.0;
    format!("about {minutes:.1} minutes {workers}")
}
