//! The target's error while it is trained, beside the errors of simple answers.

use kuva::render::{plots::Plot, render::TextAnchor};

use super::{
    Figure,
    axis::Axis,
    csv_text, number,
    sheet::{Frame, Sheet},
    steps::{self, Curve},
    style,
};
use crate::{network::Room, report::run_data::RunData};

/// The term of the table that is drawn.
const ERROR: &str = "error";
/// Up to so many replicas are a line each.
const FEW: usize = 8;
const ANSWERS: [(&str, &str); 3] =
    [("nothing", style::VERMILLION), ("monosemantic", style::ORANGE), ("target", style::GREEN)];

pub fn draw(run: &RunData) -> Option<Figure> {
    let curves = steps::curves(&run.evidence.target_training);
    let curves: Vec<&Curve> = curves.iter().filter(|curve| curve.term == ERROR).collect();
    let last = curves.iter().flat_map(|curve| &curve.points).map(|(step, _)| *step).max()?.max(1) as f64;
    let is_band = curves.len() > FEW;
    let drawn = if is_band { vec![steps::band(&curves)] } else { steps::lines(&curves) };
    let answers: Vec<(&str, &str, f64)> =
        ANSWERS.into_iter().filter_map(|(answer, colour)| Some((answer, colour, mean_error(run, answer)?))).collect();
    let values = drawn.iter().flat_map(|drawn| drawn.values()).chain(answers.iter().map(|(.., error)| *error));
    let logarithms: Vec<f64> = values.map(f64::log10).collect();
    let y = Axis::logarithmic(logarithms.into_iter());
    let x = Axis::linear((0.0, last), style::tick_step(last, 5.0), style::thousands);
    let frame = Frame { x: 56.0, y: 30.0, width: style::WIDTH - 150.0, height: 170.0 };
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    let key = if is_band { format!("error of {} targets", curves.len()) } else { "error, a line a replica".to_owned() };
    sheet.key((frame.x, 16.0), style::BLUE, &key);
    let plots: Vec<Plot> = drawn.iter().flat_map(|drawn| drawn.plots(style::BLUE)).collect();
    sheet.panel(frame, &x, &y, true, plots);
    let mut above = f64::NEG_INFINITY;
    let mut sorted = answers.clone();
    sorted.sort_by(|a, b| b.2.total_cmp(&a.2));
    for (answer, colour, error) in sorted {
        let at = frame.place(&x, &y, (0.0, error.log10()));
        sheet.dashed(at, (frame.right(), at.1), colour);
        // Names of close lines move apart.
        above = (at.1 + 3.5).max(above + 12.0);
        let text = if answer == "target" { "target, at the end" } else { answer };
        sheet.text((frame.right() + 6.0, above), text, style::TICK, style::INK, TextAnchor::Start);
    }
    sheet.below(frame, "training step of the target");
    sheet.upright((12.0, frame.middle().1), "error (squared output units)");
    let header = steps::COLUMNS.map(str::to_owned);
    let baselines = answers.iter().map(|(answer, _, error)| {
        [String::new(), "all".to_owned(), (*answer).to_owned(), String::new(), number(*error)]
    });
    let numbers = drawn.iter().flat_map(|drawn| drawn.rows("all")).chain(baselines);
    let (band, beside) = (
        if is_band { ", median and quartiles over the replicas" } else { ", one line a replica" },
        match answers.is_empty() {
            true => "",
            false => {
                "; dashed, on samples that were not trained on and as a mean over the replicas, the errors of the trained \
                 target, of a network in which every hidden dimension or neuron serves one feature (monosemantic), and of \
                 doing nothing"
            }
        },
    );
    let success = match run.room() {
        Room::ForSome => {
            "the error falls below that of the monosemantic answer, so the target computes more features than it has \
             dimensions or neurons"
        }
        Room::ForAll => {
            "the error falls near to that of the monosemantic answer, which here has a dimension or a neuron for every \
             feature; an error of zero has no place on the scale and no line"
        }
    };
    Some(Figure {
        name: "target_training",
        title: "Training of the target",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("target_training", "Error of the target over its training steps, beside simple answers"),
        caption: format!(
            "Mean squared error of the target to the labels on each step's batch, on a logarithmic scale{band}{beside}. \
             Seen when it works: {success}."
        ),
    })
}

/// Over all replicas, None if it cannot be shown.
fn mean_error(run: &RunData, answer: &str) -> Option<f64> {
    let of_answer = run.evidence.baselines.iter().filter(|row| row.answer == answer && row.error > 0.0);
    let errors: Vec<f64> = of_answer.map(|row| row.error).filter(|error| error.is_finite()).collect();
    (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64)
}
