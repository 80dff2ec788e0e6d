//! What the tables of a report say, whatever they are written in.

use super::{paper::published, rows::SummaryRow, run_data::RunData};
use crate::statistics::{MeanDeviation, fisher_exact, mean_and_deviation, wilson_interval};

/// A table as strings; the first column is a name, the others hold numbers.
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Takes the column of this name out, if there is one.
    pub fn remove(&mut self, name: &str) {
        if let Some(column) = self.header.iter().position(|header| header == name) {
            self.header.remove(column);
            self.rows.iter_mut().for_each(|row| {
                row.remove(column);
            });
        }
    }
}

/// The columns of the table of replicas: heading, and the cell for a replica.
type Column = (&'static str, fn(&SummaryRow) -> String);

const COLUMNS: [Column; 11] = [
    ("replica", |row| row.replica.to_string()),
    ("seed", |row| row.seed.to_string()),
    ("faithful", |row| scientific(row.faithfulness)),
    ("minimal", |row| scientific(row.minimality)),
    ("simple", |row| scientific(row.simplicity)),
    ("MMCS", |row| fixed(row.mmcs, 3)),
    ("ML2R", |row| fixed(row.ml2r, 3)),
    ("active", |row| fixed(row.mean_active, 2)),
    ("alive", |row| fixed(row.alive, 0)),
    ("rank", |row| fixed(row.mean_rank, 2)),
    ("recovered", |row| verdict(row.recovered).to_owned()),
];

/// What the columns of the table of replicas are, for the foot of a table.
pub const COLUMNS_EXPLAINED: &str = "faithful, minimal, simple: the losses, without their coefficients; MMCS: mean max \
                                     cosine similarity of components and features; ML2R: mean ratio of their L2 norms; \
                                     active: components active in a mean sample; alive: components that are ever \
                                     active; rank: numerical rank of a mean component.";

/// One row a replica.
pub fn replicas(run: &RunData) -> Table {
    let header = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows = run.summary.iter().map(|row| COLUMNS.iter().map(|(_, cell)| cell(row)).collect());
    Table { header, rows: rows.collect() }
}

/// MMCS and ML2R over recovered and over all replicas beside the published ones.
pub fn comparison(run: &RunData) -> Table {
    let of = |name: String, rows: &[&SummaryRow]| {
        let mean = |value: fn(&SummaryRow) -> f64| {
            plus_minus(mean_and_deviation(rows.iter().map(|row| value(row))), rows.len())
        };
        vec![name, mean(|row| row.mmcs), mean(|row| row.ml2r)]
    };
    let all: Vec<&SummaryRow> = run.summary.iter().collect();
    let recovered: Vec<&SummaryRow> = run.summary.iter().filter(|row| row.recovered == Some(true)).collect();
    let mut rows =
        vec![of(count(recovered.len(), "recovered replica"), &recovered), of(count(all.len(), "replica"), &all)];
    if let Some(published) = run.sizes.as_ref().and_then(published) {
        let pair = |(mean, deviation): (f64, f64)| format!("{mean:.3} ± {deviation:.3}");
        rows.push(vec![published.source.to_owned(), pair(published.mmcs), pair(published.ml2r)]);
    }
    Table { header: ["mean ± standard deviation", "MMCS", "ML2R"].map(str::to_owned).into(), rows }
}

/// Several runs below each other.
pub fn overview(runs: &[RunData]) -> Table {
    let row = |run: &RunData| {
        let comparison = comparison(run);
        let mut row = vec![visible(&run.name)];
        row.extend(match Share::of(run) {
            Some(share) => [share.count(), share.interval()],
            None => ["–".to_owned(), "–".to_owned()],
        });
        row.extend(comparison.rows[0][1..].iter().cloned());
        row
    };
    let header = ["run", "recovered", "95 % interval", "MMCS", "ML2R"].map(str::to_owned);
    Table { header: header.into(), rows: runs.iter().map(row).collect() }
}

/// How many of the judged replicas are recovered.
pub struct Share {
    recovered: usize,
    judged: usize,
}

impl Share {
    /// None before any replica has been judged.
    pub fn of(run: &RunData) -> Option<Share> {
        let verdicts: Vec<bool> = run.summary.iter().filter_map(|row| row.recovered).collect();
        let recovered = verdicts.iter().filter(|recovered| **recovered).count();
        (!verdicts.is_empty()).then_some(Share { recovered, judged: verdicts.len() })
    }

    /// "7 of 12"
    pub fn count(&self) -> String {
        format!("{} of {}", self.recovered, self.judged)
    }

    /// "32 to 81 %", the Wilson 95 % interval
    pub fn interval(&self) -> String {
        let interval = wilson_interval(self.recovered, self.judged);
        format!("{:.0} to {:.0} %", 100.0 * interval.low, 100.0 * interval.high)
    }

    /// "The authors' program recovers 7 of 12; Fisher's exact test of a difference: p = 0.73.", where that is known
    pub fn against_published(&self, run: &RunData) -> Option<String> {
        let (recovered, judged) = run.sizes.as_ref().and_then(published)?.recovered?;
        let p = fisher_exact((self.recovered, self.judged), (recovered, judged));
        Some(format!(
            "The authors' program recovers {recovered} of {judged}; Fisher's exact test of a difference: p = {p:.2}."
        ))
    }

    /// "58 %"
    pub fn percent(&self) -> String {
        format!("{:.0} %", 100.0 * self.recovered as f64 / self.judged as f64)
    }
}

/// What else there is to say about the run as a whole: "5-2 toy model of superposition, 12 replicas, finished,
/// 95 s, cpu".
pub fn about(run: &RunData) -> String {
    let mut facts = Vec::new();
    if let Some(sizes) = &run.sizes {
        let layers = match sizes.hidden_layers {
            0 => String::new(),
            layers => format!(" with {}", count(layers, "hidden layer")),
        };
        facts.push(format!("TMS {}-{}{layers}", sizes.features, sizes.hidden));
    }
    if let Some(replicas) = run.replicas {
        facts.push(count(replicas, "replica"));
    }
    facts.extend(run.status.as_deref().map(visible));
    facts.extend(run.seconds.filter(|seconds| seconds.is_finite()).map(duration));
    facts.extend(run.device.as_deref().map(visible));
    facts.join(", ")
}

/// Everything that the report's reader should know to be absent.
pub fn gaps(run: &RunData) -> Vec<String> {
    let mut gaps: Vec<String> = run.problems.iter().map(|problem| visible(problem)).collect();
    let measured = run.summary.len();
    if let Some(expected) = run.replicas.filter(|expected| *expected != measured && measured > 0) {
        gaps.push(format!("summary.csv holds {measured} of {expected} replicas."));
    }
    gaps
}

/// `text` without control characters, which a terminal would obey.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

fn verdict(recovered: Option<bool>) -> &'static str {
    match recovered {
        Some(true) => "yes",
        Some(false) => "no",
        None => "–",
    }
}

fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{minutes:.0} min"),
        _ => format!("{:.1} h", minutes / 60.0),
    }
}

fn scientific(value: f64) -> String {
    if value.is_finite() { format!("{value:.1e}") } else { not_finite(value) }
}

fn fixed(value: f64, digits: usize) -> String {
    if value.is_finite() { format!("{value:.digits$}") } else { not_finite(value) }
}

fn not_finite(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { value.to_string() }
}

/// "0.998 ± 0.001"; with the number of values where some of the `count` are missing.
fn plus_minus(value: Option<MeanDeviation>, count: usize) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let deviation = value.deviation.map(|deviation| format!(" ± {deviation:.3}")).unwrap_or_default();
    let of = if value.count < count { format!(" ({} known)", value.count) } else { String::new() };
    format!("{:.3}{deviation}{of}", value.mean)
}
