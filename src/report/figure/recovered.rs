//! How many replicas are recovered, and how well, beside published numbers.

use kuva::render::render::TextAnchor;

use super::{
    Figure,
    axis::Axis,
    csv_text, number,
    sheet::{Frame, Sheet},
    style, verdict,
};
use crate::{
    report::run_data::RunData,
    run::TargetKind,
    statistics::wilson_interval,
    table::{Cell, SummaryRow},
};

const LEFT: f64 = 116.0;
const RIGHT: f64 = 62.0;
const LINE: f64 = 22.0;

/// A share of replicas.
pub struct Share<'a> {
    pub name: &'a str,
    pub colour: &'static str,
    pub successes: usize,
    pub trials: usize,
}

impl Share<'_> {
    /// The share and the ends of its 95 % interval.
    pub fn with_interval(&self) -> [f64; 3] {
        let interval = wilson_interval(self.successes, self.trials);
        [self.successes as f64 / self.trials as f64, interval.low, interval.high]
    }
}

/// A number that every replica has: title, value, and mean and deviation that were published.
struct Merit {
    title: &'static str,
    value: fn(&SummaryRow) -> f64,
    published: Option<(f64, f64)>,
    /// Of a count: how large it can be.
    most: Option<f64>,
}

pub fn draw(run: &RunData) -> Option<Figure> {
    let verdicts: Vec<bool> = run.summary.iter().filter_map(|row| row.recovered).collect();
    if verdicts.is_empty() {
        return None;
    }
    let published = run.published();
    let successes = verdicts.iter().filter(|recovered| **recovered).count();
    let mut shares = vec![Share { name: "this run", colour: style::BLUE, successes, trials: verdicts.len() }];
    if let Some((successes, trials)) = published.and_then(|published| published.recovered) {
        shares.push(Share { name: "authors' program", colour: style::INK, successes, trials });
    }
    let merits = [
        Merit {
            title: "MMCS",
            value: |row| row.mmcs.number(),
            published: published.map(|published| published.mmcs),
            most: None,
        },
        Merit {
            title: "ML2R",
            value: |row| row.ml2r.number(),
            published: published.map(|published| published.ml2r),
            most: None,
        },
        Merit {
            title: match run.kind() {
                Some(TargetKind::GatedFunctions { .. }) => "functions with a component of their own",
                _ => "features with a component of their own",
            },
            value: |row| row.features_with_own_component.number(),
            published: None,
            most: match run.kind() {
                Some(TargetKind::ResidualMlp { features, .. }) => Some(features as f64),
                Some(TargetKind::GatedFunctions { functions, .. }) => Some(functions as f64),
                _ => None,
            },
        },
    ];
    let merits: Vec<Merit> =
        merits.into_iter().filter(|merit| run.summary.iter().any(|row| (merit.value)(row).is_finite())).collect();
    let heights = merits.iter().map(|merit| height(1 + usize::from(merit.published.is_some())) + 48.0);
    let mut sheet = Sheet::new(30.0 + height(shares.len()) + 24.0 + heights.sum::<f64>());
    let mut frame = Frame { x: LEFT, y: 30.0, width: style::WIDTH - LEFT - RIGHT, height: height(shares.len()) };
    of_shares(&mut sheet, frame, &shares);
    let mut rows = Vec::new();
    for share in &shares {
        let values = share.with_interval().map(number);
        rows.push([&["recovered".to_owned(), share.name.to_owned(), String::new()], values.as_slice()].concat());
    }
    for merit in &merits {
        let lines = 1 + usize::from(merit.published.is_some());
        frame = Frame { y: frame.bottom() + 48.0, height: height(lines), ..frame };
        of_replicas(&mut sheet, frame, merit, run);
        for row in run.summary.iter().filter(|row| (merit.value)(row).is_finite()) {
            let who = ["replica".to_owned(), row.replica.to_string()];
            let value = [number((merit.value)(row)), String::new(), String::new()];
            rows.push([&[merit.title.to_owned()], who.as_slice(), &value].concat());
        }
        if let Some((mean, deviation)) = merit.published {
            let values = [mean, mean - deviation, mean + deviation].map(number);
            rows.push([&[merit.title.to_owned(), "published".to_owned(), String::new()], values.as_slice()].concat());
        }
    }
    let header = ["what", "of", "replica", "value", "low", "high"].map(str::to_owned);
    let source = match published {
        Some(published) => format!(" Black: {}, mean and standard deviation of the recovered.", published.source),
        None => String::new(),
    };
    let below = if merits.is_empty() { "" } else { " Below: a dot a replica, recovered ones blue, others vermillion." };
    Some(Figure {
        name: "recovered",
        title: "Replicas recovered",
        csv: csv_text(&header, rows),
        svg: sheet.svg("recovered", "Share of replicas recovered with its interval, and each replica's numbers"),
        caption: format!(
            "The share of replicas that are recovered, with its 95 % interval (Wilson).{below}{source} Seen when it works: \
             the interval lies high and overlaps that of others, and the dots lie close together at the right.",
        ),
    })
}

/// Of so many lines.
pub fn height(lines: usize) -> f64 {
    lines as f64 * LINE
}

/// The middle of a line, in pixels.
pub fn line_at(frame: Frame, line: usize) -> f64 {
    frame.y + (line as f64 + 0.5) * LINE
}

/// What stands to the left of a line.
pub fn name(sheet: &mut Sheet, frame: Frame, line: usize, name: &str) {
    let at = (frame.x - 8.0, line_at(frame, line) + 3.5);
    sheet.text(at, name, style::TICK, style::INK, TextAnchor::End);
}

/// What stands to the right of a line.
pub fn value(sheet: &mut Sheet, frame: Frame, line: usize, value: &str) {
    let at = (frame.right() + 8.0, line_at(frame, line) + 3.5);
    sheet.text(at, value, style::TICK, style::INK, TextAnchor::Start);
}

pub fn no_ticks() -> Axis {
    Axis { range: (0.0, 1.0), ticks: Vec::new(), numbered: false }
}

/// A line for each share, with its interval.
pub fn of_shares(sheet: &mut Sheet, frame: Frame, shares: &[Share]) {
    let x = Axis::linear((0.0, 1.0), 0.25, |share| format!("{:.0} %", 100.0 * share));
    sheet.title((frame.x, frame.y - 7.0), "recovered");
    sheet.panel(frame, &x, &no_ticks(), true, Vec::new());
    for (line, of) in shares.iter().enumerate() {
        let y = line_at(frame, line);
        let [share, low, high] = of.with_interval().map(|share| frame.x + share * frame.width);
        name(sheet, frame, line, of.name);
        sheet.stroke((low, y), (high, y), of.colour, 2.0);
        sheet.dots([(share, y)].into_iter(), 4.0, of.colour);
        value(sheet, frame, line, &format!("{} of {}", of.successes, of.trials));
    }
}

fn of_replicas(sheet: &mut Sheet, frame: Frame, merit: &Merit, run: &RunData) {
    let known: Vec<&SummaryRow> = run.summary.iter().filter(|row| (merit.value)(row).is_finite()).collect();
    let ends = merit.published.iter().flat_map(|(mean, deviation)| [mean - deviation, mean + deviation]);
    let values = known.iter().map(|row| (merit.value)(row)).chain(ends);
    let x = match merit.most {
        Some(most) => Axis::linear((0.0, 1.02 * most), style::tick_step(most, 5.0), style::number),
        None => Axis::covering(values, 5.0),
    };
    sheet.title((frame.x, frame.y - 7.0), merit.title);
    sheet.panel(frame, &x, &no_ticks(), true, Vec::new());
    name(sheet, frame, 0, "replicas");
    let at = |value: f64| frame.x + x.share(value).clamp(0.0, 1.0) * frame.width;
    for recovered in [None, Some(false), Some(true)] {
        let of_verdict = known.iter().filter(|row| row.recovered == recovered);
        // Equal values are told apart by their height, in the order of the replicas.
        let places = of_verdict.map(|row| {
            let offset = (row.replica % 5) as f64 - 2.0;
            (at((merit.value)(row)), line_at(frame, 0) + 3.0 * offset)
        });
        sheet.dots(places, 2.2, verdict::colour(recovered));
    }
    if let Some((mean, deviation)) = merit.published {
        let y = line_at(frame, 1);
        name(sheet, frame, 1, "published");
        sheet.stroke((at(mean - deviation), y), (at(mean + deviation), y), style::INK, 2.0);
        sheet.dots([(at(mean), y)].into_iter(), 3.5, style::INK);
        value(sheet, frame, 1, &format!("{mean:.3}"));
    }
}
