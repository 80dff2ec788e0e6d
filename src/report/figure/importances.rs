//! Learned importances at every use of a decomposed matrix on inputs with one active feature.

use std::collections::HashMap;

use kuva::render::render::TextAnchor;

use super::{
    Figure,
    axis::Axis,
    csv_text, heat, number, order,
    sheet::{Frame, Sheet},
    style,
};
use crate::{report::run_data::RunData, table::OneHotImportanceRow};

const LEFT: f64 = 52.0;
const RIGHT: f64 = 78.0;
/// Room above each panel for its site's name, and below it for the numbers of its axis.
const ABOVE: f64 = 26.0;
const BELOW: f64 = 20.0;
/// A row is at most so high, and a panel.
const HIGHEST_ROW: f64 = 16.0;
const HIGHEST: f64 = 220.0;
/// Up to so many columns are numbered.
const MOST_NUMBERED: usize = 40;

/// One panel a site: features from top to bottom, subcomponents from left to right by the feature that they matter to most.
pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let rows: Vec<&OneHotImportanceRow> =
        run.evidence.one_hot_importances.iter().filter(|row| row.replica == replica).collect();
    let sites = in_order(rows.iter().map(|row| row.site.as_str()));
    let features = rows.iter().map(|row| row.feature).max()? + 1;

    let width = style::WIDTH - LEFT - RIGHT;
    let height = (features as f64 * HIGHEST_ROW).min(HIGHEST);
    let mut sheet = Sheet::new(sites.len() as f64 * (ABOVE + height + BELOW) + 22.0);
    let mut cells = Vec::new();
    let mut lowest = Frame { x: LEFT, y: 0.0, width, height };
    for (place, site) in sites.iter().enumerate() {
        let of_site = || rows.iter().filter(|row| row.site == *site);
        let components = order::by_strongest(of_site().map(|row| (row.component, row.feature, row.importance)));
        let values: HashMap<(usize, usize), f64> =
            of_site().map(|row| ((row.feature, row.component), row.importance)).collect();
        let frame = Frame { y: place as f64 * (ABOVE + height + BELOW) + ABOVE, ..lowest };
        let value = |row: usize, column: usize| values.get(&(row, components[column])).copied().unwrap_or(0.0);
        heat::cells(&mut sheet, frame, (features, components.len()), value, style::sequential);
        sheet.title((frame.x, frame.y - 8.0), site);
        let numbered = components.len() <= MOST_NUMBERED;
        let names = components.iter().enumerate().filter(|_| numbered);
        let ticks = names.map(|(place, component)| (place as f64, component.to_string())).collect();
        let x = Axis { range: (-0.5, components.len() as f64 - 0.5), ticks, numbered };
        let step = style::tick_step(features as f64, 4.0).max(1.0) as usize;
        let ticks = (0..features).step_by(step).map(|feature| (-(feature as f64), feature.to_string())).collect();
        let y = Axis { range: (0.5 - features as f64, 0.5), ticks, numbered: true };
        sheet.panel(frame, &x, &y, false, Vec::new());
        if place == 0 {
            let bar = Frame { x: frame.right() + 14.0, y: frame.y, width: 9.0, height: height.clamp(44.0, 120.0) };
            let marks = [1.0, 0.5, 0.0].map(|share| (share, style::short(share)));
            heat::colour_bar(&mut sheet, bar, "importance", 0.0, &marks, style::sequential);
        }
        sheet.upright((14.0, frame.middle().1), "feature");
        let place_of: HashMap<usize, usize> = components.iter().enumerate().map(|(place, &c)| (c, place)).collect();
        cells.extend(of_site().map(|row| {
            let numbers =
                [replica, place_of[&row.component], row.component, row.feature].map(|index| index.to_string());
            let mut cells = vec![(*site).to_owned()];
            cells.extend(numbers);
            cells.push(number(row.importance));
            cells
        }));
        lowest = frame;
    }
    let what = "subcomponents, by the feature that they matter to most";
    sheet.text((lowest.middle().0, lowest.bottom() + 34.0), what, style::LABEL, style::INK, TextAnchor::Middle);
    let header = ["site", "replica", "place", "component", "feature", "importance"].map(str::to_owned);
    Some(Figure {
        name: "importances",
        title: "Importances",
        csv: csv_text(&header, cells),
        svg: sheet.svg("importances", "Causal importances at every site on inputs with one active feature"),
        caption: format!(
            "{}. Darker is a larger causal importance of a subcomponent (columns) on the input that is 0.75 at one feature (rows) \
             and 0 elsewhere; subcomponents that matter to no feature are left out. Seen when it works: one dark diagonal at \
             a site where each feature has a subcomponent of its own, or a few wholly dark columns at one that all features \
             pass through. sites.csv counts what differs from each of the two.",
            run.shown_because()
        ),
    })
}

/// Each name once, in the order in which they first come.
pub(super) fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
