//! Several runs against each other: a line of numbers for each, tests of a difference between their methods, and what keeps
//! them from being compared.

use super::{
    run_data::RunData,
    table::{Share, Table, duration, fixed, in_words, probability, scientific},
};
use crate::{
    statistics::mean_and_deviation,
    table::{RateDistortionRow, Row},
    visible::visible,
};

/// Runs with fewer judged replicas are not tested against others: hardly any difference could show.
const FEWEST_TESTED: usize = 5;
/// Tests that a sentence lists.
const MOST_TESTS: usize = 10;

/// What stands in a column of the table of runs: its heading, what that means if the heading does not say it, and its cells.
struct Column(&'static str, &'static str, fn(&RunData) -> Option<String>);

/// The first ones say what a run is and how it is judged, the others how well it does.
const VERDICTS: &[Column] = &[
    Column("method", "", |run| Some(run.method())),
    Column("target", "", |run| run.kind().map(in_words)),
    Column("seeds", "", |run| run.replicas().map(|number| number.to_string())),
    Column("recovered", "", |run| Some(Share::of(run)?.count())),
    Column("95 % interval", "", |run| Some(Share::of(run)?.interval())),
    Column("own", "features with a component of their own", |run| mean(run, "features_with_own_component", 1)),
];
const NUMBERS: &[Column] = &[
    Column("MMCS", "mean max cosine similarity of components and features", |run| mean(run, "mmcs", 3)),
    Column("ML2R", "mean ratio of their L2 norms", |run| mean(run, "ml2r", 3)),
    Column("active", "components active per sample", |run| mean(run, "mean_active", 2)),
    Column("alive", "components active on at least one sample", |run| mean(run, "alive", 1)),
    Column("error", "mean squared error to the target's output with the trained selection", |run| {
        mean_of(trained_errors(run)).map(scientific)
    }),
    Column("all", "the same error with all components", |run| mean_of(errors_with_all(run)).map(scientific)),
    Column("bits", "description length per sample", |run| mean(run, "description_length", 1)),
    Column("training", "time that the steps of all replicas took", |run| run.training_seconds.map(duration)),
];

/// The runs' names; of runs that are called alike, with their number.
pub fn distinct_names(runs: &[RunData]) -> Vec<String> {
    let name = |(index, run): (usize, &RunData)| {
        let is_alone = runs.iter().filter(|other| other.name == run.name).count() == 1;
        let name = visible(&run.name);
        if is_alone { name } else { format!("{name} ({})", index + 1) }
    };
    runs.iter().enumerate().map(name).collect()
}

/// A row for each run, with verdict and means over replicas. A column that no run has anything in is left out.
pub fn by_run(runs: &[RunData], names: &[String]) -> Table {
    table_of(runs, names, VERDICTS.iter().chain(NUMBERS))
}

/// The columns of [`by_run`] in two tables, for narrow pages: what a run is and how it is judged, and how well it does.
pub fn by_run_in_two(runs: &[RunData], names: &[String]) -> [Table; 2] {
    [VERDICTS, NUMBERS].map(|columns| table_of(runs, names, columns.iter()))
}

fn table_of<'a>(runs: &[RunData], names: &[String], columns: impl Iterator<Item = &'a Column>) -> Table {
    let cells = |Column(heading, _, cell): &Column| (*heading, runs.iter().map(cell).collect::<Vec<_>>());
    let known = columns.map(cells).filter(|(_, cells)| cells.iter().any(Option::is_some));
    let mut table =
        Table { header: vec!["run".to_owned()], rows: names.iter().map(|name| vec![name.clone()]).collect() };
    for (heading, cells) in known {
        table.header.push(heading.to_owned());
        let cells = cells.into_iter().map(|cell| cell.unwrap_or("–".to_owned()));
        table.rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
    table
}

/// What the columns of [`by_run`] are.
pub fn columns_explained(runs: &[RunData]) -> String {
    let columns = VERDICTS.iter().chain(NUMBERS).filter(|Column(_, meaning, _)| !meaning.is_empty());
    let known = columns.filter(|Column(_, _, cell)| runs.iter().any(|run| cell(run).is_some()));
    let words: Vec<String> = known.map(|Column(heading, meaning, _)| format!("{heading}: {meaning}")).collect();
    format!("Means over replicas. {}.", words.join("; "))
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    mean_and_deviation(values).map(|known| known.mean)
}

fn mean(run: &RunData, column: &str, digits: usize) -> Option<String> {
    mean_of(run.summary.iter().map(|row| row.number(column))).map(|mean| fixed(mean, digits))
}

/// Every replica's error with the trained selection; empty for a method that selects nothing, whose column holds something else.
pub fn trained_errors(run: &RunData) -> impl Iterator<Item = f64> {
    let rows = run.summary.iter().filter(|_| run.description.selects());
    rows.map(|row| row.number("minimality"))
}

/// Every replica's error with all components, the last point of its rate-distortion curve.
fn errors_with_all(run: &RunData) -> impl Iterator<Item = f64> {
    let curves = run.evidence.rate_distortion.chunk_by(|one, other| one.replica == other.replica);
    curves.filter_map(|curve: &[RateDistortionRow]| Some(curve.last()?.error))
}

/// Which runs are of which target, if they are of several: that the numbers of some cannot be compared.
pub fn several_targets(runs: &[RunData], names: &[String]) -> Option<String> {
    let targets = target_names(runs);
    let mut groups: Vec<(&String, Vec<&str>)> = Vec::new();
    for (target, name) in targets.iter().zip(names) {
        match groups.iter_mut().find(|(other, _)| *other == target) {
            Some((_, names)) => names.push(name),
            None => groups.push((target, vec![name])),
        }
    }
    let groups: Vec<String> = groups.iter().map(|(target, names)| format!("{target}: {}", names.join(", "))).collect();
    (groups.len() > 1).then(|| {
        format!(
            "These runs are not of one target, and errors and bits of different targets cannot be compared. {}.",
            groups.join("; ")
        )
    })
}

/// What the target of each run is called, so that different ones have different names.
pub fn target_names(runs: &[RunData]) -> Vec<String> {
    let mut known: Vec<(&RunData, String)> = Vec::new();
    let mut names = Vec::new();
    for run in runs {
        let same = known.iter().find(|(other, _)| are_of_one_target(run, other)).map(|(_, name)| name.clone());
        let name = same.unwrap_or_else(|| {
            let words = run.kind().map_or("an unknown target".to_owned(), in_words);
            let alike = known.iter().filter(|(other, _)| other.kind() == run.kind()).count();
            let name = if alike == 0 { words } else { format!("{words} with other settings ({})", alike + 1) };
            known.push((run, name.clone()));
            name
        });
        names.push(name);
    }
    names
}

/// Whether the specs name the same target; its seed is a replica's matter.
fn are_of_one_target(one: &RunData, other: &RunData) -> bool {
    let is_known = one.target_settings.is_some() && one.kind().is_some();
    is_known && one.target_settings == other.target_settings
}

/// That runs of one target have different seeds, and so trained it to different weights.
pub fn different_seeds(runs: &[RunData]) -> Option<&'static str> {
    let seed = |run: &RunData| run.target_settings.as_ref().is_some_and(|target| target.get("seed").is_some());
    let is_trained = |run: &RunData| run.description.target.as_ref().is_some_and(|target| target.is_trained);
    let differ = |pair: &[RunData]| {
        let [one, other] = pair else { return false };
        let depend = is_trained(one) && !seed(one) && are_of_one_target(one, other);
        depend && one.description.seeds != other.description.seeds
    };
    runs.windows(2)
        .any(differ)
        .then_some("Not all of these runs have the same seeds, and every seed trains a target of its own.")
}

/// Fisher's exact test of the shares recovered for every two runs of one target by different methods, or that there are too
/// few replicas for it; `None` where no two runs are to be tested.
pub fn tests(runs: &[RunData], names: &[String]) -> Option<String> {
    let numbered = || runs.iter().zip(names).enumerate();
    let pairs = numbered().flat_map(|one| numbered().skip(one.0 + 1).map(move |other| (one.1, other.1)));
    let meant = pairs.filter(|((one, _), (other, _))| one.method() != other.method() && are_of_one_target(one, other));
    let shares: Vec<_> = meant
        .filter_map(|((one, name), (other, of_other))| Some(((Share::of(one)?, name), (Share::of(other)?, of_other))))
        .collect();
    if shares.is_empty() {
        return None;
    }
    let has_enough = |share: &Share| share.counts().1 >= FEWEST_TESTED;
    let enough: Vec<_> = shares.iter().filter(|((one, _), (other, _))| has_enough(one) && has_enough(other)).collect();
    let untested = format!(
        "A run with fewer than {FEWEST_TESTED} judged replicas is not tested against another method; its interval tells \
         how little is known."
    );
    if enough.is_empty() {
        return Some(untested);
    }
    let listed: Vec<String> = enough
        .iter()
        .take(MOST_TESTS)
        .map(|((one, name), (other, of_other))| {
            format!("{name} and {of_other} p = {}", probability(one.equality(other)))
        })
        .collect();
    let more = match enough.len().saturating_sub(MOST_TESTS) {
        0 => String::new(),
        more => format!("; and {more} more pairs"),
    };
    let rest = if enough.len() < shares.len() { format!(" {untested}") } else { String::new() };
    Some(format!(
        "Fisher's exact test of a difference between the shares recovered, two-sided, not corrected for their number: \
         {}{more}.{rest}",
        listed.join("; ")
    ))
}

/// Everything that is to be said beside the table.
pub fn notes(runs: &[RunData], names: &[String]) -> Vec<String> {
    let seeds = different_seeds(runs).map(str::to_owned);
    [several_targets(runs, names), seeds, tests(runs, names)].into_iter().flatten().collect()
}
