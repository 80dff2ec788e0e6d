//! The report as one page of Markdown, `report.md`.

use super::{
    choice,
    figure::Figure,
    kind, left_out,
    run_data::RunData,
    table::{self, Share, Table},
};
use crate::visible::visible;

/// The page: verdict, comparison, replicas, figures with their captions, and what is missing.
pub fn page(run: &RunData, figures: &[Figure]) -> String {
    let mut parts = vec![format!("# {}", escaped(&run.name)), format!("{}.", escaped(&table::about(run)))];
    if run.summary.is_empty() {
        parts.push(run.why_no_replica().to_owned());
    } else {
        if let Some(share) = Share::of(run) {
            let (count, percent, interval) = (share.count(), share.percent(), share.interval());
            parts.push(format!("**Recovered: {count}** ({percent}; Wilson 95 % interval {interval})."));
            parts.extend(share.against_published(run));
        }
        parts.extend(left_out::sentence(run));
        parts.extend(choice::sentence(run));
        parts.push(written(&table::comparison(run)));
    }
    let gaps = table::gaps(run);
    if !gaps.is_empty() {
        let list: Vec<String> = gaps.iter().map(|gap| format!("- {}", escaped(gap))).collect();
        parts.push("## What is missing".to_owned());
        parts.push(list.join("\n"));
    }
    for figure in figures {
        let Figure { name, title, caption, .. } = figure;
        parts.push(format!("## {title}"));
        parts.push(format!("![{title}]({name}.svg)"));
        parts.push(format!("{} The numbers: [{name}_figure.csv]({name}_figure.csv).", caption));
    }
    if !run.summary.is_empty() {
        parts.push("## Replicas".to_owned());
        parts.push(written(&table::replicas(run)));
        parts.push(kind::columns_explained(run));
    }
    parts.join("\n\n") + "\n"
}

/// The first column to the left, the others, which hold numbers, to the right.
pub fn written(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        format!("| {} |", cells.join(" | "))
    };
    let alignment: Vec<&str> = (0..table.header.len()).map(|column| if column == 0 { ":--" } else { "--:" }).collect();
    let mut lines = vec![line(&table.header), format!("| {} |", alignment.join(" | "))];
    lines.extend(table.rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// `text` so that Markdown and HTML show it as it is, in one line.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_write_markdown_or_html() {
        assert_eq!(escaped("<b>a|b</b> _c_ & [d]\n"), "&lt;b&gt;a\\|b&lt;/b&gt; \\_c\\_ &amp; \\[d\\]\u{FFFD}");
    }
}
