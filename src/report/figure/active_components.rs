//! Features that need several components at once, and what they cost with one.

use kuva::render::render::TextAnchor;

use super::{
    Figure,
    axis::{Axis, WithZero},
    csv_text, number,
    sheet::{Frame, Sheet},
    style,
};
use crate::{
    report::run_data::RunData,
    table::{Cell, MlpFeatureRow},
};

const OWN: [(Option<bool>, &str, &str); 3] = [
    (None, style::FAINT, "unknown"),
    (Some(true), style::BLUE, "own component"),
    (Some(false), style::VERMILLION, "none of its own"),
];
/// So many features of the largest errors are numbered.
const NUMBERED: usize = 3;

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let known = |row: &&MlpFeatureRow| {
        row.replica == replica && row.mean_active.number().is_finite() && row.error_alone.number().is_finite()
    };
    let mut rows: Vec<&MlpFeatureRow> = run.evidence.features.iter().filter(known).collect();
    if rows.is_empty() {
        return None;
    }
    rows.sort_by(|a, b| b.error_alone.number().total_cmp(&a.error_alone.number()));
    let x = Axis::covering(rows.iter().map(|row| row.mean_active.number()), 6.0);
    let y = WithZero::covering(rows.iter().map(|row| row.error_alone.number()));
    let frame = Frame { x: 56.0, y: 30.0, width: style::WIDTH - 76.0, height: 190.0 };
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    sheet.panel(frame, &x, &y.axis, true, Vec::new());
    let place =
        |row: &MlpFeatureRow| frame.place(&x, &y.axis, (row.mean_active.number(), y.at(row.error_alone.number())));
    let mut key = frame.x;
    for (own, colour, meaning) in OWN {
        let of_kind: Vec<_> = rows.iter().filter(|row| row.own_component == own).collect();
        if !of_kind.is_empty() {
            key = sheet.dot_key((key, 16.0), colour, &format!("{meaning}: {}", of_kind.len()));
            sheet.dots(of_kind.into_iter().map(|row| place(row)), 2.4, colour);
        }
    }
    let mut above = f64::NEG_INFINITY;
    for row in rows.iter().take(NUMBERED) {
        let (x, y) = place(row);
        // Numbers that would overlap are left out.
        if y + 3.5 > above + 10.0 {
            let (at, anchor) =
                if x > frame.right() - 24.0 { (x - 5.0, TextAnchor::End) } else { (x + 5.0, TextAnchor::Start) };
            sheet.text((at, y + 3.5), &row.feature.to_string(), style::TICK, style::MUTED, anchor);
            above = y + 3.5;
        }
    }
    sheet.below(frame, "mean active components on inputs with this feature alone");
    sheet.upright((12.0, frame.middle().1), "error with one component");
    let header = ["replica", "feature", "mean_active", "error_alone", "own_component"].map(str::to_owned);
    let numbers = rows.iter().map(|row| {
        let own = row.own_component.map(|own| own.to_string()).unwrap_or_default();
        [
            replica.to_string(),
            row.feature.to_string(),
            number(row.mean_active.number()),
            number(row.error_alone.number()),
            own,
        ]
    });
    Some(Figure {
        name: "active_components",
        title: "Active components and errors",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("active_components", "Mean active components of each feature against its error with one"),
        caption: format!(
            "{}. A dot a feature, on inputs with only that feature active: how many components the trained selection \
             takes on a mean sample, and the mean squared error to the target's output, in squared output units, with \
             the most attributed one alone; features with the largest errors are numbered. Seen when it works: all dots \
             lie low and near one active component; a feature whose mechanism is split over several components lies far \
             to the right and high.",
            run.shown_because()
        ),
    })
}
