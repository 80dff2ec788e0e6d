//! The tables of a report as plain text.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table as TextTable, presets::NOTHING,
};

use super::{
    choice, compared, kind, left_out,
    run_data::RunData,
    table::{self, Share, Table},
};
use crate::visible::visible;

/// Every run's tables, and below them an overview if there are several runs.
pub fn text(runs: &[RunData], width: usize) -> String {
    let mut sections: Vec<String> = runs.iter().map(|run| section(run, width)).collect();
    if runs.len() > 1 {
        sections.push(together(runs, width));
    }
    sections.join("\n\n\n")
}

/// All runs below each other, and what is to be said of their differences.
fn together(runs: &[RunData], width: usize) -> String {
    let names = compared::distinct_names(runs);
    let mut parts = vec!["All runs".to_owned()];
    for table in compared::by_run_in_two(runs, &names).into_iter().filter(|table| table.header.len() > 1) {
        parts.push(aligned_with_names(&narrowed(table, &MISSED_LEAST_OF_RUNS, width), width));
    }
    let said = [compared::columns_explained(runs)].into_iter().chain(compared::notes(runs, &names));
    parts.extend(said.map(|sentence| wrapped(&sentence, width)));
    parts.join("\n\n")
}

fn section(run: &RunData, width: usize) -> String {
    let mut parts = vec![wrapped(&format!("{}: {}", visible(&run.name), table::about(run)), width)];
    if run.summary.is_empty() {
        parts.push(run.why_no_replica().to_owned());
    } else {
        parts.push(aligned(&narrowed(table::replicas(run), &MISSED_LEAST, width), width));
        parts.push(wrapped(&kind::columns_explained(run), width));
        if let Some(share) = Share::of(run) {
            let (count, percent, interval) = (share.count(), share.percent(), share.interval());
            parts.push(format!("Recovered: {count} ({percent}; Wilson 95 % interval {interval})"));
            parts.extend(share.against_published(run).map(|sentence| wrapped(&sentence, width)));
        }
        parts.extend(left_out::sentence(run).map(|sentence| wrapped(&sentence, width)));
        parts.extend(choice::sentence(run).map(|sentence| wrapped(&sentence, width)));
        parts.push(aligned(&table::comparison(run), width));
    }
    parts.extend(table::gaps(run).iter().map(|gap| wrapped(&format!("Note: {gap}"), width)));
    parts.join("\n\n")
}

/// Columns without vertical lines, names to the left and numbers to the right; two spaces apart if they fit, or one.
pub fn aligned(table: &Table, width: usize) -> String {
    laid_out(table, width).trim_fmt()
}

/// As [`aligned`], with a line for each row even if it is wider: for names that are searched for and copied.
pub fn unbroken(table: &Table, width: usize) -> String {
    laid_out(table, width).set_content_arrangement(ContentArrangement::Disabled).trim_fmt()
}

/// As [`aligned`], with names that are never broken, so that they can be searched for, unless they take half of the width.
pub fn aligned_with_names(table: &Table, width: usize) -> String {
    let names = table.rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
    let mut text = laid_out(table, width);
    if let Some(column) = text.column_mut(0).filter(|_| names <= width / 2) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    text.trim_fmt()
}

fn laid_out(table: &Table, width: usize) -> TextTable {
    // One space stands between columns in any case.
    let padding = u16::from(natural_width(table) + table.header.len() <= width + 1);
    let mut text = TextTable::new();
    text.load_style(NOTHING.header_separator(LineStyle::none().fill('-').junction('-')));
    text.set_content_arrangement(ContentArrangement::Dynamic);
    text.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    text.set_header(&table.header);
    text.add_rows(&table.rows);
    for (index, column) in text.column_iter_mut().enumerate() {
        column.set_padding((0, if index + 1 < table.header.len() { padding } else { 0 }));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text
}

/// How wide the table is with one space between its columns.
fn natural_width(table: &Table) -> usize {
    let cell_width = |row: &Vec<String>, column: usize| row[column].chars().count();
    let column_width = |column| {
        let rows = table.rows.iter().chain([&table.header]);
        rows.map(|row| cell_width(row, column)).max().unwrap_or(0)
    };
    let columns = table.header.len();
    (0..columns).map(column_width).sum::<usize>() + columns.saturating_sub(1)
}

/// The columns of a table of replicas that are missed least.
const MISSED_LEAST: [&str; 3] = ["seed", "rank", "alive"];

/// The columns of the tables of runs that are missed least: sections above and notes below tell the targets.
const MISSED_LEAST_OF_RUNS: [&str; 4] = ["target", "seeds", "alive", "ML2R"];

/// The table without the columns that are missed least, one after the other, as far as it would be too wide with them.
pub fn narrowed(mut table: Table, missed_least: &[&str], width: usize) -> Table {
    for name in missed_least {
        if natural_width(&table) > width {
            table.remove(name);
        }
    }
    table
}

/// `text` in lines of at most `width` characters; a longer word, such as a path, stands alone in its line.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("never empty");
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if length > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_words_and_long_words_stay_whole() {
        assert_eq!(wrapped("one two three", 8), "one two\nthree");
        assert_eq!(wrapped("a incomprehensible b", 8), "a\nincomprehensible\nb");
    }
}
