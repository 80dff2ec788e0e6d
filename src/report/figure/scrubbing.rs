//! What ablating the other components costs, and what ablating the right ones too.

use kuva::{
    plot::{BandPlot, LinePlot},
    render::plots::Plot,
};

use super::{
    Figure,
    axis::{Axis, is_reached},
    csv_text,
    grid::Grid,
    number,
    sheet::{Frame, Sheet},
    style,
};
use crate::{
    report::run_data::RunData,
    table::{ScrubbingCurveRow, ScrubbingRow},
};

const GRID: Grid = Grid { columns: 2, left: 52.0, right: 14.0, gap: 34.0, top: 50.0, height: 130.0, row: 190.0 };
/// Errors below this share of the largest are beyond the left end.
const FLOOR: f64 = 1e-6;

const SCRUBBED: &str = style::BLUE;
const ANTI_SCRUBBED: &str = style::VERMILLION;
const TARGET: &str = style::INK;

/// A distribution: its name in the CSV, its colour, its errors.
type Distribution = (&'static str, &'static str, fn(&ScrubbingRow) -> f64);

const PANELS: [(&str, &[Distribution]); 2] = [
    (
        "to the target's output",
        &[("anti_scrubbed", ANTI_SCRUBBED, |row| row.anti_scrubbed), ("scrubbed", SCRUBBED, |row| row.scrubbed)],
    ),
    (
        "to the labels",
        &[
            ("target_to_labels", TARGET, |row| row.target_to_labels),
            ("anti_scrubbed_to_labels", ANTI_SCRUBBED, |row| row.anti_scrubbed_to_labels),
            ("scrubbed_to_labels", SCRUBBED, |row| row.scrubbed_to_labels),
        ],
    ),
];

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let mut rows: Vec<&ScrubbingRow> = run.evidence.scrubbing.iter().filter(|row| row.replica == replica).collect();
    rows.retain(|row| (0.0..=1.0).contains(&row.quantile));
    let curves: Vec<&ScrubbingCurveRow> =
        run.evidence.scrubbing_curves.iter().filter(|row| row.replica == replica && is_reached(row.input)).collect();
    if rows.is_empty() && curves.is_empty() {
        return None;
    }
    let feature = curves.first().map(|row| row.feature);
    let curve: Vec<&ScrubbingCurveRow> = curves.iter().copied().filter(|row| Some(row.feature) == feature).collect();
    let count = if curve.is_empty() { 2 } else { 4 };
    let mut sheet = Sheet::new(GRID.bottom(count) + 42.0);
    let mut key = GRID.left;
    for (colour, meaning) in [(SCRUBBED, "scrubbed"), (ANTI_SCRUBBED, "anti-scrubbed"), (TARGET, "target")] {
        key = sheet.key((key, 14.0), colour, meaning);
    }
    if !curve.is_empty() {
        sheet.key((key, 14.0), style::FAINT, "label");
    }
    let mut numbers = Vec::new();
    for (index, (title, distributions)) in PANELS.iter().enumerate() {
        let frame = GRID.frame(index);
        sheet.title((frame.x, frame.y - 7.0), title);
        distribution(&mut sheet, frame, &rows, distributions);
        sheet.below(frame, "error (squared output units)");
        for (name, _, value) in *distributions {
            let cells = |row: &&ScrubbingRow| {
                [replica.to_string(), (*name).to_owned(), String::new(), number(row.quantile), number(value(row))]
            };
            numbers.extend(rows.iter().map(cells));
        }
    }
    sheet.upright((12.0, GRID.frame(0).middle().1), "share of samples");
    if let Some(feature) = feature {
        bands(&mut sheet, &curve, feature);
        for row in &curve {
            let values = [
                ("label", row.label),
                ("target", row.target),
                ("scrubbed_low", row.scrubbed_low),
                ("scrubbed_median", row.scrubbed_median),
                ("scrubbed_high", row.scrubbed_high),
                ("anti_scrubbed_low", row.anti_scrubbed_low),
                ("anti_scrubbed_median", row.anti_scrubbed_median),
                ("anti_scrubbed_high", row.anti_scrubbed_high),
            ];
            numbers.extend(values.map(|(name, value)| {
                [replica.to_string(), name.to_owned(), feature.to_string(), number(row.input), number(value)]
            }));
        }
    }
    let header = ["replica", "curve", "feature", "quantile_or_input", "value"].map(str::to_owned);
    let responses = match feature {
        Some(feature) => format!(
            " Below: output {feature} on inputs with only feature {feature} active, the median and the middle 90 % of 200 \
             draws of the ablated half."
        ),
        None => String::new(),
    };
    Some(Figure {
        name: "scrubbing",
        title: "Scrubbing",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("scrubbing", "Errors with half of the components ablated, and the answers to one feature"),
        caption: format!(
            "{}. Above: which share of the samples has at most this error, with half of the components ablated, sparing \
             those that serve an active feature (scrubbed) or including them (anti-scrubbed).{responses} Seen when it \
             works: scrubbed lies far to the left of anti-scrubbed, and against the labels close to the target{}.",
            run.shown_because(),
            if feature.is_some() { "; the scrubbed band is narrow and lies on the target's curve" } else { "" }
        ),
    })
}

fn distribution(sheet: &mut Sheet, frame: Frame, rows: &[&ScrubbingRow], distributions: &[Distribution]) {
    let values = || rows.iter().flat_map(|row| distributions.iter().map(|(.., value)| value(row)));
    let largest = values().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let shown: Vec<f64> = values().filter(|value| value.is_finite() && *value >= largest * FLOOR).collect();
    let x = Axis::logarithmic(shown.iter().filter(|value| **value > 0.0).map(|value| value.log10()));
    let y = Axis::linear((0.0, 1.0), 0.25, style::number);
    let line = |(_, colour, value): &Distribution| {
        let points = rows.iter().filter(|row| value(row) > 0.0 && value(row).is_finite());
        let points = points.map(|row| (value(row).log10(), row.quantile)).filter(|(at, _)| *at >= x.range.0);
        Plot::Line(LinePlot::new().with_data(points).with_color(*colour).with_stroke_width(1.5))
    };
    sheet.panel(frame, &x, &y, true, distributions.iter().map(line).collect());
}

fn bands(sheet: &mut Sheet, rows: &[&ScrubbingCurveRow], feature: usize) {
    type Band = (&'static str, &'static str, fn(&ScrubbingCurveRow) -> [f64; 3]);
    const BANDS: [Band; 2] = [
        ("scrubbed", SCRUBBED, |row| [row.scrubbed_low, row.scrubbed_median, row.scrubbed_high]),
        ("anti-scrubbed", ANTI_SCRUBBED, |row| {
            [row.anti_scrubbed_low, row.anti_scrubbed_median, row.anti_scrubbed_high]
        }),
    ];
    let all = |row: &&ScrubbingCurveRow| {
        [[row.label, row.target, row.target], BANDS[0].2(row), BANDS[1].2(row)].into_iter().flatten()
    };
    let y = Axis::covering(rows.iter().flat_map(all), 5.0);
    let x = Axis::covering(rows.iter().map(|row| row.input), 5.0);
    for (index, (name, colour, of)) in BANDS.into_iter().enumerate() {
        let frame = GRID.frame(2 + index);
        sheet.title((frame.x, frame.y - 7.0), &format!("feature {feature}, {name}"));
        let known: Vec<&&ScrubbingCurveRow> =
            rows.iter().filter(|row| of(row).iter().all(|value| is_reached(*value))).collect();
        let column = |which: usize| known.iter().map(move |row| of(row)[which]);
        let inputs = || known.iter().map(|row| row.input);
        let line = |value: fn(&ScrubbingCurveRow) -> f64, colour: &str, width| {
            let points = rows.iter().filter(|row| is_reached(value(row))).map(|row| (row.input, value(row)));
            Plot::Line(LinePlot::new().with_data(points).with_color(colour).with_stroke_width(width))
        };
        let median = LinePlot::new().with_data(inputs().zip(column(1))).with_color(colour).with_stroke_width(1.25);
        let plots = vec![
            Plot::Band(BandPlot::new(inputs(), column(0), column(2)).with_color(colour).with_opacity(0.3)),
            line(|row| row.label, style::FAINT, 2.4),
            line(|row| row.target, TARGET, 1.0),
            Plot::Line(median),
        ];
        sheet.panel(frame, &x, &y.clone().numbered(index == 0), true, plots);
        sheet.below(frame, &format!("input {feature}"));
        if index == 0 {
            sheet.upright((12.0, frame.middle().1), &format!("output {feature}"));
        }
    }
}
