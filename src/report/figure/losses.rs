//! Losses of all replicas over the training steps, one panel a term.

use kuva::render::{plots::Plot, render::TextAnchor};

use super::{
    Figure,
    axis::Axis,
    csv_text,
    grid::Grid,
    sheet::Sheet,
    steps::{self, Curve, Drawn},
    style,
    verdict::{self, VERDICTS},
};
use crate::report::run_data::RunData;

const GRID: Grid = Grid { columns: 2, left: 52.0, right: 16.0, gap: 44.0, top: 46.0, height: 104.0, row: 148.0 };

/// Up to so many replicas are a line each.
const FEW: usize = 8;
/// Of more, the recovered ones are a band if there are at least so many; the others, which may have been caught each
/// elsewhere, stay lines as long as there are fewer than so many.
const BAND_OF_RECOVERED: usize = 5;
const BAND_OF_OTHERS: usize = 16;

pub fn draw(run: &RunData) -> Option<Figure> {
    let curves = steps::curves(&run.training);
    let mut terms: Vec<&str> = Vec::new();
    for curve in &curves {
        if !terms.contains(&curve.term) {
            terms.push(curve.term);
        }
    }
    let last = curves.iter().flat_map(|curve| &curve.points).map(|(step, _)| *step).max()?.max(1) as f64;
    let mut sheet = Sheet::new(GRID.bottom(terms.len()) + 42.0);
    verdict::keys(&mut sheet, run, curves.iter().map(|curve| curve.replica), (GRID.left, 16.0));
    let mut numbers = Vec::new();
    let mut has_band = false;
    for (index, term) in terms.iter().enumerate() {
        let frame = GRID.frame(index);
        sheet.title((frame.x, frame.y - 7.0), &style::plain(term));
        let of_term: Vec<&Curve> = curves.iter().filter(|curve| curve.term == *term).collect();
        let groups = groups(run, &of_term);
        let drawn = || groups.iter().flat_map(|(_, drawn)| drawn);
        has_band |= drawn().any(|drawn| matches!(drawn, Drawn::Band { .. }));
        let logarithms: Vec<f64> = drawn().flat_map(Drawn::values).map(f64::log10).collect();
        let y = Axis::logarithmic(logarithms.into_iter());
        let x = Axis::linear((0.0, last), style::tick_step(last, 4.0), style::thousands);
        // What is recovered lies on top.
        let plots = groups
            .iter()
            .rev()
            .flat_map(|(verdict, drawn)| drawn.iter().flat_map(|drawn| drawn.plots(verdict::colour(*verdict))));
        let plots: Vec<Plot> = plots.collect();
        sheet.panel(frame, &x, &y, true, plots);
        if GRID.is_leftmost(index) {
            sheet.upright((12.0, frame.middle().1), "loss");
        }
        if GRID.is_lowest(index, terms.len()) {
            let at = (frame.middle().0, frame.bottom() + 32.0);
            sheet.text(at, "training step", style::LABEL, style::INK, TextAnchor::Middle);
        }
        for ((_, drawn), (_, meaning)) in groups.iter().zip(VERDICTS) {
            let rows = drawn.iter().flat_map(|drawn| drawn.rows(meaning));
            numbers.extend(rows.map(|row| [vec![(*term).to_owned()], row.to_vec()].concat()));
        }
    }
    let header: Vec<String> = ["term"].into_iter().chain(steps::COLUMNS).map(str::to_owned).collect();
    let line = if has_band {
        "Of many replicas with one verdict: the median as a line and the quartiles as a band; one thin line a replica \
         otherwise"
    } else {
        "One thin line a replica"
    };
    Some(Figure {
        name: "losses",
        title: "Losses",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("losses", "Losses of all replicas over the training steps"),
        caption: format!(
            "{line}, on a logarithmic scale without a unit; total weighs the terms with the spec's coefficients. Seen \
             when it works: {}, and recovered replicas end on the same values; one that was caught elsewhere stands \
             apart.",
            run.words.losses
        ),
    })
}

/// What is drawn of the curves of one term, by verdict in the order of `VERDICTS`.
fn groups(run: &RunData, curves: &[&Curve]) -> [(Option<bool>, Vec<Drawn>); 3] {
    VERDICTS.map(|(verdict, _)| {
        let group: Vec<&Curve> =
            curves.iter().copied().filter(|curve| run.recovered(curve.replica) == verdict).collect();
        let least = if verdict == Some(true) { BAND_OF_RECOVERED } else { BAND_OF_OTHERS };
        let is_band = curves.len() > FEW && group.len() >= least;
        (verdict, if is_band { vec![steps::band(&group)] } else { steps::lines(&group) })
    })
}
