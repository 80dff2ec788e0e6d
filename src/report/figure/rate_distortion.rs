//! How the error falls with the components that are used: the rate-distortion curve of each replica.

use kuva::{plot::LinePlot, render::plots::Plot};

use super::{
    Figure,
    axis::WithZero,
    csv_text,
    grid::Grid,
    number,
    sheet::Sheet,
    verdict::{self, VERDICTS},
};
use crate::report::{evidence::RateRow, run_data::RunData};

const GRID: Grid = Grid { columns: 2, left: 56.0, right: 14.0, gap: 30.0, top: 40.0, height: 150.0, row: 0.0 };

/// What stands on the horizontal axis.
type Rate = (&'static str, fn(&RateRow) -> f64);

const RATES: [Rate; 2] =
    [("active components", |row| row.mean_active), ("description length, bits", |row| row.description_length)];

pub fn draw(run: &RunData) -> Option<Figure> {
    let known = |row: &&RateRow| row.error.is_finite() && row.mean_active.is_finite();
    let rows: Vec<&RateRow> = run.evidence.rate_distortion.iter().filter(known).collect();
    if rows.is_empty() {
        return None;
    }
    let mut replicas: Vec<usize> = rows.iter().map(|row| row.replica).collect();
    replicas.dedup();
    let mut sheet = Sheet::new(GRID.bottom(2) + 42.0);
    verdict::keys(&mut sheet, run, replicas.iter().copied(), (GRID.left, 16.0));
    let y = WithZero::covering(rows.iter().map(|row| row.error));
    for (index, (name, rate)) in RATES.into_iter().enumerate() {
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
                  have; one line a replica, all axes logarithmic, no component at all at 0. Seen when it works: the \
                  curve falls steeply up to about as many components as features are active, and is flat from there; \
                  of two decompositions the lower curve is the better one."
                .to_owned(),
    })
}
