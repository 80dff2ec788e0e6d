//! What the templates are given.

use askama::Template;
use serde_json::json;

use super::data::Cells;
use crate::{
    report::{
        choice,
        figure::Figure,
        left_out,
        run_data::RunData,
        table::{Share, Table, fixed},
    },
    run::TargetKind,
    statistics::mean_and_deviation,
    table::{Cell, Column},
    visible::visible,
};

/// A table with its tools: a filter, and buttons that copy it.
#[derive(Template)]
#[template(path = "table.html")]
pub struct TableView {
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    table: Table,
    /// Where each row's first cell leads to; none for tables without links.
    links: Vec<Option<String>>,
}

impl TableView {
    pub fn new(id: &'static str, label: &'static str, mut table: Table) -> TableView {
        table.header.iter_mut().chain(table.rows.iter_mut().flatten()).for_each(|cell| *cell = visible(cell));
        TableView { id, label, hint: "words", table, links: Vec::new() }
    }

    /// A table whose rows the page's script puts in, those of the chosen replica.
    pub fn to_be_filled(id: &'static str, label: &'static str, hint: &'static str, cells: &Cells) -> TableView {
        let header = cells.columns().map(str::to_owned).collect();
        TableView { id, label, hint, table: Table { header, rows: Vec::new() }, links: Vec::new() }
    }

    /// The same with links in the first column, one for each row.
    pub fn with_links(self, links: Vec<Option<String>>) -> TableView {
        TableView { links, ..self }
    }

    fn link(&self, row: &usize) -> Option<&str> {
        self.links.get(*row)?.as_deref()
    }
}

/// A figure with its caption.
#[derive(Template)]
#[template(path = "figure.html")]
pub struct FigureView<'a> {
    figure: &'a Figure,
    /// The element of its heading, which continues the headings around it.
    heading: &'static str,
    /// Otherwise it is a file beside the page.
    is_inside: bool,
}

impl FigureView<'_> {
    pub fn html(figure: &Figure, heading: &'static str, is_inside: bool) -> String {
        FigureView { figure, heading, is_inside }.render().expect("memory takes every write")
    }
}

/// What the columns of a table say, those that it has.
#[derive(Template)]
#[template(path = "columns.html")]
pub struct Columns {
    columns: Vec<&'static Column>,
}

impl Columns {
    pub fn of(cells: &Cells, known: &'static [Column]) -> Columns {
        let names = cells.columns();
        Columns { columns: names.filter_map(|name| known.iter().find(|column| column.name == name)).collect() }
    }
}

/// The share of replicas recovered with its interval, in percent, as a picture.
#[derive(Template)]
#[template(path = "share.html")]
pub struct ShareView {
    low: String,
    width: String,
    share: String,
}

impl ShareView {
    pub fn new(share: &Share) -> ShareView {
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        let (value, interval) = share.value();
        ShareView { low: percent(interval.low), width: percent(interval.high - interval.low), share: percent(value) }
    }

    pub fn html(&self) -> String {
        self.render().expect("memory takes every write")
    }
}

/// The verdict on a run.
pub struct Verdict {
    pub count: String,
    pub percent: String,
    pub interval: String,
    /// HTML.
    pub share: String,
    pub against_published: Option<String>,
    /// Which replica the score would pick.
    pub choice: Option<String>,
    /// Where the verdict is about features: how many have a component of their own.
    pub own_components: Option<String>,
    /// Which features the verdict leaves out.
    pub left_out: Option<String>,
}

impl Verdict {
    pub fn new(share: &Share, run: &RunData) -> Verdict {
        Verdict {
            count: share.count(),
            percent: share.percent(),
            interval: share.interval(),
            share: ShareView::new(share).html(),
            against_published: share.against_published(run),
            choice: choice::sentence(run),
            own_components: own_components(run),
            left_out: left_out::sentence(run),
        }
    }
}

fn own_components(run: &RunData) -> Option<String> {
    let own = mean_and_deviation(run.summary.iter().map(|row| row.features_with_own_component.number()))?;
    let in_digits = |number: f64| fixed(number, usize::from(number.fract() != 0.0));
    let of = match (left_out::mean_judged(run), run.kind()) {
        (Some(judged), _) => format!(" of {} that the target represents", in_digits(judged)),
        (None, Some(TargetKind::ResidualMlp { features, .. })) => format!(" of {features}"),
        (None, Some(TargetKind::GatedFunctions { functions, .. })) => format!(" of {functions}"),
        (None, _) => String::new(),
    };
    let whose = if run.summary.len() == 1 { "" } else { " in a mean replica" };
    Some(format!("Features with a component of their own{whose}: {}{of}.", in_digits(own.mean)))
}

/// Headings as the page's script wants them.
pub fn headings<'a>(names: impl Iterator<Item = &'a str>, known: &[Column]) -> serde_json::Value {
    let heading = |name: &str| {
        let meaning = known.iter().find(|column| column.name == name).map(Column::in_short);
        json!({ "name": name, "label": name.replace('_', " "), "meaning": meaning })
    };
    names.map(heading).collect()
}
