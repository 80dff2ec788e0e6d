//! The report as one self-contained page, `report.html`, and several runs side by side, `comparison.html`. Neither asks
//! for anything outside itself: styles, script, figures and numbers are all in the file.
//!
//! - `view`: what the templates are given
//! - `data`: the numbers that the page's script shows, as JSON
//! - `matrices`, `quantised`: the weights of a component, and how they get into the page
//! - `facts`: spec, provenance and files
//! - [`comparison`], `results`: several runs side by side

pub mod comparison;
mod data;
mod facts;
mod matrices;
mod quantised;
mod results;
pub(super) mod view;

use askama::Template;
pub use comparison::Comparison;
use data::Replica;
use facts::Facts;
use view::{Columns, FigureView, TableView, Verdict};

use super::{
    figure::Figure,
    kind, left_out,
    run_data::RunData,
    table::{self, Share, Table},
};
use crate::{
    method::Words,
    table::{ComponentRow, Row},
    visible::visible,
};

pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const THEME: &str = include_str!("script/theme.js");
pub(super) const TABLE: &str = include_str!("script/table.js");
const HEAT_MAP: &str = include_str!("script/heat_map.js");
const EXPLORER: &str = include_str!("script/explorer.js");

/// The page is kept below this many bytes by leaving out weights of components, the dead and the smallest first.
const MOST_BYTES: usize = 4_900_000;
/// And figures that would take more than this together are left beside it.
pub(super) const MOST_BYTES_OF_FIGURES: usize = 3_000_000;
/// The figures that show a whole decomposition at a glance, the best first.
const PICTURES: [&str; 4] = ["features", "contributions", "curves", "network"];
/// But so many are always given to the weights of the shown replica.
const LEAST_FOR_WEIGHTS: usize = 500_000;
/// And so many to those of every other replica that was asked for.
const FOR_ASKED_WEIGHTS: usize = 3_000_000;

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    script: String,
    name: String,
    about: String,
    unfinished: Option<&'static str>,
    verdict: Option<Verdict>,
    /// Why there is none, of a run that is measured.
    no_verdict: Option<String>,
    why_no_replica: &'static str,
    settings: Vec<(&'static str, String)>,
    picture: Option<String>,
    comparison: Option<TableView>,
    gaps: Vec<String>,
    evidence: Vec<String>,
    replicas: Option<TableView>,
    columns_explained: String,
    choices: Vec<Replica>,
    shown: usize,
    components: TableView,
    component_columns: Columns,
    features: TableView,
    feature_columns: Columns,
    spec: String,
    provenance: Vec<(&'static str, String)>,
    words: &'static Words,
    files: Vec<(&'static str, String)>,
    data: String,
    weights: Vec<(usize, String)>,
}

/// The page of one run. The weights of the shown replica are in it, and those of the replicas `asked` for.
pub fn page(run: &RunData, figures: &[Figure], asked: &[usize]) -> String {
    let facts = Facts::read(run);
    let mut gaps = table::gaps(run);
    let shown = run.shown_replica();
    let replicas = data::replicas(run);
    let mut full: Vec<usize> = asked.iter().copied().chain([shown]).collect();
    full.sort_unstable();
    full.dedup();
    let unknown = full.iter().filter(|asked| !replicas.iter().any(|replica| replica.replica == **asked));
    gaps.extend(unknown.map(|asked| format!("There is no replica {asked}, whose weights were asked for.")));
    let data = data::Data::read(run, &replicas, &full, &mut gaps);
    let (picture, figures) = in_html(figures);
    let mut page = Page {
        title: format!("{} – apd report", visible(&run.name)),
        script: [THEME, TABLE, HEAT_MAP, EXPLORER].join("\n"),
        name: visible(&run.name),
        about: visible(&table::about(run)),
        unfinished: facts::unfinished(run),
        verdict: Share::of(run).map(|share| Verdict::new(&share, run)),
        why_no_replica: run.why_no_replica(),
        no_verdict: left_out::sentence(run).filter(|_| !run.summary.is_empty()),
        settings: facts.settings(),
        picture,
        comparison: (!run.summary.is_empty()).then(|| TableView::new("comparison", "Means", table::comparison(run))),
        gaps: Vec::new(),
        evidence: figures,
        replicas: (!run.summary.is_empty())
            .then(|| TableView::new("replica_table", "Replicas", with_missing_ones(run, &replicas))),
        columns_explained: kind::columns_explained(run),
        shown,
        components: TableView::to_be_filled("components_table", "Components", "mixed, or cosine<0.9", &data.components),
        component_columns: Columns::of(&data.components, ComponentRow::TABLE.columns),
        features: TableView::to_be_filled("features_table", "Features", "words, or cosine<0.9", &data.features),
        feature_columns: Columns::of(&data.features, kind::feature_columns(run)),
        choices: replicas,
        spec: facts.spec.clone(),
        provenance: facts.provenance(),
        words: run.words,
        files: facts::files(run),
        data: data.json(),
        weights: Vec::new(),
    };
    let rest = page.render().map_or(0, |html| html.len());
    let budget = |replica| match replica == shown {
        true => MOST_BYTES.saturating_sub(rest).max(LEAST_FOR_WEIGHTS),
        false => FOR_ASKED_WEIGHTS,
    };
    for replica in full {
        if let Some(weights) = quantised::of(run, replica, budget(replica), &mut gaps) {
            page.weights.push((replica, weights));
        }
    }
    page.gaps = gaps.iter().map(|gap| visible(gap)).collect();
    page.render().expect("memory takes every write")
}

/// The one picture of the summary and the other figures, with their captions.
fn in_html(figures: &[Figure]) -> (Option<String>, Vec<String>) {
    let mut room = MOST_BYTES_OF_FIGURES;
    let mut html = |figure: &Figure, heading| {
        let is_inside = figure.svg.len() <= room;
        room -= if is_inside { figure.svg.len() } else { 0 };
        FigureView::html(figure, heading, is_inside)
    };
    let named = |name: &&str| figures.iter().position(|figure| figure.name == *name);
    let Some(first) = PICTURES.iter().find_map(named).or((!figures.is_empty()).then_some(0)) else {
        return (None, Vec::new());
    };
    let picture = html(&figures[first], "h2");
    let others = figures.iter().enumerate().filter(|(index, _)| *index != first);
    (Some(picture), others.map(|(_, figure)| html(figure, "h3")).collect())
}

/// The table of replicas with a row for each that the spec asks for and that has not been measured.
fn with_missing_ones(run: &RunData, replicas: &[Replica]) -> Table {
    let mut table = table::replicas(run);
    let columns = table.header.len();
    let measured = |replica: &&Replica| run.summary.iter().any(|row| row.replica == replica.replica);
    for replica in replicas.iter().filter(|replica| !measured(replica)) {
        let mut row = vec![replica.replica.to_string(), replica.seed.clone().unwrap_or("–".to_owned())];
        row.resize(columns - 1, "–".to_owned());
        row.push(replica.state.to_owned());
        table.rows.push(row);
    }
    table
}
