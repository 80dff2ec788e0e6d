//! How learned importances are spread at every use of a decomposed matrix.

use kuva::render::render::TextAnchor;

use super::{
    Figure,
    axis::Axis,
    csv_text,
    importances::in_order,
    number,
    sheet::{Frame, Sheet},
    style,
};
use crate::{report::run_data::RunData, table::ImportanceHistogramRow};

const LEFT: f64 = 52.0;
/// Room above each panel for its site's name, and below it for the numbers of its axis.
const ABOVE: f64 = 26.0;
const BELOW: f64 = 20.0;
const COLUMNS: usize = 3;
const PANEL_HEIGHT: f64 = 96.0;
const GAP: f64 = 14.0;
/// Shares below this are not told apart.
const LEAST_SHARE: f64 = 1e-6;

/// One panel a site: the share of importances in each range, on a logarithmic axis.
pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let rows: Vec<&ImportanceHistogramRow> =
        run.evidence.importance_histogram.iter().filter(|row| row.replica == replica).collect();
    let sites = in_order(rows.iter().map(|row| row.site.as_str()));
    if sites.is_empty() {
        return None;
    }
    let width = (style::WIDTH - LEFT - 8.0 - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
    let mut sheet = Sheet::new(sites.len().div_ceil(COLUMNS) as f64 * (ABOVE + PANEL_HEIGHT + BELOW) + 22.0);
    for (place, site) in sites.iter().enumerate() {
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        let frame = Frame {
            x: LEFT + column as f64 * (width + GAP),
            y: row as f64 * (ABOVE + PANEL_HEIGHT + BELOW) + ABOVE,
            width,
            height: PANEL_HEIGHT,
        };
        let exponents = [-6.0, -4.0, -2.0, 0.0];
        let ticks = exponents.map(|exponent| (exponent, format!("1e{exponent}"))).to_vec();
        let y = Axis { range: (LEAST_SHARE.log10(), 0.0), ticks, numbered: column == 0 };
        let ticks = [0.0, 0.5, 1.0].map(|importance| (importance, style::short(importance))).to_vec();
        let x = Axis { range: (0.0, 1.0), ticks, numbered: true };
        for bin in rows.iter().filter(|row| row.site == *site && row.share > LEAST_SHARE) {
            let (left, top) = frame.place(&x, &y, (bin.low, bin.share.log10()));
            let (right, _) = frame.place(&x, &y, (bin.high, 0.0));
            let (width, height) = (right - left - 0.5, frame.bottom() - top);
            sheet.fill(format!("M{left:.2} {top:.2}h{width:.2}v{height:.2}h-{width:.2}z"), style::BLUE, None);
        }
        sheet.title((frame.x, frame.y - 8.0), site);
        sheet.panel(frame, &x, &y, false, Vec::new());
        if place + COLUMNS >= sites.len() {
            let at = (frame.middle().0, frame.bottom() + 34.0);
            sheet.text(at, "causal importance", style::LABEL, style::INK, TextAnchor::Middle);
        }
        if column == 0 {
            sheet.upright((12.0, frame.middle().1), "share");
        }
    }
    let header = ["site", "replica", "low", "high", "share"].map(str::to_owned);
    let cells = rows
        .iter()
        .map(|row| vec![row.site.clone(), replica.to_string(), number(row.low), number(row.high), number(row.share)]);
    Some(Figure {
        name: "importance_histogram",
        title: "How importances are spread",
        csv: csv_text(&header, cells),
        svg: sheet.svg("importance_histogram", "The share of causal importances in each range, at every site"),
        caption: format!(
            "{}. Of all samples and subcomponents of a site, the share whose causal importance is in each of twenty even ranges; \
             the first holds those that are nothing. Seen when it works: all but nothing between the two ends, so that it \
             does not hang on the threshold which subcomponents are said to be active.",
            run.shown_because()
        ),
    })
}
