//! The score, which knows no mechanism, against what the mechanisms say.

use kuva::render::render::TextAnchor;

use super::points;
use crate::{
    report::{
        figure::{
            Figure,
            axis::Axis,
            csv_text,
            grid::Grid,
            number,
            sheet::{Frame, Sheet},
            style,
        },
        sweep::{
            data::SweepData,
            replica::{Outcome, Replica},
        },
    },
    statistics::{rank_correlation, roc_area},
};

/// What the mechanisms say in numbers: its name, and what it is of a replica.
type Truth = (&'static str, fn(&Replica) -> f64);

const TRUTHS: [Truth; 3] = [
    ("MMCS", |replica| replica.mmcs),
    ("ML2R", |replica| replica.ml2r),
    ("features with a component of their own", |replica| replica.own),
];

const LEFT: f64 = 92.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const LINE: f64 = 30.0;

/// A replica that is judged and scored: by its number in the table.
type Judged<'a> = (usize, &'a Replica, bool);

pub fn draw(sweep: &SweepData) -> Option<Figure> {
    let scored = || sweep.replicas.iter().enumerate().filter(|(_, replica)| replica.score.is_finite());
    let judged: Vec<Judged> =
        scored().filter_map(|(index, replica)| Some((index, replica, replica.recovered?))).collect();
    let is_known = |(_, value): &Truth| scored().any(|(_, replica)| value(replica).is_finite());
    let truths: Vec<Truth> = TRUTHS.into_iter().filter(is_known).collect();
    if judged.is_empty() && truths.is_empty() {
        return None;
    }
    let strip = if judged.is_empty() { 0.0 } else { 2.0 * LINE };
    let columns = truths.len().clamp(1, 2);
    let top = TOP + if judged.is_empty() { 0.0 } else { strip + 44.0 };
    let grid = Grid { columns, left: 52.0, right: RIGHT, gap: 56.0, top, height: 130.0, row: 172.0 };
    let bottom = if truths.is_empty() { TOP + strip } else { grid.bottom(truths.len()) };
    let mut sheet = Sheet::new(bottom + 42.0);
    points::keys(&mut sheet, scored().map(|(_, replica)| replica), (grid.left, 14.0));
    let x = Axis::covering(scored().map(|(_, replica)| replica.score), 6.0);
    if !judged.is_empty() {
        let frame = Frame { x: LEFT, y: TOP, width: style::WIDTH - LEFT - RIGHT, height: strip };
        of_verdicts(&mut sheet, frame, &x, &judged);
        sheet.below(frame, "score");
    }
    for (index, (name, value)) in truths.iter().enumerate() {
        let frame = grid.frame(index);
        let y = Axis::covering(scored().map(|(_, replica)| value(replica)), 5.0);
        sheet.panel(frame, &x, &y, true, Vec::new());
        points::draw(&mut sheet, sweep, points::stride(sweep, truths.len()), &|_, replica| {
            points::in_frame(frame, &x, &y, (replica.score, value(replica)))
        });
        sheet.below(frame, "score");
        sheet.upright((frame.x - 42.0, frame.middle().1), if name.len() > 20 { "own components" } else { name });
    }
    let area = roc_area(&judged.iter().map(|(_, replica, recovered)| (replica.score, *recovered)).collect::<Vec<_>>());
    let correlations = truths.iter().filter_map(|(name, value)| {
        let pairs = scored().map(|(_, replica)| (replica.score, value(replica))).filter(|(_, value)| value.is_finite());
        Some((*name, rank_correlation(&pairs.collect::<Vec<_>>())?))
    });
    let correlations: Vec<(&str, f64)> = correlations.collect();
    let header = ["trial", "seed", "score", "recovered"].into_iter().chain(truths.iter().map(|(name, _)| *name));
    let header: Vec<String> = header.map(|name| name.replace(' ', "_").to_lowercase()).collect();
    let rows = scored().map(|(_, replica)| {
        let recovered = replica.recovered.map_or_else(String::new, |recovered| recovered.to_string());
        let first = vec![replica.trial.to_string(), replica.seed.clone(), number(replica.score), recovered];
        first.into_iter().chain(truths.iter().map(|(_, value)| number(value(replica)))).collect::<Vec<_>>()
    });
    Some(Figure {
        name: "truth",
        title: "Score against the truth",
        csv: csv_text(&header, rows),
        svg: sheet.svg("truth", "The score of every replica against what the mechanisms say"),
        caption: caption(&judged, area, &correlations),
    })
}

/// A line for what is recovered and one for the rest.
fn of_verdicts(sheet: &mut Sheet, frame: Frame, x: &Axis, judged: &[Judged]) {
    let no_ticks = Axis { range: (0.0, 1.0), ticks: Vec::new(), numbered: false };
    sheet.panel(frame, x, &no_ticks, true, Vec::new());
    for (line, outcome) in [Outcome::Recovered, Outcome::NotRecovered].into_iter().enumerate() {
        let middle = frame.y + (line as f64 + 0.5) * LINE;
        let at = (frame.x - 8.0, middle + 3.5);
        sheet.text(at, outcome.in_words(), style::TICK, style::INK, TextAnchor::End);
        let of_line = judged.iter().filter(|(_, _, recovered)| *recovered == (outcome == Outcome::Recovered));
        // Equal scores are told apart by their height, in the order of the replicas.
        let places = of_line.map(|(index, replica, _)| {
            (frame.x + x.share(replica.score) * frame.width, middle + 3.0 * ((index % 7) as f64 - 3.0))
        });
        match judged.len() > 400 {
            true => sheet.squares(places, 2.4, outcome.colour()),
            false => sheet.dots(places, 2.4, outcome.colour()),
        }
    }
}

fn caption(judged: &[Judged], area: Option<f64>, correlations: &[(&str, f64)]) -> String {
    let recovered = judged.iter().filter(|(_, _, recovered)| *recovered).count();
    let mut text =
        "The score, which knows no mechanism, against what the mechanisms say, a point a replica; without those that have \
         diverged, which have no score."
            .to_owned();
    match area {
        Some(area) => {
            text += &format!(
                " The area under the ROC curve of the score for recovery is {area:.3}: so often does one of the {recovered} \
                 recovered replicas score more than one of the {} others, a tie counting half.",
                judged.len() - recovered
            );
        }
        None if judged.is_empty() => {}
        None => text += " Either all are recovered or none is, so that there is no ROC area.",
    }
    let listed: Vec<String> =
        correlations.iter().map(|(name, rank)| format!("{name} {rank:.2}").replace('-', "−")).collect();
    if !listed.is_empty() {
        text += &format!(" Spearman's correlations with the score: {}.", listed.join(", "));
    }
    text + " Seen when the score is to be believed: the recovered ones lie to the right of the others, and the points rise."
}
