//! Two runs side by side: where their specs differ, and what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    left_out,
    rows::{read_cells, read_table},
    run_data::read_spec,
    table::{Share, Table, fixed},
    terminal::{aligned_with_names, wrapped},
};
use crate::{
    run::{RunError, RunFolder},
    settings::with_short_floats,
    spec,
    statistics::{MeanDeviation, mean_and_deviation},
    table::{Holds, MlpFeatureRow, Row, SummaryRow},
    visible::visible,
};

/// Digits of a mean that are shown.
const DIGITS: i32 = 4;

/// The differences of two run folders' specs, then the summaries of both, in lines of at most `width` columns.
///
/// # Errors
/// If a path is no run folder. What is missing in one, or damaged, is noted.
pub fn diff(first: &Path, second: &Path, width: usize) -> Result<String, RunError> {
    let runs = [Side::read(first)?, Side::read(second)?];
    let names = ["A", "B"].iter().zip(&runs).map(|(letter, side)| format!("{letter}: {}", side.shown));
    let mut parts = vec![names.map(|name| wrapped(&visible(&name), width)).collect::<Vec<_>>().join("\n")];
    let differences = differences(&runs[0].settings, &runs[1].settings);
    parts.push(match differences.rows.is_empty() {
        true => "The specs are the same.".to_owned(),
        false => aligned_with_names(&differences, width),
    });
    parts.push(aligned_with_names(&results(&runs), width));
    for (letter, side) in ["A", "B"].iter().zip(&runs) {
        parts.extend(side.left_out.as_ref().map(|sentence| wrapped(&format!("{letter}: {sentence}"), width)));
        let note = |problem: &String| wrapped(&visible(&format!("Note on {letter}: {problem}")), width);
        parts.extend(side.problems.iter().map(note));
    }
    Ok(parts.join("\n\n"))
}

/// One of the two runs.
struct Side {
    /// Its path as it was given.
    shown: String,
    /// Every value of its spec by its dotted key.
    settings: BTreeMap<String, String>,
    share: Option<Share>,
    /// The columns of its summary that hold numbers.
    numbers: Vec<(String, Vec<f64>)>,
    problems: Vec<String>,
    /// Which features its verdicts leave out.
    left_out: Option<String>,
}

impl Side {
    fn read(folder: &Path) -> Result<Self, RunError> {
        let paths = RunFolder::existing(folder)?;
        let mut problems = Vec::new();
        let mut settings = BTreeMap::new();
        collect("", &toml::Value::Table(read_spec(&paths.spec(), &mut problems)), &mut settings);
        let summary: Vec<SummaryRow> = read_table(&paths.table::<SummaryRow>(), &mut problems);
        let (share, numbers) = (Share::of_rows(&summary), numbers(&paths.table::<SummaryRow>()));
        // The table is no part of what is compared: whatever else is wrong with it is no matter here.
        let features: Vec<MlpFeatureRow> = read_table(&paths.table::<MlpFeatureRow>(), &mut Vec::new());
        let left_out = left_out::sentence_of(&features, spec::describe(folder).mechanism_of());
        Ok(Self { shown: folder.display().to_string(), settings, share, numbers, problems, left_out })
    }
}

/// The columns of a summary that hold numbers, by name; an empty cell is NaN.
fn numbers(summary: &Path) -> Vec<(String, Vec<f64>)> {
    // What is wrong with the file is noted where its rows are read.
    let (header, rows) = read_cells(summary, &mut Vec::new());
    let column = |(place, name): (usize, String)| {
        let cells = rows.iter().filter_map(|row| row.get(place));
        (name, cells.map(|cell| cell.trim().parse().unwrap_or(f64::NAN)).collect())
    };
    // What is not declared is of a newer version.
    let is_number = |name: &str| SummaryRow::TABLE.column(name).is_none_or(|column| column.holds == Holds::Number);
    header.into_iter().enumerate().filter(|(_, name)| is_number(name)).map(column).collect()
}

/// Every value below `value` by its dotted key. A list is one value, and so is a table without keys.
fn collect(key: &str, value: &toml::Value, settings: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() || key.is_empty() => {
            let below = |name: &String| if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            table.iter().for_each(|(name, value)| collect(&below(name), value, settings));
        }
        toml::Value::Table(_) => drop(settings.insert(key.to_owned(), "{}".to_owned())),
        toml::Value::Array(list) => drop(settings.insert(key.to_owned(), shortened(list))),
        value => drop(settings.insert(key.to_owned(), with_short_floats(&value.to_string()))),
    }
}

/// `[0, 1 .. 29]` for numbers without a gap, as many seeds are.
fn shortened(list: &[toml::Value]) -> String {
    let numbers: Vec<i64> = list.iter().filter_map(toml::Value::as_integer).collect();
    let is_long = list.len() > 3 && numbers.len() == list.len();
    if is_long && numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])) {
        return format!("[{}, {} .. {}]", numbers[0], numbers[1], numbers[numbers.len() - 1]);
    }
    with_short_floats(&toml::Value::Array(list.to_vec()).to_string())
}

/// The keys whose values are not the same, or that only one of them has.
fn differences(first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) -> Table {
    let keys: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let cell = |settings: &BTreeMap<String, String>, key: &String| {
        settings.get(key).map_or_else(|| "–".to_owned(), |value| visible(value))
    };
    let differing = keys.into_iter().filter(|key| first.get(*key) != second.get(*key));
    let rows = differing.map(|key| vec![visible(key), cell(first, key), cell(second, key)]).collect();
    Table { header: ["spec", "A", "B"].map(str::to_owned).to_vec(), rows }
}

/// The share of recovered replicas, and means of all columns of the summaries that have a number in one of them.
fn results(runs: &[Side; 2]) -> Table {
    let shares = |words: fn(&Share) -> String| {
        runs.iter().map(move |side| side.share.as_ref().map_or_else(|| "–".to_owned(), words))
    };
    let mut rows: Vec<Vec<String>> = vec![
        ["recovered", "replicas"].map(str::to_owned).into_iter().chain(shares(Share::count)).collect(),
        ["Wilson 95 % interval", ""].map(str::to_owned).into_iter().chain(shares(Share::interval)).collect(),
    ];
    let mut columns: Vec<&String> = Vec::new();
    for (name, _) in runs.iter().flat_map(|side| &side.numbers) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    for name in columns {
        let mean = |side: &Side| {
            let values = side.numbers.iter().find(|(column, _)| column == name).map(|(_, values)| values.clone());
            mean_and_deviation(values.unwrap_or_default())
        };
        let means: Vec<Option<MeanDeviation>> = runs.iter().map(mean).collect();
        if means.iter().any(Option::is_some) {
            let cells = means.iter().map(|mean| mean.as_ref().map_or_else(|| "–".to_owned(), in_digits));
            rows.push([visible(name), unit(name)].into_iter().chain(cells).collect());
        }
    }
    Table { header: ["mean ± deviation", "unit", "A", "B"].map(str::to_owned).to_vec(), rows }
}

/// The unit of a column of `summary.csv`; squared ones in short, as `output²`.
fn unit(column: &str) -> String {
    let unit = SummaryRow::TABLE.column(column).map_or("", |column| column.unit);
    let squared = unit.strip_prefix("squared ").and_then(|unit| unit.strip_suffix(" units"));
    squared.map_or_else(|| unit.to_owned(), |unit| format!("{unit}²"))
}

/// "0.9981 ± 0.0012" or "1.234e-7 ± 1.2e-8".
fn in_digits(MeanDeviation { mean, deviation, .. }: &MeanDeviation) -> String {
    let size = if *mean == 0.0 { 0 } else { mean.abs().log10().floor() as i32 };
    if !(-3..6).contains(&size) {
        let deviation = deviation.map(|deviation| format!(" ± {deviation:.1e}")).unwrap_or_default();
        return format!("{mean:.3e}{deviation}");
    }
    let decimals = (DIGITS - 1 - size).max(0) as usize;
    let deviation = deviation.map(|deviation| format!(" ± {}", fixed(deviation, decimals))).unwrap_or_default();
    format!("{mean:.decimals$}{deviation}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        collect("", &toml::Value::Table(text.parse().unwrap()), &mut settings);
        settings
    }

    #[test]
    fn what_differs_is_named_by_its_dotted_key() {
        let first = settings("seeds = [0, 1]\n[method.apd]\nrank = 2\n[method.apd.selection.exact]\n");
        let second = settings("seeds = [0, 1]\n[method.apd]\nrank = 3\n[method.apd.selection.sample_top_k]\nk = 1\n");
        assert_eq!(
            differences(&first, &second).rows,
            [
                ["method.apd.rank", "2", "3"],
                ["method.apd.selection.exact", "{}", "–"],
                ["method.apd.selection.sample_top_k.k", "–", "1"]
            ]
        );
        assert!(differences(&first, &first).rows.is_empty());
    }

    #[test]
    fn many_seeds_are_shown_as_a_range() {
        let shown = |text: &str| settings(text)["seeds"].clone();
        assert_eq!(shown("seeds = [3, 4, 5, 6, 7]"), "[3, 4 .. 7]");
        assert_eq!(shown("seeds = [3, 4, 6, 7]"), "[3, 4, 6, 7]");
        assert_eq!(shown("seeds = [3]"), "[3]");
    }

    #[test]
    fn means_have_four_digits() {
        let shown = |mean: f64, deviation: Option<f64>| in_digits(&MeanDeviation { mean, deviation, count: 2 });
        assert_eq!(shown(0.99812345, Some(0.00123)), "0.9981 ± 0.0012");
        assert_eq!(shown(123.456, None), "123.5");
        assert_eq!(shown(0.0014321, Some(0.0004)), "0.001432 ± 0.000400");
        assert_eq!(shown(1.234567e-7, Some(1.2e-8)), "1.235e-7 ± 1.2e-8");
        assert_eq!(shown(0.0, Some(0.0)), "0.000 ± 0.000");
        assert_eq!(shown(54_321.0, Some(10.0)), "54321 ± 10");
        assert_eq!(shown(0.0, Some(1e300)), "0.000 ± 1.000e300");
        assert_eq!(shown(1e308, Some(f64::INFINITY)), "1.000e308 ± inf");
    }
}
