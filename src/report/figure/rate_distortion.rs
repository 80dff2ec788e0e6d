//! How the error falls with the components that are used: the rate-distortion curve of each replica.

use kuva::{plot::LinePlot, render::plots::Plot};

use super::{
    Figure,
    axis::WithZero,
    csv_text,
    grid::Grid,
    number,
    sheet::Sheet,
    style,
    verdict::{self, VERDICTS},
};
use crate::{
    report::run_data::RunData,
    statistics::mean_and_deviation,
    table::{Cell, RateDistortionRow, SummaryRow},
};

const GRID: Grid = Grid { columns: 2, left: 56.0, right: 14.0, gap: 30.0, top: 40.0, height: 150.0, row: 0.0 };

/// What stands on the horizontal axis: its name, of a selection, and of the trained selection.
pub type Rate = (&'static str, fn(&RateDistortionRow) -> f64, fn(&SummaryRow) -> f64);

pub const RATES: [Rate; 2] = [
    ("active components", |row| row.mean_active, |row| row.mean_active.number()),
    ("description length, bits", |row| row.description_length, |row| row.description_length.number()),
];

pub fn draw(run: &RunData) -> Option<Figure> {
    let known = |row: &&RateDistortionRow| row.error.is_finite() && row.mean_active.is_finite();
    let rows: Vec<&RateDistortionRow> = run.evidence.rate_distortion.iter().filter(known).collect();
    if rows.is_empty() {
        return None;
    }
    let mut replicas: Vec<usize> = rows.iter().map(|row| row.replica).collect();
    replicas.dedup();
    let mut sheet = Sheet::new(GRID.bottom(2) + 42.0);
    verdict::keys(&mut sheet, run, replicas.iter().copied(), (GRID.left, 16.0));
    let y = WithZero::covering(rows.iter().map(|row| row.error));
    for (index, (name, rate, trained)) in RATES.into_iter().enumerate() {
        let frame = GRID.frame(index);
        let x = WithZero::covering(rows.iter().map(|row| rate(row)).filter(|rate| rate.is_finite()));
        let mut plots = Vec::new();
        for (verdict, _) in VERDICTS.into_iter().rev() {
            for replica in replicas.iter().filter(|replica| run.recovered(**replica) == verdict) {
                let of_replica = rows.iter().filter(|row| row.replica == *replica && rate(row).is_finite());
                let line = LinePlot::new().with_data(of_replica.map(|row| (x.at(rate(row)), y.at(row.error))));
                plots.push(Plot::Line(line.with_color(verdict::colour(verdict)).with_stroke_width(1.0)));
            }
        }
        sheet.panel(frame, &x.axis, &y.axis.clone().numbered(index == 0), true, plots);
        let trained = mean_and_deviation(run.summary.iter().map(trained)).map_or(f64::NAN, |known| known.mean);
        if (x.axis.range.0..=x.axis.range.1).contains(&trained.log10()) {
            let at = frame.place(&x.axis, &y.axis, (trained.log10(), y.axis.range.1));
            sheet.dashed((at.0, frame.bottom()), at, style::MUTED);
        }
        sheet.below(frame, name);
        if index == 0 {
            sheet.upright((12.0, frame.middle().1), "error (squared output units)");
        }
    }
    let header = ["replica", "mean_active", "description_length", "error"].map(str::to_owned);
    let numbers = rows.iter().map(|row| {
        [row.replica.to_string(), number(row.mean_active), number(row.description_length), number(row.error)]
    });
    Some(Figure {
        name: "rate_distortion",
        title: "Rate and distortion",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("rate_distortion", "Error against active components and against bits, each replica a line"),
        caption:
            "Mean squared error to the target's output with only the most attributed components kept, against their \
                  mean number a sample and against the bits that it takes to say which they are and what ranks they \
                  have; one line a replica, all axes logarithmic, no component at all at 0; dashed is \
                  where the trained selection lies. Seen when it works: the \
                  curve falls steeply up to about as many components as features are active, and is flat from there; \
                  of two decompositions the lower curve is the better one."
                .to_owned(),
    })
}
