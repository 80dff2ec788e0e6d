//! The tables of a report as a fragment of LaTeX, `tables.tex`, for `\input` in a document that uses booktabs.

use super::{
    left_out,
    run_data::RunData,
    table::{self, Share, Table},
};
use crate::visible::visible;

/// The verdict as a comment, then the means and the table of replicas; only what is there.
pub fn tables(run: &RunData) -> String {
    let mut parts = vec![format!("% {}: {}", one_line(&run.name), one_line(&table::about(run)))];
    parts.push("% \\usepackage{booktabs}, in UTF-8".to_owned());
    parts.extend(Share::of(run).map(|share| {
        format!("% Recovered: {} ({}; Wilson 95 % interval {})", share.count(), share.percent(), share.interval())
    }));
    parts.extend(left_out::sentence(run).map(|sentence| format!("% {sentence}")));
    if run.summary.is_empty() {
        parts.push(format!("% {}", run.why_no_replica()));
    } else {
        parts.push(written(&table::comparison(run)));
        parts.push(written(&table::replicas(run)));
    }
    parts.join("\n") + "\n"
}

/// The first column to the left, the others, which hold numbers, to the right.
fn written(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        format!("{} \\\\", cells.join(" & "))
    };
    let numbers = "r".repeat(table.header.len().saturating_sub(1));
    let mut lines = vec![format!("\\begin{{tabular}}{{l{numbers}}}"), "\\toprule".to_owned()];
    lines.extend([line(&table.header), "\\midrule".to_owned()]);
    lines.extend(table.rows.iter().map(|row| line(row)));
    lines.extend(["\\bottomrule".to_owned(), "\\end{tabular}".to_owned()]);
    lines.join("\n")
}

/// For a comment, which ends with its line.
fn one_line(text: &str) -> String {
    visible(text).replace(['\u{2028}', '\u{2029}'], " ")
}

/// `text` so that LaTeX shows it as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '±' => escaped.push_str("$\\pm$"),
            '−' => escaped.push_str("$-$"),
            '–' => escaped.push_str("--"),
            '\u{FFFD}' => escaped.push('?'),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => {
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
    fn names_cannot_write_latex() {
        assert_eq!(
            escaped("\\input{x} 5 % & $a_1^2$ ~#\n"),
            "\\textbackslash{}input\\{x\\} 5 \\% \\& \\$a\\_1\\textasciicircum{}2\\$ \\textasciitilde{}\\#?"
        );
    }

    #[test]
    fn a_table_stands_between_rules() {
        let table = Table {
            header: ["run", "MMCS"].map(str::to_owned).into(),
            rows: vec![["all", "0.998 ± 0.001"].map(str::to_owned).into()],
        };
        let expected = "\\begin{tabular}{lr}\n\\toprule\nrun & MMCS \\\\\n\\midrule\nall & 0.998 $\\pm$ 0.001 \\\\\n\
                        \\bottomrule\n\\end{tabular}";
        assert_eq!(written(&table), expected);
    }
}
