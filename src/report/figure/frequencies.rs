//! On how many inputs each component is active.

use kuva::{plot::LinePlot, render::plots::Plot};

use super::{
    Figure,
    axis::{Axis, WithZero},
    csv_text, number,
    sheet::{Frame, Sheet},
    style,
};
use crate::{report::run_data::RunData, table::ComponentRow};

/// States of components and their colours; the first that fits counts.
const STATES: [(&str, &str); 8] = [
    ("dead", style::FAINT),
    ("monosemantic", style::BLUE),
    ("duplicate", style::SKY),
    ("mixed", style::VERMILLION),
    ("idle", style::ORANGE),
    ("matched", style::BLUE),
    ("unmatched", style::ORANGE),
    ("component", style::INK),
];
/// Other replicas are drawn as thin lines, up to so many.
const MOST_OTHERS: usize = 30;

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let rows = sorted(run, replica);
    if rows.is_empty() {
        return None;
    }
    let mut others: Vec<usize> =
        run.components.iter().map(|row| row.replica).filter(|other| *other != replica).collect();
    others.dedup();
    others.truncate(MOST_OTHERS);
    let others: Vec<Vec<&ComponentRow>> = others.into_iter().map(|other| sorted(run, other)).collect();
    let all = others.iter().flatten().chain(&rows).map(|row| row.activation_frequency);
    let y = WithZero::covering(all.chain(run.description.feature_probability()).collect::<Vec<_>>().into_iter());
    let last = others.iter().map(Vec::len).max().unwrap_or(0).max(rows.len()) as f64;
    let x = Axis::linear((0.0, last + 1.0), style::tick_step(last, 6.0).max(1.0), style::number);
    let frame = Frame { x: 56.0, y: 44.0, width: style::WIDTH - 72.0, height: 150.0 };
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    let line = |rows: &Vec<&ComponentRow>| {
        let alive = (1_u32..).zip(rows).filter(|(_, row)| row.activation_frequency > 0.0);
        let points = alive.map(|(place, row)| (f64::from(place), y.at(row.activation_frequency)));
        Plot::Line(LinePlot::new().with_data(points).with_color(style::PALE).with_stroke_width(0.6))
    };
    sheet.panel(frame, &x, &y.axis, true, others.iter().map(line).collect());
    if let Some(probability) = run.description.feature_probability() {
        let at = frame.place(&x, &y.axis, (0.0, y.at(probability)));
        sheet.dashed(at, (frame.right(), at.1), style::MUTED);
    }
    let radius = if rows.len() > 60 { 1.7 } else { 2.6 };
    let mut key = (frame.x, 14.0);
    for (state, colour) in STATES {
        let of_state = (1_u32..).zip(&rows).filter(|(_, row)| state_of(row) == state);
        let places: Vec<(f64, f64)> = of_state
            .map(|(place, row)| frame.place(&x, &y.axis, (f64::from(place), y.at(row.activation_frequency))))
            .collect();
        if !places.is_empty() {
            if key.0 > style::WIDTH - 120.0 {
                key = (frame.x, key.1 + 16.0);
            }
            key.0 = sheet.dot_key(key, colour, &format!("{state}: {}", places.len()));
            sheet.dots(places.into_iter(), radius, colour);
        }
    }
    sheet.below(frame, "components, sorted by their frequency");
    sheet.upright((12.0, frame.middle().1), "share of samples");
    let header = ["replica", "place", "component", "state", "activation_frequency"].map(str::to_owned);
    let numbers = others.iter().chain([&rows]).flat_map(|rows| {
        (1_usize..).zip(rows).map(|(place, row)| {
            let state = state_of(row).to_owned();
            let frequency = number(row.activation_frequency);
            [row.replica.to_string(), place.to_string(), row.component.to_string(), state, frequency]
        })
    });
    let thin = if others.is_empty() { "" } else { ", other replicas as thin lines" };
    let expected = match run.description.feature_probability() {
        Some(_) => " The dashed line is the share of inputs on which a feature is active.",
        None => "",
    };
    Some(Figure {
        name: "frequencies",
        title: "Activation frequencies",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("frequencies", "Share of samples on which each component is active"),
        caption: format!(
            "{}{thin}. Share of the samples on which each component is selected, on a logarithmic scale, never at 0.\
             {expected} Seen when it works: as many components as features lie together where one feature's frequency \
             is, the others are never active; what is much more frequent serves several features.",
            run.shown_because()
        ),
    })
}

/// Those whose frequency is known, the most frequent first.
fn sorted(run: &RunData, replica: usize) -> Vec<&ComponentRow> {
    let known = |row: &&ComponentRow| row.replica == replica && row.activation_frequency.is_finite();
    let mut rows: Vec<&ComponentRow> = run.components.iter().filter(known).collect();
    rows.sort_by(|a, b| b.activation_frequency.total_cmp(&a.activation_frequency));
    rows
}

fn state_of(row: &ComponentRow) -> &'static str {
    let known = row.state.as_deref().and_then(|state| STATES[..5].iter().find(|(name, _)| *name == state));
    match (known, row.alive, row.matched_feature) {
        (Some((name, _)), ..) => name,
        (None, Some(false), _) => "dead",
        (None, _, Some(_)) => "matched",
        (None, Some(true), None) => "unmatched",
        (None, None, None) => "component",
    }
}
