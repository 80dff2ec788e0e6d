//! The figures of a report.
//!
//! - [`style`]: colours, sizes and number formats that all figures share
//! - [`axis`], [`sheet`]: a canvas on which panels and text are placed
//! - [`features`]: the weights of target, sum and components, as [`vectors`] or as [`cells`]
//! - [`losses`]: every replica's losses over the steps
//! - [`singular_values`]: how many directions each component uses
//! - [`mod@scaling`]: how time and memory grow, of benchmarks and not of runs

mod axis;
mod cells;
mod features;
mod losses;
mod scaling;
mod sheet;
mod singular_values;
mod style;
mod vectors;

pub use scaling::scaling;
pub use style::diverging;

use super::run_data::RunData;

/// A finished figure: a picture, its numbers and what to see in it.
pub struct Figure {
    /// File name without its ending.
    pub name: &'static str,
    pub title: &'static str,
    pub svg: String,
    /// The numbers that are drawn, as CSV.
    pub csv: String,
    pub caption: String,
}

/// All figures for which the run has data.
pub fn draw_all(run: &RunData) -> Vec<Figure> {
    [features::draw(run), losses::draw(run), singular_values::draw(run)].into_iter().flatten().collect()
}

/// CSV text of `rows` under `header`.
fn csv_text<Row: AsRef<[String]>>(header: &[String], rows: impl IntoIterator<Item = Row>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer
        .write_record(header)
        .and_then(|()| rows.into_iter().try_for_each(|row| writer.write_record(row.as_ref())));
    written.expect("rows are as long as the header, and memory takes every write");
    String::from_utf8(writer.into_inner().expect("memory takes every write")).expect("strings in, a string out")
}

/// A number of a figure's CSV, with six digits; the run folder's own tables hold all of them.
fn number(value: f64) -> String {
    format!("{value:.5e}")
}
