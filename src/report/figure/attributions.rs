//! Which components respond to which feature.

use std::collections::HashMap;

use super::{
    Figure,
    axis::Axis,
    csv_text, heat, number, order,
    sheet::{Frame, Sheet},
    style,
};
use crate::{method::Words, report::run_data::RunData, run::TargetKind, table::AttributionRow};

const LEFT: f64 = 52.0;
const RIGHT: f64 = 66.0;
const TOP: f64 = 30.0;
/// A row is at most so high and the whole at most as high as wide.
const HIGHEST_ROW: f64 = 22.0;
/// Up to so many rows are numbered.
const MOST_NUMBERED: usize = 30;

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let known = |row: &&AttributionRow| row.replica == replica && row.attribution.is_finite();
    let rows: Vec<&AttributionRow> = run.evidence.attributions.iter().filter(known).collect();
    let components = order::by_attribution(run, replica);
    let mut features: Vec<usize> = rows.iter().map(|row| row.feature).collect();
    features.sort_unstable();
    features.dedup();
    if rows.is_empty() {
        return None;
    }
    let values: HashMap<(usize, usize), f64> =
        rows.iter().map(|row| ((row.component, row.feature), row.attribution)).collect();
    let largest = values.values().copied().fold(0.0, f64::max);
    let unit = if largest > 0.0 { largest } else { 1.0 };

    let width = style::WIDTH - LEFT - RIGHT;
    let height = (components.len() as f64 * HIGHEST_ROW).min(width);
    let frame = Frame { x: LEFT, y: TOP, width, height };
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    let value = |row: usize, column: usize| {
        values.get(&(components[row], features[column])).map_or(f64::NAN, |value| value / unit)
    };
    heat::cells(&mut sheet, frame, (components.len(), features.len()), value, style::sequential);
    let step = style::tick_step(features.len() as f64, 6.0).max(1.0) as usize;
    let ticks = features.iter().enumerate().step_by(step).map(|(place, feature)| (place as f64, feature.to_string()));
    let x = Axis { range: (-0.5, features.len() as f64 - 0.5), ticks: ticks.collect(), numbered: true };
    let numbered = components.len() <= MOST_NUMBERED && frame.height / components.len() as f64 >= 9.0;
    let names = components.iter().enumerate().filter(|_| numbered);
    let ticks = names.map(|(place, component)| (-(place as f64), component.to_string()));
    let y = Axis { range: (0.5 - components.len() as f64, 0.5), ticks: ticks.collect(), numbered };
    sheet.panel(frame, &x, &y, false, Vec::new());
    let (what, of_inputs) = match run.kind() {
        Some(TargetKind::GatedFunctions { .. }) => ("control bit", "control bit is on"),
        _ => ("feature", "feature is active"),
    };
    sheet.below(frame, &format!("the one active {what}"));
    let count = components.len();
    sheet
        .upright((14.0, frame.middle().1), &if count > 4 { format!("{count} components") } else { "component".into() });
    let bar = Frame { x: frame.right() + 14.0, y: TOP, width: 9.0, height: height.clamp(44.0, 120.0) };
    let marks = [(1.0, style::short(largest)), (0.5, style::short(largest / 2.0)), (0.0, "0".to_owned())];
    let Words { importance, importance_unit, .. } = run.words;
    heat::colour_bar(&mut sheet, bar, importance, 0.0, &marks, style::sequential);

    let header = ["replica", "place", "component", "feature", "attribution"].map(str::to_owned);
    let numbers = (1_usize..).zip(&components).flat_map(|(place, component)| {
        let values = &values;
        features.iter().filter_map(move |feature| {
            let value = values.get(&(*component, *feature))?;
            let cells = [replica, place, *component, *feature].map(|index| index.to_string());
            Some([cells.as_slice(), &[number(*value)]].concat())
        })
    });
    Some(Figure {
        name: "attributions",
        title: "Attributions",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("attributions", &format!("Each component's {importance} on inputs with one active feature")),
        caption: format!(
            "{}. Darker is a larger {importance} (root mean square in {importance_unit}) of a component, from top to bottom, on \
             inputs on which one {of_inputs}; components are ordered by the {what} to which they respond most. \
             Seen when it works: one dark diagonal, white elsewhere; a dark row is a component of several, two dark cells \
             in a column share one.",
            run.shown_because()
        ),
    })
}
