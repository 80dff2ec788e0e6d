//! Which components are active together.

use std::collections::HashMap;

use super::{
    Figure,
    axis::Axis,
    csv_text, heat, number, order,
    sheet::{Frame, Sheet},
    style,
};
use crate::{report::run_data::RunData, table::CoactivityRow};

const LEFT: f64 = 52.0;
const RIGHT: f64 = 80.0;
const TOP: f64 = 30.0;
/// A correlation of this size has the full colour at least, so that mere chance stays pale.
const LEAST_LIMIT: f64 = 0.3;
const MOST_NUMBERED: usize = 20;

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let known = |row: &&CoactivityRow| row.replica == replica && row.correlation.is_finite();
    let rows: Vec<&CoactivityRow> = run.evidence.coactivity.iter().filter(known).collect();
    if rows.is_empty() {
        return None;
    }
    let mut components: Vec<usize> = rows.iter().flat_map(|row| [row.component, row.other]).collect();
    components.sort_unstable();
    components.dedup();
    let place: HashMap<usize, usize> = order::by_attribution(run, replica)
        .into_iter()
        .enumerate()
        .map(|(place, component)| (component, place))
        .collect();
    components.sort_by_key(|component| place.get(component).copied().unwrap_or(usize::MAX));
    let both = |row: &&CoactivityRow| {
        [((row.component, row.other), row.correlation), ((row.other, row.component), row.correlation)]
    };
    let values: HashMap<(usize, usize), f64> = rows.iter().flat_map(both).collect();
    let largest = rows.iter().map(|row| row.correlation.abs()).fold(0.0, f64::max);
    let limit = largest.max(LEAST_LIMIT);

    let count = components.len();
    let side = (style::WIDTH - LEFT - RIGHT).min(60.0 + 24.0 * count as f64);
    let frame = Frame { x: LEFT, y: TOP, width: side, height: side };
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    // A component with itself is left white.
    let value = |row: usize, column: usize| match row == column {
        true => 0.0,
        false => values.get(&(components[row], components[column])).map_or(f64::NAN, |value| value / limit),
    };
    heat::cells(&mut sheet, frame, (count, count), value, style::diverging);
    let numbered = count <= MOST_NUMBERED;
    let ticks = |sign: f64| {
        let names = components.iter().enumerate().filter(|_| numbered);
        names.map(|(place, component)| (sign * place as f64, component.to_string())).collect()
    };
    let end = count as f64 - 0.5;
    let x = Axis { range: (-0.5, end), ticks: ticks(1.0), numbered };
    let y = Axis { range: (-end, 0.5), ticks: ticks(-1.0), numbered };
    sheet.panel(frame, &x, &y, false, Vec::new());
    sheet.below(frame, &format!("{count} components"));
    sheet.upright((14.0, frame.middle().1), "the same components");
    let bar = Frame { x: frame.right() + 18.0, y: TOP, width: 9.0, height: side.min(120.0) };
    let mark = |share: f64| style::short(share * limit);
    let marks = [1.0, 0.0, -1.0].map(|share| (share, if share == 0.0 { "0".to_owned() } else { mark(share) }));
    heat::colour_bar(&mut sheet, bar, "correlation", -1.0, &marks, style::diverging);

    let header = ["replica", "component", "other", "correlation"].map(str::to_owned);
    let numbers = rows
        .iter()
        .map(|row| [replica.to_string(), row.component.to_string(), row.other.to_string(), number(row.correlation)]);
    let ordered = match place.is_empty() {
        true => "",
        false => " in the order of the figure of attributions",
    };
    Some(Figure {
        name: "coactivity",
        title: "Co-activity",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("coactivity", "Correlations of the components' activities"),
        caption: format!(
            "{}. Pearson correlation, without a unit, of the activity (0 or 1 on a sample) of each two components{ordered}; \
             vermillion are active together, blue apart. The largest magnitude is {}. Seen when it works: where \
             features are active independently, all is nearly white; a strong cell is one mechanism in two components.",
            run.shown_because(),
            style::short(largest)
        ),
    })
}
