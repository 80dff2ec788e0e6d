//! Several runs side by side: their numbers, tests and curves together, where their specs differ, all results in columns, and
//! their figures beside each other.

use std::collections::BTreeSet;

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    STYLE, TABLE, THEME,
    results::results,
    view::{FigureView, TableView},
};
use crate::{
    report::{
        compared,
        figure::{Figure, overlay},
        files, kind,
        markdown::escaped,
        run_data::RunData,
        table::{self, Table},
    },
    run::RunFolder,
    settings::with_short_floats,
    visible::visible,
};

/// Runs as they stand beside each other.
pub struct Comparison<'a> {
    runs: &'a [RunData],
    /// Of each run.
    figures: &'a [Vec<Figure>],
    names: Vec<String>,
    by_run: Table,
    /// What is to be said beside that table.
    notes: Vec<String>,
    /// The figures in which all runs are.
    pub overlays: Vec<Figure>,
    differences: Table,
    results: Table,
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    title: String,
    script: String,
    runs: Vec<RunView>,
    by_run: TableView,
    by_run_explained: String,
    notes: &'a [String],
    /// HTML.
    overlays: Vec<String>,
    differences: Option<TableView>,
    results: TableView,
    explained: String,
    figures: Vec<Row<'a>>,
}

struct RunView {
    name: String,
    method: &'static str,
    about: String,
}

/// The same figure of all runs.
struct Row<'a> {
    name: &'static str,
    title: &'static str,
    figures: Vec<FigureOf<'a>>,
}

struct FigureOf<'a> {
    run: &'a str,
    /// An SVG in base64: as an image it keeps its identifiers to itself.
    image: Option<String>,
    caption: &'a str,
}

impl<'a> Comparison<'a> {
    /// `figures` are those of each run.
    pub fn new(runs: &'a [RunData], figures: &'a [Vec<Figure>]) -> Comparison<'a> {
        let names = compared::distinct_names(runs);
        Comparison {
            by_run: compared::by_run(runs, &names),
            notes: compared::notes(runs, &names),
            overlays: overlay::draw_all(runs, &names),
            differences: differences(runs, &names),
            results: results(runs, &names),
            runs,
            figures,
            names,
        }
    }

    /// The page `comparison.html`.
    pub fn html(&self) -> String {
        let run = |(run, name): (&RunData, &String)| RunView {
            name: name.clone(),
            method: run.words.name,
            about: visible(&table::about(run)),
        };
        let differences = Some(self.differences.clone()).filter(|table| !table.rows.is_empty());
        let page = Page {
            title: format!("{} runs side by side", self.runs.len()),
            script: [THEME, TABLE].join("\n"),
            runs: self.runs.iter().zip(&self.names).map(run).collect(),
            by_run: TableView::new("by_run_table", "The runs in numbers", self.by_run.clone()),
            by_run_explained: compared::columns_explained(self.runs),
            notes: &self.notes,
            overlays: self.overlays.iter().map(|figure| FigureView::html(figure, "h3", true)).collect(),
            differences: differences
                .map(|table| TableView::new("differences_table", "Differences of the specs", table)),
            results: TableView::new("results_table", "Results", self.results.clone()),
            explained: self.explained(),
            figures: self.rows_of_figures(),
        };
        page.render().expect("memory takes every write")
    }

    /// The tables as Markdown, `comparison.md`.
    pub fn markdown(&self, written: impl Fn(&Table) -> String) -> String {
        let differences = match self.differences.rows.is_empty() {
            true => "Nowhere: every setting is the same.".to_owned(),
            false => written(&self.differences),
        };
        let mut parts = vec![format!("# {} runs side by side", self.runs.len()), written(&self.by_run)];
        parts.push(compared::columns_explained(self.runs));
        parts.extend(self.notes.iter().map(|note| escaped(note)));
        for Figure { name, title, caption, .. } in &self.overlays {
            parts.push(format!("## {title}"));
            parts.push(format!("![{title}]({name}.svg)"));
            parts.push(format!("{caption} The numbers: [{name}_figure.csv]({name}_figure.csv)."));
        }
        parts.extend(["## Where the specs differ".to_owned(), differences]);
        parts.extend(["## Results".to_owned(), written(&self.results), self.explained()]);
        parts.join("\n\n") + "\n"
    }

    /// What the rows mean, once for each kind of target.
    fn explained(&self) -> String {
        let mut explained: Vec<String> = Vec::new();
        for run in self.runs {
            let text = kind::columns_explained(run);
            if !explained.contains(&text) {
                explained.push(text);
            }
        }
        explained.join(" ")
    }

    fn rows_of_figures(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row> = Vec::new();
        for figure in self.figures.iter().flatten() {
            if rows.iter().any(|row| row.name == figure.name) {
                continue;
            }
            let figures = self.names.iter().zip(self.figures).map(|(run, figures)| {
                let same = figures.iter().find(|other| other.name == figure.name);
                let image = same.map(|figure| STANDARD.encode(&figure.svg));
                FigureOf { run, image, caption: same.map_or("", |figure| &figure.caption) }
            });
            rows.push(Row { name: figure.name, title: figure.title, figures: figures.collect() });
        }
        rows
    }
}

/// Every setting that is not the same in all runs, one row each; "–" where a run has no such setting.
fn differences(runs: &[RunData], names: &[String]) -> Table {
    let settings: Vec<Vec<(String, String)>> = runs.iter().map(settings).collect();
    let keys: BTreeSet<&String> = settings.iter().flatten().map(|(key, _)| key).collect();
    let row = |key: &&String| {
        let value = |settings: &Vec<(String, String)>| {
            settings.iter().find(|(other, _)| other == *key).map_or("–".to_owned(), |(_, value)| value.clone())
        };
        let values: Vec<String> = settings.iter().map(value).collect();
        let differ = values.windows(2).any(|pair| pair[0] != pair[1]);
        differ.then(|| [(*key).clone()].into_iter().chain(values).collect())
    };
    Table { header: header("setting", names), rows: keys.iter().filter_map(row).collect() }
}

/// The settings of a run's spec, `method.apd.rank` and its value; the name is none.
fn settings(run: &RunData) -> Vec<(String, String)> {
    let text = files::text(&RunFolder::at(&run.folder).spec()).unwrap_or_default();
    let mut settings: toml::Table = text.parse().unwrap_or_default();
    settings.remove("name");
    let mut lines = Vec::new();
    collect("", &toml::Value::Table(settings), &mut lines);
    lines
}

fn collect(path: &str, value: &toml::Value, lines: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => table.iter().for_each(|(key, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            collect(&format!("{path}{dot}{key}"), value, lines);
        }),
        toml::Value::Table(_) => lines.push((path.to_owned(), "(chosen)".to_owned())),
        other => lines.push((path.to_owned(), with_short_floats(&other.to_string()))),
    }
}

pub(super) fn header(first: &str, names: &[String]) -> Vec<String> {
    [first.to_owned()].into_iter().chain(names.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_named_by_their_path() {
        let spec: toml::Table =
            "seeds = [1, 2]\n[method.apd]\nrank = 3\n[method.apd.selection.exact]\n".parse().unwrap();
        let mut lines = Vec::new();
        collect("", &toml::Value::Table(spec), &mut lines);
        let lines: Vec<String> = lines.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        assert_eq!(lines, ["method.apd.rank = 3", "method.apd.selection.exact = (chosen)", "seeds = [1, 2]"]);
    }
}
