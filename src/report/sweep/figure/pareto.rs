//! Error against active components, and the replicas that none is better than in both.

use super::points;
use crate::report::{
    figure::{
        Figure,
        axis::{Axis, WithZero},
        csv_text, number,
        sheet::{Frame, Sheet},
        style,
    },
    sweep::{data::SweepData, replica::Replica},
    table,
};

const FRAME: Frame = Frame { x: 58.0, y: 48.0, width: style::WIDTH - 58.0 - 14.0, height: 220.0 };
/// Numbers of components of which the largest is so many times the smallest are on a logarithmic axis.
const LONG: f64 = 30.0;

pub fn draw(sweep: &SweepData) -> Option<Figure> {
    let is_known = |replica: &&Replica| replica.error.is_finite() && replica.active.is_finite();
    let known: Vec<&Replica> = sweep.replicas.iter().filter(is_known).collect();
    // A trade-off has a figure of the same with more in it.
    if known.is_empty() || sweep.overview.trade_off.is_some() {
        return None;
    }
    let active = || known.iter().map(|replica| replica.active);
    let (least, most) = (active().fold(f64::INFINITY, f64::min), active().fold(0.0, f64::max));
    let is_long = least > 0.0 && most / least > LONG;
    let x = if is_long { WithZero::covering(active()).axis } else { Axis::covering(active(), 6.0) };
    let y = WithZero::covering(known.iter().map(|replica| replica.error));
    let place = |active: f64, error: f64| {
        let across = if is_long { active.log10() } else { active };
        points::in_frame(FRAME, &x, &y.axis, (across, y.at(error)))
    };
    let mut sheet = Sheet::new(FRAME.bottom() + 42.0);
    points::keys(&mut sheet, known.iter().copied(), (FRAME.x, 14.0));
    let next = sheet.key((FRAME.x, 32.0), style::GREEN, "Pareto front");
    sheet.panel(FRAME, &x, &y.axis, true, Vec::new());
    let points: Vec<(f64, f64)> = known.iter().map(|replica| (replica.active, replica.error)).collect();
    let front = front(&points);
    let corners: Vec<(f64, f64)> = front.iter().filter_map(|&index| place(points[index].0, points[index].1)).collect();
    for pair in corners.windows(2) {
        // Between two of them nothing better is known than the error of the one with fewer active components.
        sheet.stroke(pair[0], (pair[1].0, pair[0].1), style::GREEN, 1.6);
        sheet.stroke((pair[1].0, pair[0].1), pair[1], style::GREEN, 1.6);
    }
    let stride = points::stride(sweep, 1);
    points::draw(&mut sheet, sweep, stride, &|_, replica| {
        (replica.error.is_finite() && replica.active.is_finite())
            .then(|| place(replica.active, replica.error))
            .flatten()
    });
    let best = sweep.overview.best().map(|best| best.trial);
    if let Some(best) = best {
        let of_best = known.iter().filter(|replica| replica.trial == best);
        points::rings(&mut sheet, of_best.filter_map(|replica| place(replica.active, replica.error)));
        points::rings(&mut sheet, [(next + 6.0, 28.0)].into_iter());
        let meaning = format!("trial {best}, {}", sweep.best_is());
        sheet.text((next + 16.0, 32.0), &meaning, style::LABEL, style::INK, kuva::render::render::TextAnchor::Start);
    }
    sheet.below(FRAME, "active components");
    sheet.upright((12.0, FRAME.middle().1), "error (squared output units)");
    let header = ["trial", "seed", "mean_active", "error", "front", "outcome"].map(str::to_owned);
    let rows = known.iter().enumerate().map(|(index, replica)| {
        let front = front.contains(&index).to_string();
        let numbers = [replica.active, replica.error].map(number);
        let [active, error] = numbers;
        [replica.trial.to_string(), replica.seed.clone(), active, error, front, replica.outcome().in_words().to_owned()]
    });
    let left_out = match sweep.replicas.len() - known.len() {
        0 => String::new(),
        count => {
            format!(" Left out: {}, diverged, not measured, or without a selection.", table::count(count, "replica"))
        }
    };
    Some(Figure {
        name: "pareto",
        title: "Error against active components",
        csv: csv_text(&header, rows),
        svg: sheet.svg("pareto", "Error of every replica against its active components, and the front of the best"),
        caption: format!(
            "Mean squared error to the target's output with the trained selection against the components that are active on a \
             mean sample, a point a replica; the error on a logarithmic scale. Line: the replicas than which none is better in \
             both.{left_out}{} Seen when it works: the front falls steeply up to about as many components as features are \
             active, and the best trial lies near its bend.",
            points::thinned(stride)
        ),
    })
}

/// The points than which none has both fewer active components and a smaller error, nor one of them with the other equal; by
/// their active components. Of equal points the first.
fn front(points: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&one, &other| {
        let (one, other) = (points[one], points[other]);
        one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    let mut least = f64::INFINITY;
    let mut is_better = |index: &usize| {
        let is_better = points[*index].1 < least;
        least = least.min(points[*index].1);
        is_better
    };
    order.into_iter().filter(|index| is_better(index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_front_are_those_that_none_beats_in_both() {
        let points = [(2.0, 1.0), (1.0, 3.0), (1.0, 2.0), (3.0, 1.0), (3.0, 0.5), (2.5, 1.5), (2.0, 1.0)];
        assert_eq!(front(&points), [2, 0, 4]);
        assert!(front(&[]).is_empty());
    }
}
