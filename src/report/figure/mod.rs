//! The figures of a report.
//!
//! - [`style`]: colours, sizes and number formats that all figures share
//! - [`axis`], [`grid`], [`sheet`]: a canvas on which panels and text are placed
//! - [`verdict`], [`steps`], [`paired`], [`heat`], [`order`]: colours of replicas, values over steps, bars in pairs,
//!   coloured cells, the order of components
//! - [`features`]: the weights of target, sum and components, as [`vectors`] or as [`cells`]
//! - [`network`]: the same of small networks as lines between nodes
//! - [`recovered`]: how many replicas are recovered, and how well
//! - [`responses`], [`curves`]: what comes out when one feature goes in
//! - [`contributions`]: through which neurons features go
//! - [`feature_errors`], [`active_components`]: what is lost with one component, feature by feature
//! - [`scrubbing`]: what ablating the other components costs
//! - [`attributions`], [`coactivity`], [`frequencies`]: what components respond to, with which others, and how often
//! - [`importances`], [`importance_histogram`]: what a method has learned of every site
//! - [`rate_distortion`]: how the error falls with the components that are used
//! - [`layers`]: in which layers components lie
//! - [`losses`], [`target_training`]: the training of the components and of the target
//! - [`singular_values`]: how many directions each component uses
//! - [`overlay`]: several runs in one figure

mod active_components;
mod attributions;
pub(super) mod axis;
mod cells;
mod coactivity;
mod contributions;
mod curves;
mod feature_errors;
mod features;
mod frequencies;
pub(super) mod grid;
pub(super) mod heat;
mod importance_histogram;
mod importances;
mod layers;
mod losses;
mod network;
mod order;
pub(super) mod overlay;
mod paired;
mod rate_distortion;
mod recovered;
mod responses;
mod scrubbing;
pub(super) mod sheet;
mod singular_values;
mod steps;
pub mod style;
mod target_training;
mod vectors;
mod verdict;

#[cfg(test)]
pub use style::FONT_FAMILY;
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

/// All figures for which the run has data; the first is the one that tells most.
pub fn draw_all(run: &RunData) -> Vec<Figure> {
    let draw: [fn(&RunData) -> Option<Figure>; 19] = [
        features::draw,
        network::draw,
        attributions::draw,
        importances::draw,
        importance_histogram::draw,
        recovered::draw,
        responses::draw,
        curves::draw,
        contributions::draw,
        feature_errors::draw,
        active_components::draw,
        scrubbing::draw,
        frequencies::draw,
        coactivity::draw,
        rate_distortion::draw,
        layers::draw,
        losses::draw,
        target_training::draw,
        singular_values::draw,
    ];
    draw.iter().filter_map(|draw| draw(run)).collect()
}

/// CSV text of `rows` under `header`.
pub(super) fn csv_text<Row: AsRef<[String]>>(header: &[String], rows: impl IntoIterator<Item = Row>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer
        .write_record(header)
        .and_then(|()| rows.into_iter().try_for_each(|row| writer.write_record(row.as_ref())));
    written.expect("rows are as long as the header, and memory takes every write");
    String::from_utf8(writer.into_inner().expect("memory takes every write")).expect("strings in, a string out")
}

/// The value of a key of a spec in two columns of a figure's CSV, one for numbers and one for words.
pub(super) fn number_and_word(value: &str) -> [String; 2] {
    let is_number = value.parse::<f64>().is_ok();
    if is_number { [value.to_owned(), String::new()] } else { [String::new(), value.to_owned()] }
}

/// A number of a figure's CSV, with six digits; the run folder's own tables hold all of them.
pub(super) fn number(value: f64) -> String {
    format!("{value:.5e}")
}

#[cfg(test)]
mod tests {
    use super::number_and_word;

    #[test]
    fn the_values_of_keys_are_numbers_or_words() {
        let of = |value: &str| number_and_word(value).join("|");
        assert_eq!(
            ["12", "-0.5", "1e-3", "cosine", "1 to 3", "[1, 2]"].map(of),
            ["12|", "-0.5|", "1e-3|", "|cosine", "|1 to 3", "|[1, 2]"]
        );
    }
}
