//! What the tables of runs and sweeps hold, as they are declared: as text for a terminal, and as the page `docs/tables.md`.

use super::terminal::wrapped;
use crate::{
    settings::nearest,
    table::{Column, NetworkKind, OF_RUNS, OF_SWEEPS, Source, Table},
};

const RULES: &str = "\
    `replica` counts from 0 in the order of the spec's seeds; `component` and `feature` count from 0. An empty field means \
    that there is nothing to say, such as the feature of an unmatched component. Numbers have the fewest digits that read \
    back as the same number, or six digits where the table says so; very large and very small ones have a power of ten \
    (`1.5e-300`).";

/// Every table with the sentence that says what it holds, in lines of `width` columns.
pub fn list(width: usize) -> String {
    let lines = |tables: &[Table]| -> String {
        tables.iter().map(|table| format!("\n  {}\n{}\n", table.file, indented(&table.in_short(), width))).collect()
    };
    format!("The tables of a run:\n{}\nThe tables of a sweep:\n{}", lines(&OF_RUNS), lines(&OF_SWEEPS))
}

/// The columns of the table called `name`, with or without `.csv`, in lines of `width` columns.
///
/// # Errors
/// If there is no such table: the most similar name, if one is similar.
pub fn describe(name: &str, width: usize) -> Result<String, Option<&'static str>> {
    let stem = |table: &Table| table.file.trim_end_matches(".csv");
    let meant: Vec<&Table> = all().filter(|table| [table.file, stem(table)].contains(&name)).collect();
    match meant.is_empty() {
        true => Err(nearest(name, all().map(stem))),
        false => Ok(meant.into_iter().map(|table| text_of(table, width)).collect::<Vec<_>>().join("\n\n")),
    }
}

/// All tables as a page of Markdown.
pub fn page() -> String {
    let sections = |tables: &[Table]| tables.iter().map(section_of).collect::<Vec<_>>().join("\n");
    format!(
        "# The tables\n\nMade by `apd help tables --markdown > docs/tables.md` from the declarations in `src/table`; a test \
         compares the two. `apd help tables NAME` tells of one table. What the terms mean is said in [how to read the \
         results](../README.md#how-to-read-the-results).\n\n{}\n\n## Of a run\n\n{}\n## Of a sweep\n\n{}",
        in_markdown(RULES),
        sections(&OF_RUNS),
        sections(&OF_SWEEPS)
    )
}

fn all() -> impl Iterator<Item = &'static Table> {
    OF_RUNS.iter().chain(&OF_SWEEPS)
}

fn text_of(table: &Table, width: usize) -> String {
    let mut parts = vec![table.file.to_owned()];
    parts.extend(table.in_full().chain(properties(table)).map(|paragraph| wrapped(&paragraph, width)));
    let column = |column: &Column| {
        let unit = if column.unit.is_empty() { String::new() } else { format!("  [{}]", column.unit) };
        let networks = alone(column.of).map(|networks| format!(" Only of {networks}.")).unwrap_or_default();
        format!("  {}{unit}\n{}", column.name, indented(&format!("{}{networks}", column.in_full()), width))
    };
    parts.extend(table.columns.iter().map(column));
    parts.join("\n\n")
}

fn section_of(table: &Table) -> String {
    let about: Vec<String> = table.in_full().chain(properties(table)).map(|text| in_markdown(&text)).collect();
    let row = |column: &Column| {
        let networks = alone(column.of).map(|networks| format!(" Only of {networks}.")).unwrap_or_default();
        format!("| `{}` | {} | {}{networks} |\n", column.name, column.unit, in_markdown(&column.in_full()))
    };
    let rows: String = table.columns.iter().map(row).collect();
    let of = alone(table.of).map(|networks| format!(" of {networks}")).unwrap_or_default();
    format!("### `{}`{of}\n\n{}\n\n| column | unit | meaning |\n|:--|:--|:--|\n{rows}", table.file, about.join("\n\n"))
}

/// Which runs have the table, and how its numbers are written, where that is not as of most.
fn properties(table: &Table) -> Option<String> {
    let networks = alone(table.of).map(|networks| format!("Only runs of {networks} have it."));
    let targets = (table.source == Source::Targets).then(|| "It is there if the targets were trained.".to_owned());
    let selection = table.needs_selection.then(|| "The L_p form, which selects nothing, does not have it.".to_owned());
    let digits = table.has_short_numbers.then(|| "Numbers have six digits.".to_owned());
    let sentences: Vec<String> = [networks, targets, selection, digits].into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// The networks in words, if these are not all.
fn alone(of: &[NetworkKind]) -> Option<String> {
    let names: Vec<String> = of.iter().map(NetworkKind::to_string).collect();
    (of.len() < NetworkKind::ALL.len()).then(|| names.join(" and "))
}

fn indented(text: &str, width: usize) -> String {
    wrapped(text, width - 6).lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n")
}

/// Text whose words outside of backticks are not taken for marks of Markdown.
fn in_markdown(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => part.replace('_', "\\_").replace('*', "\\*").replace('<', "&lt;").replace('|', "\\|"),
        _ => part.replace('|', "\\|"),
    });
    parts.collect::<Vec<_>>().join("`")
}
