//! Values over training steps: lines of single replicas, and a band where there are many.

use kuva::{
    plot::{BandPlot, LinePlot},
    render::plots::Plot,
};

use super::number;
use crate::{statistics::quantile, table::TrainingRow};

/// A line is thinned to the smallest and the largest value of this many stretches of steps, a band to this many steps.
const STRETCHES: usize = 120;

/// One replica's values of one term that a logarithmic scale can show, by step.
pub struct Curve<'a> {
    pub term: &'a str,
    pub replica: usize,
    pub points: Vec<(u64, f64)>,
}

/// The columns of the numbers. A band is of no single replica.
pub const COLUMNS: [&str; 5] = ["replica", "group", "statistic", "step", "value"];

/// What stands for one or several replicas in a panel.
pub enum Drawn {
    Line {
        replica: usize,
        points: Vec<(u64, f64)>,
    },
    /// Lower quartile, median and upper quartile of many replicas.
    Band {
        points: Vec<(u64, [f64; 3])>,
    },
}

/// The curves of a table of training, in the order of the file.
pub fn curves(rows: &[TrainingRow]) -> Vec<Curve<'_>> {
    let mut curves: Vec<Curve> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for row in rows.iter().filter(|row| row.value.is_finite() && row.value > 0.0) {
        let curve = *index.entry((row.term.as_str(), row.replica)).or_insert_with(|| {
            curves.push(Curve { term: &row.term, replica: row.replica, points: Vec::new() });
            curves.len() - 1
        });
        curves[curve].points.push((row.step, row.value));
    }
    curves.iter_mut().for_each(|curve| curve.points.sort_by_key(|(step, _)| *step));
    curves
}

/// A line each, thinned.
pub fn lines(curves: &[&Curve]) -> Vec<Drawn> {
    let line = |curve: &&Curve| Drawn::Line { replica: curve.replica, points: thinned(&curve.points) };
    curves.iter().map(line).collect()
}

/// One band for all, of the steps of the first curves.
pub fn band(curves: &[&Curve]) -> Drawn {
    let mut values: std::collections::BTreeMap<u64, Vec<f64>> = std::collections::BTreeMap::new();
    for (step, value) in curves.iter().flat_map(|curve| &curve.points) {
        values.entry(*step).or_default().push(*value);
    }
    let stride = values.len().div_ceil(STRETCHES).max(1);
    let last = values.len().saturating_sub(1);
    let shown = values.into_iter().enumerate().filter(|(index, _)| index % stride == 0 || *index == last);
    let points = shown.map(|(_, (step, mut values))| {
        values.sort_by(f64::total_cmp);
        (step, [0.25, 0.5, 0.75].map(|share| quantile(&values, share)))
    });
    Drawn::Band { points: points.collect() }
}

impl Drawn {
    /// All values, for the axis.
    pub fn values(&self) -> Vec<f64> {
        match self {
            Drawn::Line { points, .. } => points.iter().map(|(_, value)| *value).collect(),
            Drawn::Band { points } => points.iter().flat_map(|(_, quartiles)| *quartiles).collect(),
        }
    }

    /// On a logarithmic scale.
    pub fn plots(&self, colour: &str) -> Vec<Plot> {
        let line = |points: Vec<(f64, f64)>, width| {
            Plot::Line(LinePlot::new().with_data(points).with_stroke_width(width).with_color(colour))
        };
        match self {
            Drawn::Line { points, .. } => {
                vec![line(points.iter().map(|(step, value)| (*step as f64, value.log10())).collect(), 0.8)]
            }
            Drawn::Band { points } => {
                let of = |quartile: usize| points.iter().map(move |(_, values)| values[quartile].log10());
                let steps = || points.iter().map(|(step, _)| *step as f64);
                let band = BandPlot::new(steps(), of(0), of(2)).with_color(colour).with_opacity(0.3);
                vec![Plot::Band(band), line(steps().zip(of(1)).collect(), 1.25)]
            }
        }
    }

    /// Rows of [`COLUMNS`] of replicas that belong to `group`.
    pub fn rows(&self, group: &str) -> Vec<[String; 5]> {
        let row = |replica: &str, what: &str, step: u64, value: f64| {
            [replica.to_owned(), group.to_owned(), what.to_owned(), step.to_string(), number(value)]
        };
        match self {
            Drawn::Line { replica, points } => {
                points.iter().map(|(step, value)| row(&replica.to_string(), "value", *step, *value)).collect()
            }
            Drawn::Band { points } => {
                let names = ["lower quartile", "median", "upper quartile"];
                let of = |(step, values): &(u64, [f64; 3])| {
                    let step = *step;
                    names.into_iter().zip(*values).map(move |(name, value)| row("", name, step, value))
                };
                points.iter().flat_map(of).collect()
            }
        }
    }
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

    #[test]
    fn a_band_holds_the_quartiles_of_each_step() {
        let curve = |replica: usize| Curve {
            term: "error",
            replica,
            points: (0..3).map(|step| (step, (replica + 1) as f64)).collect(),
        };
        let curves: Vec<Curve> = (0..5).map(curve).collect();
        let Drawn::Band { points } = band(&curves.iter().collect::<Vec<_>>()) else { panic!("no band") };
        assert_eq!(points, [0, 1, 2].map(|step| (step, [2.0, 3.0, 4.0])));
    }

    #[test]
    fn a_band_of_many_steps_is_thinned_and_ends_where_the_curves_end() {
        let curve = Curve { term: "error", replica: 0, points: (0..1_000).map(|step| (step, 1.0)).collect() };
        let values = band(&[&curve]).rows("recovered");
        assert!(values.len() <= 3 * (STRETCHES + 1));
        assert_eq!(values.last().unwrap(), &["", "recovered", "upper quartile", "999", "1.00000e0"].map(str::to_owned));
    }
}
