//! Losses of all replicas over the training steps, one panel a term.

use kuva::{
    plot::LinePlot,
    render::{plots::Plot, render::TextAnchor},
};

use super::{
    Figure,
    axis::Axis,
    csv_text, number,
    sheet::{Frame, Sheet},
    style,
};
use crate::report::run_data::RunData;

const COLUMNS: usize = 2;
const LEFT: f64 = 52.0;
const GAP: f64 = 44.0;
const HEIGHT: f64 = 104.0;
const TOP: f64 = 26.0;
const ROW: f64 = HEIGHT + 44.0;
/// A line is thinned to the smallest and the largest value of this many stretches of steps.
const STRETCHES: usize = 120;

/// One replica's values of one term, by step.
struct Curve {
    term: String,
    replica: usize,
    points: Vec<(u64, f64)>,
}

pub fn draw(run: &RunData) -> Option<Figure> {
    let curves = curves(run);
    let mut terms: Vec<&str> = Vec::new();
    for curve in &curves {
        if !terms.contains(&curve.term.as_str()) {
            terms.push(&curve.term);
        }
    }
    let last = curves.iter().flat_map(|curve| &curve.points).map(|(step, _)| *step).max()?;
    let rows = terms.len().div_ceil(COLUMNS);
    let mut sheet = Sheet::new(TOP + rows as f64 * ROW + 18.0);
    keys(&mut sheet, run, &curves);
    let width = (style::WIDTH - LEFT - GAP - 16.0) / COLUMNS as f64;
    for (index, term) in terms.iter().enumerate() {
        let (row, column) = (index / COLUMNS, index % COLUMNS);
        let x = LEFT + column as f64 * (width + GAP);
        let frame = Frame { x, y: TOP + 20.0 + row as f64 * ROW, width, height: HEIGHT };
        sheet.title((frame.x, frame.y - 7.0), &style::plain(term));
        let of_term: Vec<&Curve> = curves.iter().filter(|curve| curve.term == *term).collect();
        panel(&mut sheet, frame, &of_term, last, run);
        if column == 0 {
            sheet.upright((12.0, frame.middle().1), "loss");
        }
        if index + COLUMNS >= terms.len() {
            let at = (frame.middle().0, frame.bottom() + 32.0);
            sheet.text(at, "training step", style::LABEL, style::INK, TextAnchor::Middle);
        }
    }
    let header = ["term", "replica", "step", "value"].map(str::to_owned);
    let numbers = curves.iter().flat_map(|curve| {
        let (term, replica) = (&curve.term, curve.replica);
        curve
            .points
            .iter()
            .map(move |(step, value)| [term.clone(), replica.to_string(), step.to_string(), number(*value)])
    });
    Some(Figure {
        name: "losses",
        title: "Losses",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("losses", "Losses of all replicas over the training steps"),
        caption: "One thin line a replica, on a logarithmic scale without a unit; `total` weighs the terms with the \
                  spec's coefficients. Seen when it works: faithfulness falls by orders of magnitude and stays low, \
                  minimality and simplicity settle, and recovered replicas end on the same values; one that was caught \
                  elsewhere stands apart."
            .to_owned(),
    })
}

/// Thinned curves without the values that a logarithmic scale cannot show, in the order of the file.
fn curves(run: &RunData) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for row in run.training.iter().filter(|row| row.value.is_finite() && row.value > 0.0) {
        let curve = *index.entry((row.term.as_str(), row.replica)).or_insert_with(|| {
            curves.push(Curve { term: row.term.clone(), replica: row.replica, points: Vec::new() });
            curves.len() - 1
        });
        curves[curve].points.push((row.step, row.value));
    }
    for curve in &mut curves {
        curve.points.sort_by_key(|(step, _)| *step);
        curve.points = thinned(&curve.points);
    }
    curves
}

/// The smallest and the largest value of each of `STRETCHES` stretches, in order.
fn thinned(points: &[(u64, f64)]) -> Vec<(u64, f64)> {
    if points.len() <= 2 * STRETCHES {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(STRETCHES);
    let ends = points.chunks(stretch).flat_map(|chunk| {
        let by_value = |a: &&(u64, f64), b: &&(u64, f64)| a.1.total_cmp(&b.1);
        let ends = chunk.iter().min_by(by_value).zip(chunk.iter().max_by(by_value));
        ends.into_iter().flat_map(|(&low, &high)| if low.0 <= high.0 { [low, high] } else { [high, low] })
    });
    let mut ends: Vec<_> = ends.collect();
    ends.dedup();
    ends
}

fn panel(sheet: &mut Sheet, frame: Frame, curves: &[&Curve], last: u64, run: &RunData) {
    let y = Axis::logarithmic(curves.iter().flat_map(|curve| &curve.points).map(|(_, value)| value.log10()));
    let last = last.max(1) as f64;
    let x = Axis::linear((0.0, last), style::tick_step(last, 4.0), style::thousands);
    // What is recovered lies on top.
    let mut curves = curves.to_vec();
    curves.sort_by_key(|curve| run.recovered(curve.replica));
    let line = |curve: &&Curve| {
        let points = curve.points.iter().map(|(step, value)| (*step as f64, value.log10()));
        let line = LinePlot::new().with_data(points).with_stroke_width(0.8);
        Plot::Line(line.with_color(colour(run.recovered(curve.replica))))
    };
    sheet.panel(frame, &x, &y, true, curves.iter().map(line).collect());
}

fn colour(recovered: Option<bool>) -> &'static str {
    match recovered {
        Some(true) => style::BLUE,
        Some(false) => style::VERMILLION,
        None => style::FAINT,
    }
}

/// Says what the colours mean and how many replicas have each.
fn keys(sheet: &mut Sheet, run: &RunData, curves: &[Curve]) {
    let mut replicas: Vec<usize> = curves.iter().map(|curve| curve.replica).collect();
    replicas.sort_unstable();
    replicas.dedup();
    let mut x = LEFT;
    for (verdict, meaning) in [(Some(true), "recovered"), (Some(false), "not recovered"), (None, "not yet judged")] {
        let count = replicas.iter().filter(|replica| run.recovered(**replica) == verdict).count();
        if count > 0 {
            x = sheet.key((x, 16.0), colour(verdict), &format!("{meaning}: {count}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_extremes_of_each_stretch_in_order() {
        let mut points: Vec<(u64, f64)> = (0..12_000).map(|step| (step, 1.0)).collect();
        (points[70].1, points[40].1) = (9.0, 0.1);
        let thinned = thinned(&points);
        assert_eq!(thinned[..2], [(40, 0.1), (70, 9.0)]);
        assert!(thinned.len() <= 2 * STRETCHES);
        assert!(thinned.is_sorted_by_key(|(step, _)| *step));
    }
}
