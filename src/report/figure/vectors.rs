//! A weight matrix [feature, 2] as a picture: each feature's row is an arrow from the origin.

use kuva::{
    plot::{QuiverPlot, quiver::QuiverPivot},
    render::{plots::Plot, render::TextAnchor},
};

use super::{
    axis::Axis,
    features::Panel,
    sheet::{Frame, Sheet},
    style,
};
use crate::report::weights::Matrix;

const COLUMNS: usize = 4;
/// Room on the left for the numbers and the name of the vertical axis, and at the bottom.
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 36.0;
const GAP: f64 = 12.0;
const TITLE_HEIGHT: f64 = 32.0;

/// Small multiples, all on the same axes.
pub fn draw(panels: &[Panel], title: &str) -> String {
    let size = (style::WIDTH - LEFT - 6.0 - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
    let rows = panels.len().div_ceil(COLUMNS);
    let row_height = TITLE_HEIGHT + size + 8.0;
    let mut sheet = Sheet::new(rows as f64 * row_height + BOTTOM);
    let largest = panels.iter().map(|panel| panel.weights.largest()).fold(0.0, f64::max);
    // Room for the features' numbers beyond the tips.
    let limit = if largest > 0.0 { largest * 1.3 } else { 1.0 };
    for (index, panel) in panels.iter().enumerate() {
        let (row, column) = (index / COLUMNS, index % COLUMNS);
        let x = LEFT + column as f64 * (size + GAP);
        let frame = Frame { x, y: row as f64 * row_height + TITLE_HEIGHT, width: size, height: size };
        sheet.title((frame.x, frame.y - 18.0), &panel.name);
        let note_colour = panel.feature.map_or(style::MUTED, style::nth_colour);
        sheet.text((frame.x, frame.y - 5.0), &panel.note, style::TICK + 1, note_colour, TextAnchor::Start);
        let axis = Axis::linear((-limit, limit), style::tick_step(limit, 1.9), style::number);
        let lowest_of_column = index + COLUMNS >= panels.len();
        let (x, y) = (axis.clone().numbered(lowest_of_column), axis.numbered(column == 0));
        sheet.panel(frame, &x, &y, true, vec![arrows(&panel.weights)]);
        if index == 0 {
            number_the_tips(&mut sheet, frame, limit, &panel.weights);
        }
        if column == 0 {
            sheet.upright((12.0, frame.middle().1), "hidden dim. 1");
        }
        if lowest_of_column {
            sheet.text(
                (frame.middle().0, frame.bottom() + 30.0),
                "hidden dim. 0",
                style::LABEL,
                style::INK,
                TextAnchor::Middle,
            );
        }
    }
    sheet.svg("features", title)
}

fn arrows(weights: &Matrix) -> Plot {
    let mut plot = QuiverPlot::new()
        .with_scale(1.0)
        .with_pivot(QuiverPivot::Tail)
        .with_shaft_width(1.8)
        .with_head_ratio(0.3)
        .with_head_min_px(0.0)
        .with_head_max_px(7.0)
        .with_no_clip();
    for feature in 0..weights.rows {
        let row = weights.row(feature);
        if row.iter().all(|weight| weight.is_finite()) {
            plot = plot.with_colored_arrow(0.0, 0.0, row[0], row[1], style::nth_colour(feature));
        }
    }
    Plot::Quiver(plot)
}

/// Writes each feature's number beyond the tip of its arrow.
fn number_the_tips(sheet: &mut Sheet, frame: Frame, limit: f64, weights: &Matrix) {
    const DISTANCE: f64 = 8.0;
    let (x, y) = frame.middle();
    let scale = frame.width / (2.0 * limit);
    for feature in 0..weights.rows {
        let row = weights.row(feature);
        let norm = row[0].hypot(row[1]);
        if norm > 0.0 && norm.is_finite() {
            let stretch = (norm * scale + DISTANCE) / norm;
            // The baseline lies a third of the text's height below its middle.
            let at = (x + row[0] * stretch, y - row[1] * stretch + 3.5);
            let colour = style::nth_colour(feature);
            sheet.text(at, &feature.to_string(), style::TICK, colour, TextAnchor::Middle);
        }
    }
}
