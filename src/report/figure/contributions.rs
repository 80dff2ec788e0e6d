//! Through which neurons each feature goes, in the target and in the feature's best component.

use super::{
    Figure,
    axis::Axis,
    csv_text,
    grid::Grid,
    number, paired,
    sheet::{Frame, Sheet},
    style,
};
use crate::{
    report::run_data::RunData,
    table::{Cell, ContributionRow},
};

const GRID: Grid = Grid { columns: 2, left: 52.0, right: 10.0, gap: 14.0, top: 44.0, height: 46.0, row: 66.0 };
const FEATURES: usize = 10;
/// Of the scatter.
const MOST_POINTS: usize = 3_000;
const SIDE: f64 = 230.0;

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let table = &run.evidence.contributions;
    // A damaged file may hold any number of a neuron.
    let known = |row: &&ContributionRow| {
        row.replica == replica
            && row.neuron < table.len()
            && row.target.is_finite()
            && row.component.number().is_finite()
    };
    let rows: Vec<&ContributionRow> = table.iter().filter(known).collect();
    let neurons = rows.iter().map(|row| row.neuron + 1).max()?;
    let mut features: Vec<usize> = rows.iter().map(|row| row.feature).collect();
    features.sort_unstable();
    features.dedup();
    let count = features.len();
    features.truncate(FEATURES);

    let scatter_top = GRID.bottom(features.len()) + 66.0;
    let mut sheet = Sheet::new(scatter_top + SIDE + 42.0);
    let key = sheet.key((GRID.left, 14.0), paired::COLOURS[0], "target");
    sheet.key((key, 14.0), paired::COLOURS[1], "most attributed component");
    let x = paired::places(neurons);
    let of_first = rows.iter().filter(|row| features.contains(&row.feature));
    let y = Axis::covering(of_first.flat_map(|row| [row.target, row.component.number(), 0.0]), 3.0);
    for (index, feature) in features.iter().enumerate() {
        let frame = GRID.frame(index);
        let mut pairs = vec![(f64::NAN, f64::NAN); neurons];
        rows.iter()
            .filter(|row| row.feature == *feature)
            .for_each(|row| pairs[row.neuron] = (row.target, row.component.number()));
        let is_lowest = GRID.is_lowest(index, features.len());
        let (x, y) = (x.clone().numbered(is_lowest), y.clone().numbered(GRID.is_leftmost(index)));
        sheet.title((frame.x, frame.y - 5.0), &format!("feature {feature}"));
        paired::panel(&mut sheet, frame, &x, &y, &pairs);
        if is_lowest {
            sheet.below(frame, "neuron");
        }
    }
    let middle = (GRID.top + GRID.bottom(features.len())) / 2.0;
    sheet.upright((12.0, middle), "contribution");
    let frame = Frame { x: (style::WIDTH - SIDE) / 2.0, y: scatter_top, width: SIDE, height: SIDE };
    let left_out = scatter(&mut sheet, frame, &rows);

    let header = ["replica", "feature", "neuron", "target", "component"].map(str::to_owned);
    let numbers = rows.iter().map(|row| {
        let place = [row.replica, row.feature, row.neuron].map(|index| index.to_string());
        [place.as_slice(), &[number(row.target), number(row.component.number())]].concat()
    });
    let thinned = match left_out {
        0 => String::new(),
        left_out => format!(" Not drawn: the {left_out} of {} that lie nearest to the origin.", rows.len()),
    };
    Some(Figure {
        name: "contributions",
        title: "Neuron contributions",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("contributions", "Neuron contributions of the target and of each feature's best component"),
        caption: format!(
            "{}. Above: how much of a feature's function goes through each neuron (in output units; all layers side by \
             side) in the target and in the feature's most attributed component, for {} of {count} features. Below: the \
             same of all features, a mark for each feature and neuron.{thinned} Seen when it works: dark bars fill the \
             pale ones, and the marks lie on the line, on which both are equal; marks on the horizontal axis are neurons \
             that the component leaves out.",
            run.shown_because(),
            features.len(),
        ),
    })
}

/// Component against target; returns how many points are left out.
fn scatter(sheet: &mut Sheet, frame: Frame, rows: &[&ContributionRow]) -> usize {
    let mut points: Vec<(f64, f64)> = rows.iter().map(|row| (row.target, row.component.number())).collect();
    let size = |(x, y): &(f64, f64)| x.abs().max(y.abs());
    points.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let left_out = points.len().saturating_sub(MOST_POINTS);
    points.truncate(MOST_POINTS);
    let axis = Axis::covering(points.iter().flat_map(|(x, y)| [*x, *y]), 5.0);
    sheet.title((frame.x, frame.y - 7.0), "all features and neurons");
    sheet.panel(frame, &axis, &axis, true, Vec::new());
    let end = |value| frame.place(&axis, &axis, (value, value));
    sheet.dashed(end(axis.range.0), end(axis.range.1), style::MUTED);
    sheet.squares(points.into_iter().map(|point| frame.place(&axis, &axis, point)), 1.8, style::BLUE);
    sheet.below(frame, "contribution in the target");
    sheet.upright((frame.x - 40.0, frame.middle().1), "in the component");
    left_out
}
