//! One output as a function of one input: what it should be, what the target computes, and what is left of it in the
//! components.

use kuva::{plot::LinePlot, render::plots::Plot};

use super::{
    Figure,
    axis::{Axis, is_reached},
    csv_text,
    grid::Grid,
    number,
    sheet::Sheet,
    style,
};
use crate::{
    report::run_data::RunData,
    run::TargetKind,
    table::{Cell, CurveRow},
};

const GRID: Grid = Grid { columns: 2, left: 52.0, right: 14.0, gap: 34.0, top: 46.0, height: 120.0, row: 150.0 };
/// Without a line of keys above.
const FEATURES_GRID: Grid = Grid { top: 26.0, ..GRID };
/// Curves in one panel; of more features, evenly spaced ones are drawn.
const MOST_CURVES: usize = 100;
/// Points of a curve where there are many curves.
const MOST_POINTS: usize = 21;
/// Gated functions with a panel.
const MOST_FUNCTIONS: usize = 12;

/// Name, colour, width and value of a curve.
type Kind = (&'static str, &'static str, f64, fn(&CurveRow) -> f64);

const KINDS: [Kind; 4] = [
    ("label", style::INK, 3.0, |row| row.label.number()),
    ("target", style::GREEN, 1.2, |row| row.target),
    ("one component", style::BLUE, 1.2, |row| row.component.number()),
    ("trained selection", style::VERMILLION, 1.2, |row| row.selected.number()),
];

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let of_replica = |row: &&CurveRow| row.replica == replica && is_reached(row.input);
    let rows: Vec<&CurveRow> = run.evidence.curves.iter().filter(of_replica).collect();
    let mut features: Vec<usize> = rows.iter().map(|row| row.feature).collect();
    features.sort_unstable();
    features.dedup();
    if features.is_empty() {
        return None;
    }
    let curves: Vec<(usize, Vec<&CurveRow>)> = features
        .iter()
        .map(|feature| {
            let mut curve: Vec<&CurveRow> = rows.iter().copied().filter(|row| row.feature == *feature).collect();
            curve.sort_by(|a, b| a.input.total_cmp(&b.input));
            (*feature, curve)
        })
        .collect();
    let because = run.shown_because();
    let (shown, svg, caption) = match run.kind() {
        Some(TargetKind::GatedFunctions { .. }) => {
            let shown = &curves[..curves.len().min(MOST_FUNCTIONS)];
            let caption = format!(
                "{because}. Output against x with one control bit on: the function itself (grey), the target, which \
                 interpolates it, and the sparse pass with the trained selection; {} of {} functions. Seen when it works: \
                 all three lie on each other; where only the sparse pass leaves the others, components are missing or wrong.",
                shown.len(),
                curves.len()
            );
            (shown.to_vec(), of_functions(shown), caption)
        }
        _ => {
            let stride = curves.len().div_ceil(MOST_CURVES).max(1);
            let shown: Vec<_> = curves.iter().step_by(stride).cloned().collect();
            let caption = format!(
                "{because}. Each feature's output against its input, all others being 0, a line a feature, {} of {} \
                 features: the labels, the target, only the feature's most attributed component, and the trained selection. \
                 Seen when it works: all bundles look like that of the target, which is close to the labels; lines that \
                 leave the bundle of one component are features without a component of their own.",
                shown.len(),
                curves.len()
            );
            let svg = of_features(&shown);
            (shown, svg, caption)
        }
    };
    let header = ["replica", "feature", "input", "label", "target", "component", "selected"].map(str::to_owned);
    let numbers = shown.iter().flat_map(|(_, curve)| curve).map(|row| {
        let values =
            [row.input, row.label.number(), row.target, row.component.number(), row.selected.number()].map(number);
        [&[replica.to_string(), row.feature.to_string()], values.as_slice()].concat()
    });
    Some(Figure { name: "curves", title: "Curves", csv: csv_text(&header, numbers), svg, caption })
}

fn line(curve: &[&CurveRow], value: fn(&CurveRow) -> f64, colour: &str, width: f64, stride: usize) -> Plot {
    let last = curve.len().saturating_sub(1);
    let kept = curve.iter().enumerate().filter(|(index, _)| index % stride == 0 || *index == last);
    let known = kept.map(|(_, row)| (row.input, value(row))).filter(|(_, value)| is_reached(*value));
    Plot::Line(LinePlot::new().with_data(known).with_color(colour).with_stroke_width(width))
}

/// A panel for each kind of curve, all features in it.
fn of_features(curves: &[(usize, Vec<&CurveRow>)]) -> String {
    let rows = || curves.iter().flat_map(|(_, curve)| curve);
    let kinds: Vec<Kind> = KINDS.into_iter().filter(|(.., value)| rows().any(|row| is_reached(value(row)))).collect();
    let mut sheet = Sheet::new(FEATURES_GRID.bottom(kinds.len()) + 42.0);
    let y = Axis::covering(rows().flat_map(|row| KINDS.map(|(.., value)| value(row))), 5.0);
    let x = Axis::covering(rows().map(|row| row.input), 5.0);
    let (width, few) = if curves.len() > 12 { (0.5, false) } else { (1.2, true) };
    let points = curves.iter().map(|(_, curve)| curve.len()).max().unwrap_or(0);
    let stride = if few { 1 } else { points.div_ceil(MOST_POINTS).max(1) };
    for (index, (name, colour, _, value)) in kinds.iter().enumerate() {
        let frame = FEATURES_GRID.frame(index);
        let line = |(feature, curve): &(usize, Vec<&CurveRow>)| {
            line(curve, *value, if few { style::nth_colour(*feature) } else { colour }, width, stride)
        };
        let is_lowest = FEATURES_GRID.is_lowest(index, kinds.len());
        let (x, y) = (x.clone().numbered(is_lowest), y.clone().numbered(FEATURES_GRID.is_leftmost(index)));
        sheet.title((frame.x, frame.y - 7.0), name);
        sheet.panel(frame, &x, &y, true, curves.iter().map(line).collect());
        if is_lowest {
            sheet.below(frame, "input of the feature");
        }
        if FEATURES_GRID.is_leftmost(index) {
            sheet.upright((12.0, frame.middle().1), "output of the feature");
        }
    }
    sheet.svg("curves", "Each feature's output against its input")
}

/// A panel for each function, all kinds of curves in it.
fn of_functions(curves: &[(usize, Vec<&CurveRow>)]) -> String {
    const DRAWN: [usize; 3] = [0, 1, 3];
    const COLOURS: [&str; 3] = [style::PALE, style::INK, style::VERMILLION];
    let mut sheet = Sheet::new(GRID.bottom(curves.len()) + 42.0);
    let mut key = GRID.left;
    for (kind, colour) in DRAWN.into_iter().zip(COLOURS) {
        key = sheet.key((key, 14.0), colour, if kind == 0 { "function" } else { KINDS[kind].0 });
    }
    let x = Axis::covering(curves.iter().flat_map(|(_, curve)| curve).map(|row| row.input), 5.0);
    for (index, (function, curve)) in curves.iter().enumerate() {
        let frame = GRID.frame(index);
        let values = curve.iter().flat_map(|row| DRAWN.map(|kind| (KINDS[kind].3)(row)));
        let y = Axis::covering(values, 4.0);
        let plots = DRAWN.into_iter().zip(COLOURS).map(|(kind, colour)| {
            let (.., width, value) = KINDS[kind];
            line(curve, value, colour, width, 1)
        });
        let is_lowest = GRID.is_lowest(index, curves.len());
        sheet.title((frame.x, frame.y - 7.0), &format!("function {function}"));
        sheet.panel(frame, &x.clone().numbered(is_lowest), &y, true, plots.collect());
        if is_lowest {
            sheet.below(frame, "x");
        }
        if GRID.is_leftmost(index) {
            sheet.upright((12.0, frame.middle().1), "output");
        }
    }
    sheet.svg("curves", "Each function, the target and the sparse pass against x")
}
