//! The errors of each feature: of the target, and to the target of what is left of it.

use super::{
    Figure,
    axis::{Axis, WithZero},
    csv_text, number,
    sheet::{Frame, Sheet},
    style,
};
use crate::{
    report::{run_data::RunData, table},
    table::{Cell, MlpFeatureRow},
};

/// Name, colour and number of what is drawn, the last on top.
type Series = (&'static str, &'static str, fn(&MlpFeatureRow) -> f64);

const SERIES: [Series; 4] = [
    ("no component", style::FAINT, |row| row.error_none.number()),
    ("target to labels", style::GREEN, |row| row.target_error.number()),
    ("trained selection", style::ORANGE, |row| row.error_selected.number()),
    ("one component", style::BLUE, |row| row.error_alone.number()),
];
const NO_OWN: &str = "one, not its own";

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let of_replica = run.evidence.features.iter().filter(|row| row.replica == replica);
    let (mut rows, without): (Vec<&MlpFeatureRow>, Vec<&MlpFeatureRow>) =
        of_replica.partition(|row| row.represented != Some(false));
    // Those of toy models have no errors without a component to compare with.
    if !rows.iter().any(|row| row.error_none.number().is_finite()) {
        return None;
    }
    rows.sort_by(|a, b| a.error_alone.number().total_cmp(&b.error_alone.number()));
    let values: Vec<f64> = rows.iter().flat_map(|row| SERIES.map(|(.., value)| value(row))).collect();
    let y = WithZero::covering(values.into_iter());
    let last = rows.len() as f64;
    let x = Axis::linear((0.0, last + 1.0), style::tick_step(last, 6.0).max(1.0), style::number);
    let frame = Frame { x: 56.0, y: 44.0, width: style::WIDTH - 72.0, height: 190.0 };
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    sheet.panel(frame, &x, &y.axis, true, Vec::new());
    let radius = if rows.len() > 60 { 1.7 } else { 2.4 };
    let mut key = (frame.x, 14.0);
    let mut drawn = |name: &str, colour: &str, of: &dyn Fn(&MlpFeatureRow) -> f64| {
        let places: Vec<(f64, f64)> = (1_u32..)
            .zip(&rows)
            .filter(|(_, row)| of(row).is_finite())
            .map(|(place, row)| frame.place(&x, &y.axis, (f64::from(place), y.at(of(row)))))
            .collect();
        if places.is_empty() {
            return;
        }
        if key.0 > style::WIDTH - 130.0 {
            key = (frame.x, key.1 + 16.0);
        }
        key.0 = sheet.dot_key(key, colour, name);
        sheet.dots(places.into_iter(), radius, colour);
    };
    for (name, colour, value) in SERIES {
        let is_last = name == SERIES[3].0;
        let not_own = |row: &MlpFeatureRow| is_last && row.own_component == Some(false);
        drawn(name, colour, &|row| if not_own(row) { f64::NAN } else { value(row) });
        if is_last {
            drawn(NO_OWN, style::VERMILLION, &|row| if not_own(row) { value(row) } else { f64::NAN });
        }
    }
    sheet.below(frame, "features, sorted by their error with one component");
    sheet.upright((12.0, frame.middle().1), "error (squared output units)");
    let header = ["replica", "place", "feature", "component", "own_component"].into_iter();
    let header = header.chain(["error_none", "target_error", "error_selected", "error_alone"]).map(str::to_owned);
    let numbers = (1_usize..).zip(&rows).map(|(place, row)| {
        let text = |value: Option<String>| value.unwrap_or_default();
        let component = text(row.component.map(|component| component.to_string()));
        let own = text(row.own_component.map(|own| own.to_string()));
        let mut cells = vec![replica.to_string(), place.to_string(), row.feature.to_string(), component, own];
        cells.extend(SERIES.map(|(.., value)| number(value(row))));
        cells
    });
    let not_drawn = match without.len() {
        0 => String::new(),
        left_out => format!(" Not drawn: {}, which the target does not represent.", table::count(left_out, "feature")),
    };
    Some(Figure {
        name: "feature_errors",
        title: "Errors of single features",
        csv: csv_text(&header.collect::<Vec<_>>(), numbers),
        svg: sheet.svg("feature_errors", "Errors of each feature with one component, the trained selection and none"),
        caption: format!(
            "{}. A dot a feature: mean squared error on inputs with only this feature active, on a logarithmic scale, of \
             the target to the labels, and to the target of what is left with the feature's most attributed component \
             alone, with the trained selection, and without any.{not_drawn} Seen when it works: one component is about as good as \
             the selection, and far below no component; vermillion are features without a component of their own, at \
             the right end.",
            run.shown_because()
        ),
    })
}
