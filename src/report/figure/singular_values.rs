//! The leading singular values of each component of one replica, one panel a site.

use kuva::{
    plot::{LinePlot, ScatterPlot},
    render::{plots::Plot, render::TextAnchor},
};

use super::{
    Figure,
    axis::Axis,
    csv_text, number,
    sheet::{Frame, Sheet},
    style,
};
use crate::{
    report::run_data::RunData,
    table::{Cell, RankRow},
};

const COLUMNS: usize = 2;
const LEFT: f64 = 56.0;
const GAP: f64 = 44.0;
const HEIGHT: f64 = 150.0;
const TOP: f64 = 26.0;
const ROW: f64 = HEIGHT + 44.0;
/// Values smaller than this share of the panel's largest are drawn at its lower edge.
const FLOOR: f64 = 1e-8;
/// The values of more components are lines alone.
const MOST_WITH_DOTS: usize = 60;

/// What is known of a component, which gives its colour.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Dead,
    Unmatched,
    Unknown,
    /// Of a network whose components are not matched.
    Alive,
    Matched,
}

/// In the order in which they are drawn, the last on top.
const KINDS: [(Kind, &str, &str); 5] = [
    (Kind::Dead, style::FAINT, "dead"),
    (Kind::Unknown, style::INK, "component"),
    (Kind::Unmatched, style::ORANGE, "unmatched"),
    (Kind::Alive, style::BLUE, "alive"),
    (Kind::Matched, style::BLUE, "matched"),
];

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let rows: Vec<&RankRow> = run.ranks.iter().filter(|row| row.replica == replica).collect();
    let mut sites: Vec<&str> = Vec::new();
    for row in &rows {
        if !sites.contains(&row.site.as_str()) {
            sites.push(&row.site);
        }
    }
    let most = rows.iter().map(|row| row.singular_value.len()).max().filter(|most| *most > 0)?;
    let columns = sites.len().min(COLUMNS);
    let sheet_rows = sites.len().div_ceil(COLUMNS);
    let mut sheet = Sheet::new(TOP + sheet_rows as f64 * ROW + 18.0);
    keys(&mut sheet, run, &rows);
    let width = (style::WIDTH - LEFT - 16.0 - GAP * (columns - 1) as f64) / columns as f64;
    // Few values do not fill the width.
    let width = width.min(100.0 + 50.0 * most as f64);
    for (index, site) in sites.iter().enumerate() {
        let (row, column) = (index / COLUMNS, index % COLUMNS);
        let x = LEFT + column as f64 * (width + GAP);
        let frame = Frame { x, y: TOP + 20.0 + row as f64 * ROW, width, height: HEIGHT };
        sheet.title((frame.x, frame.y - 7.0), &format!("site {}", style::plain(site)));
        let of_site: Vec<&RankRow> = rows.iter().copied().filter(|row| row.site == *site).collect();
        panel(&mut sheet, frame, &of_site, most, run);
        if column == 0 {
            sheet.upright((12.0, frame.middle().1), "singular value");
        }
        if index + COLUMNS >= sites.len() {
            let at = (frame.middle().0, frame.bottom() + 32.0);
            sheet.text(at, "index of the singular value", style::LABEL, style::INK, TextAnchor::Middle);
        }
    }
    Some(Figure {
        name: "singular_values",
        title: "Singular values",
        svg: sheet.svg("singular_values", "Leading singular values of each component"),
        csv: numbers(&rows),
        caption: format!(
            "Leading singular values of each component of replica {replica} (the one of the figure of features), one \
             line a component, without a unit, on a logarithmic scale; what is below 10⁻⁸ of the largest is drawn at \
             the lower edge. Seen when it works: components of one feature drop by orders of magnitude after \
             the first value, for a feature's mechanism has rank one; dead components lie far below."
        ),
    })
}

fn kind(run: &RunData, row: &RankRow) -> Kind {
    let known = run.components.iter().find(|known| (known.replica, known.component) == (row.replica, row.component));
    match known {
        None => Kind::Unknown,
        Some(known) if known.alive == Some(false) => Kind::Dead,
        Some(known) if known.state.is_some() => Kind::Alive,
        Some(known) if known.matched_feature.is_none() => Kind::Unmatched,
        Some(_) => Kind::Matched,
    }
}

fn panel(sheet: &mut Sheet, frame: Frame, rows: &[&RankRow], most: usize, run: &RunData) {
    let values =
        || rows.iter().flat_map(|row| &row.singular_value).flatten().copied().filter(|value| value.is_finite());
    let floor = values().fold(0.0, f64::max) * FLOOR;
    let floor = if floor > 0.0 { floor } else { f64::MIN_POSITIVE };
    let logarithm = |value: f64| value.max(floor).log10();
    let y = Axis::logarithmic(values().map(logarithm));
    let step = style::tick_step(most as f64, 10.0).max(1.0);
    let x = Axis::linear((0.7, most as f64 + 0.3), step, style::number);
    let mut plots = Vec::new();
    for (drawn, colour, _) in KINDS {
        for row in rows.iter().filter(|row| kind(run, row) == drawn) {
            let points: Vec<(f64, f64)> = (1_u32..)
                .zip(&row.singular_value)
                .filter(|(_, value)| value.number().is_finite())
                .map(|(index, value)| (f64::from(index), logarithm(value.number())))
                .collect();
            plots.push(Plot::Line(LinePlot::new().with_data(points.clone()).with_color(colour).with_stroke_width(0.9)));
            // One value alone makes no line.
            if rows.len() <= MOST_WITH_DOTS || most == 1 {
                plots.push(Plot::Scatter(ScatterPlot::new().with_data(points).with_color(colour).with_size(2.0)));
            }
        }
    }
    sheet.panel(frame, &x, &y, true, plots);
}

fn keys(sheet: &mut Sheet, run: &RunData, rows: &[&RankRow]) {
    let mut x = LEFT;
    for (drawn, colour, meaning) in KINDS.into_iter().rev() {
        let mut components: Vec<usize> =
            rows.iter().filter(|row| kind(run, row) == drawn).map(|row| row.component).collect();
        components.sort_unstable();
        components.dedup();
        if !components.is_empty() {
            x = sheet.key((x, 16.0), colour, &format!("{meaning}: {}", components.len()));
        }
    }
}

fn numbers(rows: &[&RankRow]) -> String {
    let header = ["replica", "component", "site", "index", "singular_value"].map(str::to_owned);
    let rows = rows.iter().flat_map(|row| {
        (1_usize..).zip(&row.singular_value).map(move |(index, value)| {
            let RankRow { replica, component, site, .. } = row;
            [replica.to_string(), component.to_string(), site.clone(), index.to_string(), number(value.number())]
        })
    });
    csv_text(&header, rows)
}
