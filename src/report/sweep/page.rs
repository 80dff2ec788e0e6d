//! The report of a sweep as one self-contained page, `report.html`.

use askama::Template;

use super::{data::SweepData, table, words};
use crate::{
    report::{
        figure::Figure,
        page::{
            MOST_BYTES_OF_FIGURES, STYLE, TABLE, THEME,
            view::{FigureView, ShareView, TableView},
        },
    },
    run::SweepFolder,
    visible::{visible, visible_lines},
};

/// Trials beyond these are left out of the page.
const MOST_TRIALS: usize = 2_000;

#[derive(Template)]
#[template(path = "sweep.html")]
struct Page<'a> {
    link: &'a str,
    title: String,
    script: String,
    name: String,
    about: String,
    unfinished: Option<&'static str>,
    standing: Vec<String>,
    best_is: &'static str,
    best: Option<Best>,
    commands: Vec<(&'static str, &'static str)>,
    recommended: Option<String>,
    failures: Vec<String>,
    traded: Option<(String, TableView)>,
    base: Option<String>,
    against_base: Option<TableView>,
    figures: Vec<String>,
    keys: TableView,
    trials: TableView,
    trials_explained: String,
    left_out: usize,
    spec: String,
}

/// The best trial.
struct Best {
    trial: String,
    outcome: String,
    /// HTML.
    share: Option<String>,
    /// Key and value.
    settings: Vec<(String, String)>,
}

/// The page of a sweep, with `link` to its folder.
pub fn page(sweep: &SweepData, figures: &[Figure], link: &str) -> String {
    let best = words::best(sweep).zip(sweep.overview.best());
    let best = best.map(|((trial, outcome), result)| Best {
        trial,
        outcome,
        share: words::share(result).map(|share| ShareView::new(&share).html()),
        settings: sweep
            .names
            .iter()
            .zip(sweep.plan.values(result.trial))
            .map(|(k, v)| (visible(k), visible(&v)))
            .collect(),
    });
    let (trials, order) = table::trials(sweep, MOST_TRIALS);
    let page = Page {
        link,
        title: format!("{} – apd report", visible(&sweep.name)),
        script: [THEME, TABLE].join("\n"),
        name: visible(&sweep.name),
        about: visible(&words::about(sweep)),
        unfinished: words::unfinished(sweep),
        standing: words::standing(sweep),
        best_is: sweep.best_is(),
        commands: words::commands(sweep),
        recommended: sweep.recommended.as_deref().map(visible_lines),
        failures: words::failures(sweep).iter().map(|line| visible(line)).collect(),
        traded: words::trade_off(sweep)
            .zip(table::trade_off(sweep).map(|table| TableView::new("trade_off_table", "Trade-off", table))),
        base: best.is_some().then(|| words::base(sweep)),
        against_base: table::against_base(sweep)
            .map(|table| TableView::new("base_table", "The best against the base setting", table)),
        best,
        figures: in_html(figures),
        keys: TableView::new("key_table", "Keys", table::keys(sweep)),
        trials: TableView::new("trial_table", "Trials", trials).with_links(links(sweep, &order, link)),
        trials_explained: table::trials_explained(sweep),
        left_out: sweep.plan.trials.len() - order.len(),
        spec: visible_lines(&sweep.spec),
    };
    page.render().expect("memory takes every write")
}

/// Figures that would make the page too large lie beside it.
fn in_html(figures: &[Figure]) -> Vec<String> {
    let mut room = MOST_BYTES_OF_FIGURES;
    let mut html = |figure: &Figure| {
        let is_inside = figure.svg.len() <= room;
        room -= if is_inside { figure.svg.len() } else { 0 };
        FigureView::html(figure, "h3", is_inside)
    };
    figures.iter().map(&mut html).collect()
}

/// The page of each trial's own report, where there is one, as seen from this page.
fn links(sweep: &SweepData, trials: &[usize], to_sweep: &str) -> Vec<Option<String>> {
    let folder = SweepFolder::at(&sweep.folder);
    let link = |&trial: &usize| {
        let report = folder.trial_run(trial).report().join("report.html");
        let within = report.strip_prefix(&sweep.folder).ok()?;
        report.is_file().then(|| format!("{to_sweep}/{}", within.display()))
    };
    trials.iter().map(link).collect()
}
