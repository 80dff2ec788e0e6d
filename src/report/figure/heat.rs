//! A table of values as coloured cells, written compactly: tens of thousands of cells make no large picture.

use std::{collections::BTreeMap, fmt::Write};

use kuva::render::{
    color::Color,
    render::{PathData, Primitive, TextAnchor},
};

use super::{
    sheet::{Frame, Sheet},
    style,
};

/// So many shades stand between nothing and the full colour.
const SHADES: f64 = 24.0;
/// The shade of what is no number.
const NO_NUMBER: i32 = i32::MAX;

/// A value from -1 to 1, or from 0 to 1, as red, green, blue.
pub type Colour = fn(f64) -> (u8, u8, u8);

/// Draws `value(row, column)`, row 0 at the top, as shares of the full colour; equal neighbours in a row are one
/// rectangle, and what is nearly nothing is left white.
pub fn cells(
    sheet: &mut Sheet,
    frame: Frame,
    (rows, columns): (usize, usize),
    value: impl Fn(usize, usize) -> f64,
    colour: Colour,
) {
    let shade = |row, column| {
        let value: f64 = value(row, column);
        if value.is_nan() { NO_NUMBER } else { (value.clamp(-1.0, 1.0) * SHADES).round() as i32 }
    };
    let mut paths: BTreeMap<i32, String> = BTreeMap::new();
    for row in 0..rows {
        let mut start = 0;
        while start < columns {
            let of_run = shade(row, start);
            let end = (start..columns).find(|column| shade(row, *column) != of_run).unwrap_or(columns);
            if of_run != 0 {
                let length = end - start;
                let path = paths.entry(of_run).or_default();
                let _ = write!(path, "M{start} {row}h{length}v1h-{length}z");
            }
            start = end;
        }
    }
    let (width, height) = (frame.width / columns.max(1) as f64, frame.height / rows.max(1) as f64);
    sheet.add(Primitive::GroupStart {
        transform: Some(format!("translate({:.2},{:.2}) scale({width:.5},{height:.5})", frame.x, frame.y)),
        title: None,
        // Without this, hair lines show between neighbours.
        extra_attrs: Some("shape-rendering=\"crispEdges\"".to_owned()),
    });
    for (shade, d) in paths {
        let (red, green, blue) = if shade == NO_NUMBER { style::NO_NUMBER } else { colour(f64::from(shade) / SHADES) };
        sheet.add(Primitive::Path(Box::new(PathData {
            d,
            fill: Some(Color::Rgb(red, green, blue)),
            stroke: Color::None,
            stroke_width: 0.0,
            opacity: None,
            stroke_dasharray: None,
        })));
    }
    sheet.add(Primitive::GroupEnd);
    outline(sheet, frame);
}

pub fn outline(sheet: &mut Sheet, frame: Frame) {
    sheet.add(Primitive::Rect {
        x: frame.x,
        y: frame.y,
        width: frame.width,
        height: frame.height,
        fill: Color::None,
        stroke: Some(style::FAINT.into()),
        stroke_width: Some(0.6),
        opacity: None,
    });
}

/// The colours of the shares from `low` (bottom) to 1 (top), numbered at `marks`, under the name of what is coloured.
pub fn colour_bar(sheet: &mut Sheet, frame: Frame, name: &str, low: f64, marks: &[(f64, String)], colour: Colour) {
    const STEPS: usize = 32;
    let height = frame.height / STEPS as f64;
    let fills = (0..STEPS).map(|step| {
        let (red, green, blue) = colour(1.0 - (1.0 - low) * (step as f64 + 0.5) / STEPS as f64);
        Color::Rgb(red, green, blue)
    });
    sheet.add(Primitive::RectBatch {
        x: vec![frame.x; STEPS],
        y: (0..STEPS).map(|step| frame.y + step as f64 * height).collect(),
        w: vec![frame.width; STEPS],
        // Neighbours overlap, so that no seam shows between them.
        h: (0..STEPS).map(|step| if step + 1 < STEPS { height + 0.3 } else { height }).collect(),
        fills: fills.collect(),
    });
    outline(sheet, frame);
    for (share, text) in marks {
        let from_top = (1.0 - share) / (1.0 - low);
        let at = (frame.right() + 4.0, frame.y + from_top * frame.height + 3.5);
        sheet.text(at, text, style::TICK, style::INK, TextAnchor::Start);
    }
    sheet.text((frame.x, frame.y - 8.0), name, style::TICK, style::INK, TextAnchor::Start);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_one_rectangle_and_zeros_are_none() {
        let mut sheet = Sheet::new(100.0);
        let frame = Frame { x: 0.0, y: 0.0, width: 80.0, height: 20.0 };
        let values = [[1.0, 1.0, 0.0, -1.0], [0.001, f64::NAN, 1.0, 0.0]];
        cells(&mut sheet, frame, (2, 4), |row, column| values[row][column], style::diverging);
        let svg = sheet.svg("test", "test");
        assert!(svg.contains("d=\"M0 0h2v1h-2zM2 1h1v1h-1z\""), "{svg}");
        assert_eq!(svg.matches("<path").count(), 3, "{svg}");
        assert!(svg.contains("#888888"), "{svg}");
    }
}
