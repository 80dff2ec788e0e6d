//! How time and memory of a step grow with each size of an experiment, beside what theory says.

use kuva::{
    plot::LinePlot,
    render::{plots::Plot, render::TextAnchor},
};
use serde::Deserialize;

use apd::report::canvas::{Axis, Frame, Sheet, style};

const LEFT: f64 = 52.0;
const GAP: f64 = 52.0;
const TOP: f64 = 28.0;
const HEIGHT: f64 = 84.0;
const ROW: f64 = HEIGHT + 66.0;

/// What is varied, and what is to be expected.
pub const THEORY: [(&str, &str); 6] = [
    ("components", "linear: each has its products and its factors to update"),
    ("rank", "linear: factors are as long as components times rank"),
    ("width", "linear: factors and their products are as long as the stream is wide"),
    ("layers", "more than linear: later layers carry the tangents of all before"),
    ("batch", "a constant (faithfulness, update) and a linear part (attributions)"),
    ("replicas", "at most linear; small networks less, for they share the threads"),
];

/// What is read of a row of the table.
#[derive(Debug, Deserialize)]
struct Row {
    varied: String,
    components: f64,
    rank: f64,
    width: f64,
    layers: f64,
    batch: f64,
    replicas: f64,
    milliseconds: f64,
    milliseconds_of_products: f64,
    milliseconds_of_bytes: f64,
    peak_memory: f64,
    initial_memory: f64,
    expected_memory: f64,
}

impl Row {
    fn size(&self) -> f64 {
        match self.varied.as_str() {
            "components" => self.components,
            "rank" => self.rank,
            "width" => self.width,
            "layers" => self.layers,
            "batch" => self.batch,
            _ => self.replicas,
        }
    }
}

/// The picture of a table of measured steps (CSV) whose column `varied` names the size that a row varies: for each size, time
/// and memory of a step on logarithmic axes.
///
/// # Errors
/// What is wrong with the table.
pub fn scaling(table: &str) -> Result<String, String> {
    let rows: Vec<Row> = csv::Reader::from_reader(table.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let unknown = rows.iter().find(|row| THEORY.iter().all(|(size, _)| *size != row.varied));
    if let Some(Row { varied, .. }) = unknown {
        return Err(format!("`varied` is `{varied}`, which is no size of an experiment"));
    }
    let varied = |size: &str| -> Vec<&Row> {
        let mut rows: Vec<&Row> = rows.iter().filter(|row| row.varied == size).collect();
        rows.sort_by(|left, right| left.size().total_cmp(&right.size()));
        rows
    };
    let parts: Vec<_> = THEORY.iter().map(|(size, words)| (*size, *words, varied(size))).collect();
    let parts: Vec<_> = parts.into_iter().filter(|(_, _, rows)| !rows.is_empty()).collect();
    if parts.is_empty() {
        return Err("it holds no rows".into());
    }
    let mut sheet = Sheet::new(TOP + parts.len() as f64 * ROW);
    let next = sheet.key((LEFT, 16.0), style::BLUE, "measured");
    sheet.key((next, 16.0), style::FAINT, "least time, expected memory");
    let width = (style::WIDTH - LEFT - GAP - 16.0) / 2.0;
    for (index, (size, words, rows)) in parts.iter().enumerate() {
        let top = TOP + index as f64 * ROW;
        sheet.title((LEFT, top + 12.0), size);
        sheet.text((LEFT, top + 25.0), words, style::TICK, style::MUTED, TextAnchor::Start);
        let frame = Frame { x: LEFT, y: top + 34.0, width, height: HEIGHT };
        let least = |row: &Row| row.milliseconds_of_products + row.milliseconds_of_bytes;
        panel(&mut sheet, frame, rows, |row| row.milliseconds, least);
        sheet.upright((12.0, frame.middle().1), "ms a step");
        let frame = Frame { x: LEFT + width + GAP, ..frame };
        panel(&mut sheet, frame, rows, |row| row.peak_memory, |row| row.initial_memory + row.expected_memory);
        sheet.upright((frame.x - 40.0, frame.middle().1), "MB");
    }
    Ok(sheet.svg("scaling", "Time and memory of a step against each size of an experiment"))
}

fn panel(sheet: &mut Sheet, frame: Frame, rows: &[&Row], measured: fn(&Row) -> f64, expected: impl Fn(&Row) -> f64) {
    let both = rows.iter().flat_map(|row| [measured(row), expected(row)]);
    let y = Axis::logarithmic(both.map(f64::log10).collect::<Vec<_>>().into_iter());
    let x = Axis::logarithmic(rows.iter().map(|row| row.size().log10()));
    let line = |value: &dyn Fn(&Row) -> f64, colour: &str| {
        let points = rows.iter().map(|row| (row.size().log10(), value(row).log10()));
        Plot::Line(LinePlot::new().with_data(points).with_stroke_width(1.6).with_color(colour))
    };
    sheet.panel(frame, &x, &y, true, vec![line(&expected, style::FAINT), line(&measured, style::BLUE)]);
}
