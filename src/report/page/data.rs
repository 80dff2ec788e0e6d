//! The numbers that the page's script shows, as JSON; tables keep whatever columns their files have.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use super::view::headings;
use crate::{
    report::{figure::diverging, kind, rows, run_data::RunData},
    run::{RunFolder, exists},
    table::{AttributionRow, CoactivityRow, Column, ComponentRow, MlpFeatureRow, RankRow, Row, ServingRow},
    visible::visible,
};

/// Replicas that are listed at most, whatever a spec asks for.
const MOST_REPLICAS: usize = 1000;
/// Correlations of activity below this magnitude are left out.
const WEAK: f64 = 0.05;

/// Features whose attributions are in the page for each component, those with the largest.
const MOST_ACTIVATING: usize = 12;

/// One replica that can be chosen.
pub struct Replica {
    pub replica: usize,
    pub seed: Option<String>,
    /// "recovered", "missing" and so on.
    pub state: &'static str,
}

impl Replica {
    /// "replica 3, seed 7: recovered"
    pub fn label(&self) -> String {
        let seed = self.seed.as_ref().map(|seed| format!(", seed {seed}")).unwrap_or_default();
        format!("replica {}{seed}: {}", self.replica, self.state)
    }

    /// What the reader who chooses it should know.
    fn note(&self) -> Option<&'static str> {
        match self.state {
            MISSING => Some("This replica has not been measured: summary.csv has no row of it."),
            FAILED => Some("This replica failed: its losses are no finite numbers."),
            _ => None,
        }
    }
}

const MISSING: &str = "missing";
const FAILED: &str = "failed";

/// Those that were measured and those that the spec asks for, by number.
pub fn replicas(run: &RunData) -> Vec<Replica> {
    let seeds = run.description.seeds.as_deref().unwrap_or_default();
    let mut replicas = BTreeMap::new();
    for replica in 0..run.replicas().unwrap_or(0).min(MOST_REPLICAS) {
        replicas.insert(replica, Replica { replica, seed: seeds.get(replica).map(u64::to_string), state: MISSING });
    }
    for row in run.summary.iter().take(MOST_REPLICAS) {
        let state = match row.recovered {
            _ if row.diverged_at.is_some() => "diverged",
            _ if !row.number("faithfulness").is_finite() => FAILED,
            Some(true) => "recovered",
            Some(false) => "not recovered",
            None => "not judged",
        };
        let replica = row.replica;
        replicas.insert(replica, Replica { replica, seed: Some(row.seed.to_string()), state });
    }
    if replicas.is_empty() {
        replicas.insert(0, Replica { replica: 0, seed: None, state: MISSING });
    }
    replicas.into_values().collect()
}

/// The rows of a table by replica, as JSON, without the column `replica`.
#[derive(Default)]
pub struct Cells {
    columns: Vec<String>,
    rows: BTreeMap<usize, Vec<Vec<Value>>>,
}

impl Cells {
    /// The table at `path`, empty if there is none; rows of replicas that are not `kept` are left out.
    fn read(path: &Path, kept: impl Fn(usize) -> bool, problems: &mut Vec<String>) -> Option<Cells> {
        if !exists(path).unwrap_or(true) {
            return None;
        }
        let (header, lines) = rows::read_cells(path, problems);
        let key = header.iter().position(|name| name == "replica")?;
        let mut cells = Cells { columns: header.iter().map(|name| visible(name)).collect(), rows: BTreeMap::new() };
        cells.columns.remove(key);
        for line in lines {
            let Some(replica) = line.get(key).and_then(|cell| cell.trim().parse().ok()).filter(|at| kept(*at)) else {
                continue;
            };
            let values = line.iter().enumerate().filter(|(at, _)| *at != key).map(|(_, cell)| value(cell));
            cells.rows.entry(replica).or_default().push(values.collect());
        }
        cells.drop_empty_columns();
        Some(cells)
    }

    /// Columns in which no row has anything, such as cosines in tables of networks that have none.
    fn drop_empty_columns(&mut self) {
        let has_rows = !self.rows.is_empty();
        for at in (0..self.columns.len()).rev() {
            let is_empty = |row: &Vec<Value>| row.get(at).is_none_or(Value::is_null);
            if has_rows && self.rows.values().flatten().all(is_empty) {
                self.columns.remove(at);
                self.rows.values_mut().flatten().for_each(|row| drop(row.remove(at)));
            }
        }
    }

    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// Without `column` if every row holds `value`, which then tells nothing.
    fn without_constant(mut self, column: &str, value: &str) -> Cells {
        if let Some(at) = self.columns.iter().position(|name| name == column)
            && self.rows.values().flatten().all(|row| row.get(at).is_some_and(|cell| cell == value))
        {
            self.columns.remove(at);
            self.rows.values_mut().flatten().for_each(|row| drop(row.remove(at)));
        }
        self
    }

    /// Takes out the rows whose number in `column` is `below` this magnitude.
    fn without_weak(mut self, column: &str, below: f64) -> Cells {
        if let Some(column) = self.columns.iter().position(|name| name == column) {
            let is_strong = |row: &Vec<Value>| row[column].as_f64().is_some_and(|value| value.abs() >= below);
            self.rows.values_mut().for_each(|rows| rows.retain(is_strong));
        }
        self
    }

    /// Keeps, of each replica's rows with the same `key`, the `most` with the largest `value`, in the order of the file.
    fn with_largest(mut self, key: &str, value: &str, most: usize) -> Cells {
        let place = |name: &str| self.columns.iter().position(|column| column == name);
        let (Some(key), Some(value)) = (place(key), place(value)) else { return self };
        for rows in self.rows.values_mut() {
            let size = |row: &Vec<Value>| row[value].as_f64().unwrap_or(f64::NEG_INFINITY);
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by(|a, b| size(&rows[*b]).total_cmp(&size(&rows[*a])));
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            let mut is_kept = vec![false; rows.len()];
            for index in order {
                let count = counts.entry(rows[index][key].to_string()).or_default();
                *count += 1;
                is_kept[index] = *count <= most;
            }
            let mut kept = is_kept.into_iter();
            rows.retain(|_| kept.next().unwrap_or(false));
        }
        self
    }

    fn json(&self, known: &[Column]) -> Value {
        let rows: BTreeMap<String, &Vec<Vec<Value>>> =
            self.rows.iter().map(|(replica, rows)| (replica.to_string(), rows)).collect();
        json!({ "columns": self.columns, "headings": headings(self.columns(), known), "rows": rows })
    }
}

/// A number with six digits, nothing for an empty cell, a text for anything else.
fn value(cell: &str) -> Value {
    match cell.trim() {
        "" => Value::Null,
        text => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                let rounded: f64 = format!("{number:.5e}").parse().unwrap_or(number);
                let is_whole = rounded.fract() == 0.0 && rounded.abs() < 1e15;
                if is_whole { json!(rounded as i64) } else { json!(rounded) }
            }
            _ => Value::from(visible(text)),
        },
    }
}

/// Everything that the script is given but the weights.
pub struct Data {
    pub components: Cells,
    pub features: Cells,
    document: Value,
}

impl Data {
    /// Tables of all replicas, and the long ones of those in `full`. What cannot be read is noted in `problems`.
    pub fn read(run: &RunData, replicas: &[Replica], full: &[usize], problems: &mut Vec<String>) -> Data {
        let folder = RunFolder::at(&run.folder);
        // What the figures have noted of the same files is said once.
        let mut new = Vec::new();
        let every = |_| true;
        let in_full = |replica| full.contains(&replica);
        let components = Cells::read(&folder.table::<ComponentRow>(), every, &mut new).unwrap_or_default();
        let features = Cells::read(&folder.table::<MlpFeatureRow>(), every, &mut new).unwrap_or_default();
        let features = features.without_constant("represented", "true");
        let serving = Cells::read(&folder.table::<ServingRow>(), every, &mut new);
        let attributions = Cells::read(&folder.table::<AttributionRow>(), in_full, &mut new);
        let attributions = attributions.map(|cells| cells.with_largest("component", "attribution", MOST_ACTIVATING));
        let coactivity = Cells::read(&folder.table::<CoactivityRow>(), in_full, &mut new);
        let ranks = Cells::read(&folder.table::<RankRow>(), in_full, &mut new);
        new.retain(|problem| !problems.contains(&visible(problem)));
        problems.append(&mut new);
        let notes: BTreeMap<String, &str> =
            replicas.iter().filter_map(|replica| Some((replica.replica.to_string(), replica.note()?))).collect();
        let colour = |value| <[u8; 3]>::from(diverging(value));
        let document = json!({
            "shown": run.shown_replica(),
            "full": full,
            "notes": notes,
            "colours": { "negative": colour(-1.0), "positive": colour(1.0), "none": colour(f64::NAN) },
            "has": { "serving": serving.is_some(), "attributions": attributions.is_some() },
            "tables": {
                "components": components.json(ComponentRow::TABLE.columns),
                "features": features.json(kind::feature_columns(run)),
                "serving": serving.unwrap_or_default().json(&[]),
                "attributions": attributions.unwrap_or_default().json(&[]),
                "coactivity": coactivity.unwrap_or_default().without_weak("correlation", WEAK).json(&[]),
                "ranks": ranks.unwrap_or_default().json(&[]),
            },
        });
        Data { components, features, document }
    }

    pub fn json(&self) -> String {
        embedded(&self.document)
    }
}

/// JSON that can stand in a page: no text in it can end the script element that holds it.
pub fn embedded(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_numbers_with_six_digits_texts_or_nothing() {
        let cells = ["", "3", "-0.12345678", "1e-7", "true", "NaN", "18446744073709551615", "a\u{7}\u{202e}b"];
        let values = cells.map(value);
        let expected = json!([null, 3, -0.123457, 1e-7, "true", "NaN", 1.84467e19, "a\u{FFFD}\u{FFFD}b"]);
        assert_eq!(Value::from(values.to_vec()), expected);
    }

    #[test]
    fn a_column_that_holds_the_same_everywhere_is_left_out() {
        let cells = |last: &str| {
            let columns = ["feature", "represented"].map(str::to_owned).into();
            let rows = [["0", "true"], ["1", last]].map(|row| row.map(value).to_vec());
            Cells { columns, rows: BTreeMap::from([(0, rows.to_vec())]) }.without_constant("represented", "true")
        };
        assert_eq!(cells("true").columns, ["feature"]);
        assert_eq!(cells("true").rows[&0], [vec![Value::from(0)], vec![Value::from(1)]]);
        assert_eq!(cells("false").columns, ["feature", "represented"]);
        assert_eq!(Cells::default().without_constant("represented", "true").columns, [""; 0]);
    }

    #[test]
    fn each_component_keeps_its_largest_attributions() {
        let columns = ["feature", "component", "attribution"].map(str::to_owned).into();
        let rows = [[0, 7, 3], [1, 7, 9], [2, 7, 5], [0, 8, 1]].map(|row| row.map(Value::from).to_vec());
        let cells = Cells { columns, rows: BTreeMap::from([(0, rows.to_vec())]) };
        let kept = cells.with_largest("component", "attribution", 2);
        let rows = [[1, 7, 9], [2, 7, 5], [0, 8, 1]].map(|row| row.map(Value::from).to_vec());
        assert_eq!(kept.rows[&0], rows);
    }

    #[test]
    fn no_text_ends_the_element_that_it_stands_in() {
        let text = "</script><script>alert(1)</script><!--";
        let embedded = embedded(&json!({ "text": text }));
        assert!(!embedded.contains('<'), "{embedded}");
        assert_eq!(serde_json::from_str::<Value>(&embedded).unwrap()["text"], text);
    }
}
