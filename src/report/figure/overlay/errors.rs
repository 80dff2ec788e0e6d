//! The rate-distortion curves of several runs in one panel.

use kuva::{
    plot::LinePlot,
    render::{plots::Plot, render::TextAnchor},
};

use super::{LONGEST, Overlaid, is_of_one_target};
use crate::{
    report::{
        compared::trained_errors,
        figure::{
            Figure,
            axis::{WithZero, is_reached},
            csv_text, number,
            rate_distortion::{RATES, Rate},
            sheet::{Frame, Sheet},
            style,
        },
    },
    statistics::quantile,
    table::RateDistortionRow,
};

const LEFT: f64 = 56.0;
const RIGHT: f64 = 14.0;
const HEIGHT: f64 = 230.0;
/// Height of a line of the key.
const KEY: f64 = 16.0;

/// A point of a curve: the rate, and the error.
type Point = (f64, f64);

/// What is drawn of a run.
struct Curves {
    replicas: Vec<(usize, Vec<Point>)>,
    median: Vec<Point>,
    /// Where the trained selection lies, the median of the replicas.
    trained: Option<Point>,
}

pub fn by_active(runs: &[Overlaid]) -> Option<Figure> {
    draw(runs, RATES[0], "error_by_active", "Error against active components")
}

pub fn by_bits(runs: &[Overlaid]) -> Option<Figure> {
    draw(runs, RATES[1], "error_by_bits", "Error against description length")
}

fn draw(runs: &[Overlaid], rate: Rate, name: &'static str, title: &'static str) -> Option<Figure> {
    let curves: Vec<(&Overlaid, Curves)> = runs.iter().filter_map(|run| Some((run, curves(run, rate)?))).collect();
    let points = || curves.iter().flat_map(|(_, curves)| curves.replicas.iter().flat_map(|(_, points)| points));
    points().next()?;
    let one_target = is_of_one_target(runs);
    let lines = curves.len() * if one_target { 1 } else { 2 };
    let top = 14.0 + KEY * lines as f64;
    let frame = Frame { x: LEFT, y: top, width: style::WIDTH - LEFT - RIGHT, height: HEIGHT };
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    let mut at = 16.0;
    for (run, curves) in &curves {
        let seeds = if curves.replicas.len() == 1 { "" } else { "s" };
        let meaning = format!("{}, {} seed{seeds}", run.title(), curves.replicas.len());
        sheet.dashed_key((LEFT, at), run.colour, run.style.dasharray(), &meaning);
        at += KEY;
        if !one_target {
            let target = style::plain_within(&format!("of {}", run.target), LONGEST);
            sheet.text((LEFT + 21.0, at - 2.0), &target, style::TICK, style::MUTED, TextAnchor::Start);
            at += KEY;
        }
    }
    let trained = || curves.iter().filter_map(|(_, curves)| curves.trained);
    let values =
        |of: fn(&Point) -> f64| points().map(of).chain(trained().map(|point| of(&point))).collect::<Vec<f64>>();
    let x = WithZero::covering(values(|point| point.0).into_iter());
    let y = WithZero::covering(values(|point| point.1).into_iter());
    let placed = |points: &[Point]| points.iter().map(|point| (x.at(point.0), y.at(point.1))).collect::<Vec<_>>();
    let mut plots = Vec::new();
    let single = curves.iter().filter(|(_, curves)| curves.replicas.len() > 1);
    for (run, points) in single.flat_map(|(run, curves)| curves.replicas.iter().map(move |(_, points)| (run, points))) {
        let line = LinePlot::new().with_data(placed(points)).with_color(style::paler(run.colour));
        plots.push(Plot::Line(line.with_stroke_width(0.6)));
    }
    for (run, curves) in &curves {
        let line = LinePlot::new().with_data(placed(&curves.median)).with_color(run.colour);
        plots.push(Plot::Line(line.with_stroke_width(2.0).with_line_style(run.style.clone())));
    }
    sheet.panel(frame, &x.axis, &y.axis, true, plots);
    for (run, curves) in &curves {
        let place = curves.trained.map(|point| frame.place(&x.axis, &y.axis, (x.at(point.0), y.at(point.1))));
        sheet.dots(place.into_iter(), 4.0, run.colour);
    }
    sheet.below(frame, rate.0);
    sheet.upright((12.0, frame.middle().1), "error (squared output units)");
    let against = if rate.0 == RATES[0].0 {
        "their mean number per sample"
    } else {
        "the bits that it takes to say which they are and what ranks they have"
    };
    let caution =
        if one_target { "" } else { " The runs are not of one target, and only curves of one target can be compared." };
    Some(Figure {
        name,
        title,
        csv: csv(&curves, rate),
        svg: sheet.svg(name, &format!("{title}, a curve for each run")),
        caption: format!(
            "Mean squared error to the target's output with only the components of the largest attribution or causal \
             importance kept, against {against}; both axes logarithmic, no component at 0. One colour per run, one line \
             style per method: the thick line is the median of the replicas, the thin ones are the replicas, and the dot is \
             the trained selection.{caution} What success looks like: the curve falls steeply and early; of two runs the \
             lower curve is the better one."
        ),
    })
}

/// `None` of a run without such a curve.
fn curves(run: &Overlaid, (_, rate, trained): Rate) -> Option<Curves> {
    let is_known = |row: &&RateDistortionRow| is_reached(row.error) && is_reached(rate(row));
    let mut replicas: Vec<(usize, Vec<Point>)> = Vec::new();
    for row in run.run.evidence.rate_distortion.iter().filter(is_known) {
        let point = (rate(row), row.error);
        match replicas.iter_mut().find(|(replica, _)| *replica == row.replica) {
            Some((_, points)) => points.push(point),
            None => replicas.push((row.replica, vec![point])),
        }
    }
    let shortest = replicas.iter().map(|(_, points)| points.len()).min()?;
    let of_replicas = |point: usize, of: fn(&Point) -> f64| {
        median(replicas.iter().map(|(_, points)| of(&points[point])).collect()).expect("there is a replica")
    };
    let median_points = (0..shortest).map(|point| (of_replicas(point, |p| p.0), of_replicas(point, |p| p.1)));
    let at = median(run.run.summary.iter().map(trained).collect());
    let error = median(trained_errors(run.run).collect());
    Some(Curves { median: median_points.collect(), trained: at.zip(error), replicas })
}

/// The median of the finite values, if there are any.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| is_reached(*value));
    values.sort_by(f64::total_cmp);
    (!values.is_empty()).then(|| quantile(&values, 0.5))
}

fn csv(curves: &[(&Overlaid, Curves)], rate: Rate) -> String {
    let column = if rate.0 == RATES[0].0 { "mean_active" } else { "description_length" };
    let header = ["run", "method", "target", "line", "replica", column, "error"].map(str::to_owned);
    let rows = curves.iter().flat_map(|(run, curves)| {
        let row = move |line: &str, replica: String, point: &Point| {
            let words = [run.name, &run.method, &run.target, line].map(str::to_owned);
            [words.as_slice(), &[replica, number(point.0), number(point.1)]].concat()
        };
        let median = curves.median.iter().map(move |point| row("median", String::new(), point));
        let replicas = curves.replicas.iter().flat_map(move |(replica, points)| {
            points.iter().map(move |point| row("replica", replica.to_string(), point))
        });
        let trained = curves.trained.iter().map(move |point| row("trained selection", String::new(), point));
        median.chain(replicas).chain(trained)
    });
    csv_text(&header, rows)
}
