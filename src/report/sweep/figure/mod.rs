//! The figures of a sweep.
//!
//! - `key_axis`: the values of a key along an axis; `points`: many replicas as dots
//! - [`marginals`]: the score against each key
//! - [`pairs`]: the score over two keys at once
//! - [`effects`]: the means that each key makes
//! - [`pareto`]: error against active components
//! - [`trade_off`]: the same of a trade-off, with the largest error that is accepted
//! - [`truth`]: the score against what the mechanisms say

mod effects;
mod key_axis;
mod marginals;
mod pairs;
mod pareto;
mod points;
mod trade_off;
mod truth;

use super::data::SweepData;
use crate::report::figure::Figure;

/// All figures for which the sweep has data.
pub fn draw_all(sweep: &SweepData) -> Vec<Figure> {
    let draw: [fn(&SweepData) -> Option<Figure>; 6] =
        [trade_off::draw, marginals::draw, pairs::draw, effects::draw, pareto::draw, truth::draw];
    draw.iter().filter_map(|draw| draw(sweep)).collect()
}

/// Keys that are drawn at most.
const MOST_KEYS: usize = 12;

/// The places of the keys in the plan, the one with the largest effect first, and not more than `most`.
fn keys_by_effect(sweep: &SweepData, most: usize) -> Vec<usize> {
    let place = |name: &str| sweep.plan.keys().position(|key| key == name);
    sweep.overview.sensitivities.iter().filter_map(|found| place(&found.key)).take(most).collect()
}

/// How a caption says that not all keys are drawn.
fn left_out(sweep: &SweepData, drawn: usize) -> String {
    match sweep.names.len() - drawn {
        0 => String::new(),
        _ => format!(" Drawn: the {drawn} of {} keys with the largest effects.", sweep.names.len()),
    }
}
