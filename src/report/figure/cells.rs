//! A weight matrix [feature, hidden] as a heat map: features from left to right, hidden dimensions upwards.

use kuva::render::{
    color::Color,
    render::{Primitive, TextAnchor},
};

use super::{
    axis::Axis,
    features::Panel,
    heat,
    sheet::{Frame, Sheet},
    style,
};
use crate::report::weights::Matrix;

/// Target and sum stand above the components.
const TOP_COLUMNS: usize = 2;
const TOP_HEIGHT: f64 = 64.0;
const COLUMNS: usize = 4;
const SMALL_HEIGHT: f64 = 30.0;
const LEFT: f64 = 44.0;
/// Room for the colour bar.
const RIGHT: f64 = 58.0;
const GAP: f64 = 14.0;
/// A cell whose three channels are all above this is not drawn.
const WHITE: u8 = 251;

/// The target and the sum above, the components as small multiples below, all with the same colours.
pub fn draw(panels: &[Panel], title: &str) -> String {
    let top = panels.len().min(TOP_COLUMNS);
    let rows = (panels.len() - top).div_ceil(COLUMNS);
    let top_end = 20.0 + TOP_HEIGHT + 74.0;
    let row_height = SMALL_HEIGHT + 20.0;
    let mut sheet = Sheet::new(top_end + rows as f64 * row_height);
    let largest = panels.iter().map(|panel| panel.weights.largest()).fold(0.0, f64::max);
    let limit = if largest > 0.0 { largest } else { 1.0 };

    let width = (style::WIDTH - LEFT - RIGHT - GAP) / TOP_COLUMNS as f64;
    for (column, panel) in panels[..top].iter().enumerate() {
        let frame = Frame { x: LEFT + column as f64 * (width + GAP), y: 20.0, width, height: TOP_HEIGHT };
        sheet.title((frame.x, frame.y - 6.0), &panel.name);
        cells(&mut sheet, frame, &panel.weights, limit);
        let axis = |count: usize, most| {
            let step = style::tick_step(count as f64, most).max(1.0);
            Axis::linear((-0.5, count as f64 - 0.5), step, style::number)
        };
        let (across, up) = (axis(panel.weights.rows, 5.0), axis(panel.weights.columns, 3.0).numbered(column == 0));
        sheet.panel(frame, &across, &up, false, Vec::new());
        sheet.text((frame.middle().0, frame.bottom() + 30.0), "feature", style::LABEL, style::INK, TextAnchor::Middle);
    }
    sheet.upright((12.0, 20.0 + TOP_HEIGHT / 2.0), "hidden dim.");
    let bar = Frame { x: style::WIDTH - RIGHT + 12.0, y: 20.0, width: 9.0, height: TOP_HEIGHT };
    let mark = |share: f64| match share * limit {
        0.0 => "0".to_owned(),
        value if (0.01..1e5).contains(&value.abs()) => format!("{value:.2}"),
        value => style::short(value),
    };
    let marks = [1.0, 0.0, -1.0].map(|share| (share, mark(share).replace('-', "−")));
    heat::colour_bar(&mut sheet, bar, "weight", -1.0, &marks, style::diverging);

    let left = 8.0;
    if rows > 0 {
        sheet.title((left, top_end - 22.0), "components: number · matched feature");
    }
    let width = (style::WIDTH - 2.0 * left - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
    for (index, panel) in panels[top..].iter().enumerate() {
        let (row, column) = (index / COLUMNS, index % COLUMNS);
        let x = left + column as f64 * (width + GAP);
        let frame = Frame { x, y: top_end + row as f64 * row_height, width, height: SMALL_HEIGHT };
        let name = panel.name.trim_start_matches("component ");
        let text = if panel.note.is_empty() { name.to_owned() } else { format!("{name} · {}", panel.note) };
        sheet.text((frame.x, frame.y - 4.0), &text, style::TICK, style::INK, TextAnchor::Start);
        cells(&mut sheet, frame, &panel.weights, limit);
    }
    sheet.svg("features", title)
}

/// Draws the cells that can be told from white, and their outline.
fn cells(sheet: &mut Sheet, frame: Frame, weights: &Matrix, limit: f64) {
    let (across, up) = (weights.rows, weights.columns);
    let (width, height) = (frame.width / across as f64, frame.height / up as f64);
    let (mut x, mut y, mut fills) = (Vec::new(), Vec::new(), Vec::new());
    for feature in 0..across {
        for (dimension, weight) in weights.row(feature).iter().enumerate() {
            let (red, green, blue) = style::diverging(weight / limit);
            if red.min(green).min(blue) <= WHITE {
                x.push(frame.x + feature as f64 * width);
                y.push(frame.bottom() - (dimension + 1) as f64 * height);
                fills.push(Color::Rgb(red, green, blue));
            }
        }
    }
    let (w, h) = (vec![width; x.len()], vec![height; x.len()]);
    sheet.add(Primitive::RectBatch { x, y, w, h, fills });
    heat::outline(sheet, frame);
}
