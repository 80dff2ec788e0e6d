//! What the tables of a report say, whatever they are written in.

use std::collections::BTreeMap;

use super::{
    kind::{cell, columns, means, network, number},
    run_data::RunData,
};
use crate::{
    network::not_learned,
    run::TargetKind,
    site::Role,
    statistics::{Interval, MeanDeviation, fisher_exact, mean_and_deviation, wilson_interval},
    table::{BaselineRow, Column, SummaryRow, column::Mean},
    visible::visible,
};

/// A table as strings; the first column is a name, the others hold numbers.
#[derive(Clone)]
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

/// One row a replica.
pub fn replicas(run: &RunData) -> Table {
    let columns = columns(run);
    let header = columns.iter().map(|column| column.heading().unwrap_or(column.name).to_owned()).collect();
    let rows = run.summary.iter().map(|row| columns.iter().map(|column| cell(run, row, column)).collect());
    Table { header, rows: rows.collect() }
}

/// Means over recovered and over all replicas, beside the published ones where there are any.
pub fn comparison(run: &RunData) -> Table {
    let means = means(network(run));
    let of = |name: String, rows: &[&SummaryRow]| {
        [name].into_iter().chain(means.iter().map(|mean| mean_of(rows, mean))).collect()
    };
    let all: Vec<&SummaryRow> = run.summary.iter().collect();
    let recovered = recovered(run);
    let mut rows: Vec<Vec<String>> =
        vec![of(count(recovered.len(), "recovered replica"), &recovered), of(count(all.len(), "replica"), &all)];
    if let Some(published) = run.published() {
        let pair = |(mean, deviation): (f64, f64)| format!("{mean:.3} ± {deviation:.3}");
        rows.push(vec![published.source.to_owned(), pair(published.mmcs), pair(published.ml2r)]);
    }
    let header = ["mean ± standard deviation"].into_iter().chain(means.iter().map(|(_, mean)| mean.heading));
    Table { header: header.map(str::to_owned).collect(), rows }
}

fn recovered(run: &RunData) -> Vec<&SummaryRow> {
    run.summary.iter().filter(|row| row.recovered == Some(true)).collect()
}

fn mean_of(rows: &[&SummaryRow], mean: &(&Column, Mean)) -> String {
    plus_minus(mean_and_deviation(rows.iter().map(|row| number(row, mean))), rows.len(), mean.1.digits)
}

/// How many of the judged replicas are recovered.
pub struct Share {
    recovered: usize,
    judged: usize,
}

impl Share {
    /// None if no replica was judged.
    pub fn new(recovered: usize, judged: usize) -> Option<Share> {
        (judged > 0).then_some(Share { recovered, judged })
    }

    /// None before any replica has been judged.
    pub fn of(run: &RunData) -> Option<Share> {
        Self::of_rows(&run.summary)
    }

    /// As [`Share::of`], of a summary's rows.
    pub fn of_rows(summary: &[SummaryRow]) -> Option<Share> {
        let verdicts: Vec<bool> = summary.iter().filter_map(|row| row.recovered).collect();
        let recovered = verdicts.iter().filter(|recovered| **recovered).count();
        Share::new(recovered, verdicts.len())
    }

    /// "7 of 12"
    pub fn count(&self) -> String {
        format!("{} of {}", self.recovered, self.judged)
    }

    /// The share and its Wilson 95 % interval.
    pub fn value(&self) -> (f64, Interval) {
        (self.recovered as f64 / self.judged as f64, wilson_interval(self.recovered, self.judged))
    }

    /// "32 to 81 %", the Wilson 95 % interval
    pub fn interval(&self) -> String {
        let (_, interval) = self.value();
        format!("{:.0} to {:.0} %", 100.0 * interval.low, 100.0 * interval.high)
    }

    /// How many are recovered, and of how many.
    pub fn counts(&self) -> (usize, usize) {
        (self.recovered, self.judged)
    }

    /// That another share is the same: Fisher's exact test.
    pub fn equality(&self, other: &Share) -> f64 {
        fisher_exact((self.recovered, self.judged), (other.recovered, other.judged))
    }

    /// "The authors' program recovers 7 of 12; Fisher's exact test of a difference: p = 0.73.", where that is known
    pub fn against_published(&self, run: &RunData) -> Option<String> {
        let (recovered, judged) = run.published()?.recovered?;
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
    facts.extend(run.kind().map(in_words));
    facts.extend(run.description.site(Role::Unembedding).map(|_| "embedding and unembedding apart".to_owned()));
    if let Some(replicas) = run.replicas() {
        facts.push(count(replicas, "replica"));
    }
    facts.extend(run.status_words.as_deref().map(visible));
    facts.extend(run.seconds.map(duration));
    facts.extend(run.device.as_deref().map(visible));
    facts.join(", ")
}

/// "TMS 5-2"
pub fn in_words(kind: TargetKind) -> String {
    match kind {
        TargetKind::Tms { features, hidden, hidden_layers } => {
            let layers = match hidden_layers {
                0 => String::new(),
                layers => format!(" with {}", count(layers, "hidden layer")),
            };
            format!("TMS {features}-{hidden}{layers}")
        }
        TargetKind::ResidualMlp { features, neurons, layers } => {
            format!("residual MLP, {features} features, {neurons} neurons in {}", count(layers, "layer"))
        }
        TargetKind::GatedFunctions { functions, neurons, layers } => {
            let (functions, layers) = (count(functions, "gated function"), count(layers, "layer"));
            format!("{functions} of {} each in {layers}", count(neurons, "neuron"))
        }
    }
}

/// Everything that the report's reader should know to be absent.
pub fn gaps(run: &RunData) -> Vec<String> {
    let mut gaps: Vec<String> = run.problems.iter().map(|problem| visible(problem)).collect();
    let measured = run.summary.len();
    if let Some(expected) = run.replicas().filter(|expected| *expected != measured && measured > 0) {
        gaps.push(format!("summary.csv holds {measured} of {expected} replicas."));
    }
    let diverged = run.summary.iter().filter_map(|row| Some((row, row.diverged_at?)));
    gaps.extend(diverged.map(|(SummaryRow { replica, seed, diverged_in, .. }, step)| {
        let what = diverged_in.as_deref().map_or(String::new(), |what| format!(" ({})", visible(what)));
        format!(
            "Replica {replica} (seed {seed}) has diverged at step {step}{what} and counts as not recovered; \
             components.safetensors holds its components of before that step."
        )
    }));
    let remarked = run.summary.iter().filter_map(|row| Some((row.replica, row.seed, row.remarks.as_deref()?)));
    gaps.extend(
        remarked.map(|(replica, seed, remarks)| format!("Replica {replica} (seed {seed}): {}.", visible(remarks))),
    );
    gaps.extend(unlearned(run));
    gaps
}

/// Of each target that is no better than a simple answer a sentence.
fn unlearned(run: &RunData) -> Vec<String> {
    let room = run.room();
    let mut errors: BTreeMap<usize, Vec<(&str, f64)>> = BTreeMap::new();
    for BaselineRow { replica, answer, error } in &run.evidence.baselines {
        errors.entry(*replica).or_default().push((answer, *error));
    }
    let sentence = |(replica, errors): (&usize, &Vec<(&str, f64)>)| {
        let why = not_learned(errors, room)?;
        Some(visible(&format!("The target of replica {replica} has not learned its task: {why}.")))
    };
    errors.iter().filter_map(sentence).collect()
}

/// A verdict in a word.
pub fn verdict(recovered: Option<bool>) -> &'static str {
    match recovered {
        Some(true) => "yes",
        Some(false) => "no",
        None => "–",
    }
}

/// "1 trial", "2 trials"
pub fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A p-value: 0.73, 0.004, 2e-6
pub fn probability(p: f64) -> String {
    match p {
        p if p >= 0.01 => format!("{p:.2}"),
        p if p >= 0.0005 => format!("{p:.3}"),
        p => format!("{p:.0e}"),
    }
}

/// "95 s"
pub fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{minutes:.0} min"),
        _ => format!("{} h", fixed(minutes / 60.0, 1)),
    }
}

/// 1.2e-3
pub fn scientific(value: f64) -> String {
    if value.is_finite() { format!("{value:.1e}") } else { not_finite(value) }
}

/// From here on a number is written with its power of ten, whatever digits are asked for.
const LONGEST_FIXED: f64 = 1e9;

/// A number with so many digits behind the point; one too long for a table with its power of ten.
pub fn fixed(value: f64, digits: usize) -> String {
    match value.abs() {
        size if !size.is_finite() => not_finite(value),
        size if size < LONGEST_FIXED => format!("{value:.digits$}"),
        _ => format!("{value:.digits$e}"),
    }
}

fn not_finite(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { value.to_string() }
}

/// "0.998 ± 0.001"; with the number of values where some of the `count` are missing.
fn plus_minus(value: Option<MeanDeviation>, count: usize, digits: usize) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let deviation = value.deviation.map(|deviation| format!(" ± {}", fixed(deviation, digits))).unwrap_or_default();
    let of = if value.count < count { format!(" ({} known)", value.count) } else { String::new() };
    format!("{}{deviation}{of}", fixed(value.mean, digits))
}

/// "0.998 ± 0.001", of the values that are numbers; None if none is.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<String> {
    let value = mean_and_deviation(values)?;
    let is_small = value.mean != 0.0 && value.mean.abs() < 0.01;
    let written = |number: f64| if is_small { scientific(number) } else { fixed(number, 3) };
    let deviation = value.deviation.map(|deviation| format!(" ± {}", written(deviation))).unwrap_or_default();
    Some(written(value.mean) + &deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_means_are_written_with_their_power_of_ten() {
        assert_eq!(mean([2e-6, 4e-6].into_iter()).unwrap(), "3.0e-6 ± 1.4e-6");
        assert_eq!(mean([0.998, f64::NAN].into_iter()).unwrap(), "0.998");
        assert_eq!(mean([f64::NAN].into_iter()), None);
    }

    #[test]
    fn small_probabilities_keep_a_digit() {
        assert_eq!([0.734, 0.0041, 1.7e-6, 1.0].map(probability), ["0.73", "0.004", "2e-6", "1.00"]);
    }

    #[test]
    fn no_number_has_hundreds_of_digits() {
        assert_eq!([fixed(0.12345, 3), fixed(-999_999_999.0, 1)], ["0.123", "-999999999.0"]);
        assert_eq!([fixed(1.5e9, 3), fixed(-1e300, 0), fixed(f64::MAX, 1)], ["1.500e9", "-1e300", "1.8e308"]);
        assert_eq!([fixed(5e-324, 3), fixed(f64::INFINITY, 3), fixed(f64::NAN, 3)], ["0.000", "inf", "–"]);
        assert_eq!(mean([1e100, -1e100].into_iter()).unwrap(), "0.000 ± 1.414e100");
        assert_eq!(plus_minus(mean_and_deviation([1e150, 3e150]), 2, 1), "2.0e150 ± 1.4e150");
        assert_eq!(duration(1e300), "2.8e296 h");
    }
}
