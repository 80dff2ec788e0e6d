//! Several runs in one figure: a colour for each run and a line style for each method, the same in all of these figures.
//!
//! - [`errors`]: the error against what is kept
//! - [`verdicts`]: the share of replicas recovered, and the time of training

mod errors;
mod verdicts;

use kuva::plot::LineStyle;

use super::{Figure, style};
use crate::report::{compared, run_data::RunData};

/// Characters of a run's name and target that fit beside its line.
const LONGEST: usize = 42;

/// A run as these figures show it.
struct Overlaid<'a> {
    run: &'a RunData,
    /// The run's own, or with its number where several are called alike.
    name: &'a str,
    method: String,
    target: String,
    colour: &'static str,
    style: LineStyle,
}

impl Overlaid<'_> {
    /// "SPD: tms_5-2_spd-0a1b2c3d"
    fn title(&self) -> String {
        style::plain_within(&format!("{}: {}", self.method, self.name), LONGEST)
    }
}

/// The figures for which the runs have data; `names` are theirs.
pub fn draw_all(runs: &[RunData], names: &[String]) -> Vec<Figure> {
    let runs = overlaid(runs, names);
    [errors::by_active(&runs), errors::by_bits(&runs), verdicts::draw(&runs)].into_iter().flatten().collect()
}

fn overlaid<'a>(runs: &'a [RunData], names: &'a [String]) -> Vec<Overlaid<'a>> {
    let targets = compared::target_names(runs);
    let mut methods: Vec<String> = Vec::new();
    let overlaid = runs.iter().zip(names).zip(targets).enumerate().map(|(number, ((run, name), target))| {
        let method = run.method();
        let place = methods.iter().position(|known| *known == method).unwrap_or_else(|| {
            methods.push(method.clone());
            methods.len() - 1
        });
        let style = match place % 4 {
            0 => LineStyle::Solid,
            1 => LineStyle::Custom("7 3".to_owned()),
            2 => LineStyle::Custom("2 2".to_owned()),
            _ => LineStyle::Custom("7 2 2 2".to_owned()),
        };
        Overlaid { run, name, method, target, colour: style::nth_colour(number), style }
    });
    overlaid.collect()
}

/// Whether all of the runs are of one target.
fn is_of_one_target(runs: &[Overlaid]) -> bool {
    runs.windows(2).all(|pair| pair[0].target == pair[1].target)
}
