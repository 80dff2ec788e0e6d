//! What comes out when one feature goes in.

use super::{Figure, axis::Axis, csv_text, grid::Grid, number, paired, sheet::Sheet};
use crate::{
    report::run_data::RunData,
    table::{Cell, ResponseRow},
};

const GRID: Grid = Grid { columns: 2, left: 52.0, right: 10.0, gap: 14.0, top: 44.0, height: 64.0, row: 86.0 };
const FEATURES: usize = 6;

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let table = &run.evidence.responses;
    // A damaged file may hold any number of an output.
    let known = |row: &&ResponseRow| row.replica == replica && row.output < table.len();
    let rows: Vec<&ResponseRow> = table.iter().filter(known).collect();
    let outputs = rows.iter().map(|row| row.output + 1).max()?;
    let mut features: Vec<usize> = rows.iter().map(|row| row.feature).collect();
    features.sort_unstable();
    features.dedup();
    let count = features.len();
    features.truncate(FEATURES);
    let shown: Vec<&ResponseRow> = rows.into_iter().filter(|row| features.contains(&row.feature)).collect();

    let mut sheet = Sheet::new(GRID.bottom(features.len()) + 42.0);
    let key = sheet.key((GRID.left, 14.0), paired::COLOURS[0], "target");
    sheet.key((key, 14.0), paired::COLOURS[1], "one component");
    let x = paired::places(outputs);
    let y = Axis::covering(shown.iter().flat_map(|row| [row.target, row.component.number(), 0.0]), 4.0);
    for (index, feature) in features.iter().enumerate() {
        let frame = GRID.frame(index);
        let mut pairs = vec![(f64::NAN, f64::NAN); outputs];
        let of_feature = shown.iter().filter(|row| row.feature == *feature);
        of_feature.for_each(|row| pairs[row.output] = (row.target, row.component.number()));
        let is_lowest = GRID.is_lowest(index, features.len());
        let (x, y) = (x.clone().numbered(is_lowest), y.clone().numbered(GRID.is_leftmost(index)));
        sheet.title((frame.x, frame.y - 5.0), &format!("feature {feature}"));
        paired::panel(&mut sheet, frame, &x, &y, &pairs);
        if is_lowest {
            sheet.below(frame, "output");
        }
    }
    let middle = (GRID.top + GRID.bottom(features.len())) / 2.0;
    sheet.upright((12.0, middle), "value of the output");
    let header = ["replica", "feature", "output", "target", "component"].map(str::to_owned);
    let numbers = shown.iter().map(|row| {
        let place = [row.replica, row.feature, row.output].map(|index| index.to_string());
        [place.as_slice(), &[number(row.target), number(row.component.number())]].concat()
    });
    Some(Figure {
        name: "responses",
        title: "Responses to single features",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("responses", "All outputs on inputs with one feature at 1, of the target and of one component"),
        caption: format!(
            "{}. All outputs, in output units, on the input with one feature at 1 and all others at 0, of the target \
             and with only the feature's best component kept, for {} of {count} features. Seen when it works: the \
             feature's own output stands out, the target leaves little noise in the others, and the component's dark bars \
             fill the target's pale ones.",
            run.shown_because(),
            features.len()
        ),
    })
}
