//! The values of a key along an axis.

use crate::{
    report::{
        figure::{axis::Axis, style},
        sweep::data::SweepData,
    },
    statistics::quantile,
    sweep::{Domain, Scale},
    visible::visible,
};

/// Numbers of which the largest is so many times the smallest are on a logarithmic axis, whatever their range says.
const LONG: f64 = 100.0;
/// So few different numbers are likely to lie on each other.
const FEW: usize = 8;
/// Width of a letter of a tick.
const LETTER: f64 = 5.6;
/// Words that get a tick each; of more every second one, or every third...
const MOST_TICKS: usize = 20;

/// Where the values of a key lie.
pub struct KeyAxis {
    pub axis: Axis,
    /// The place of each trial's value.
    pub places: Vec<f64>,
    /// The words that the ticks stand for, where these are numbers: "1 constant, 2 cosine".
    pub legend: Option<String>,
    /// How far a point may be moved so that it does not lie on others, in the axis's units.
    spread: f64,
}

impl KeyAxis {
    /// Of the key at `place` in the plan. `room` pixels are along the axis; a tick's label may take so many of them, or all
    /// that its neighbours leave.
    pub fn new(sweep: &SweepData, place: usize, room: f64, label: Option<f64>) -> KeyAxis {
        let domain = &sweep.plan.sweep.space[place].domain;
        let values: Vec<String> = (0..sweep.plan.trials.len())
            .map(|trial| sweep.plan.values(trial).nth(place).expect("a value of every key"))
            .collect();
        let is_logarithmic = matches!(domain, Domain::Range(range) if range.scale == Scale::Log);
        let numbers: Option<Vec<f64>> =
            values.iter().map(|value| value.parse().ok().filter(|number: &f64| number.is_finite())).collect();
        match numbers {
            // Labels beside an upright axis do not come near each other.
            Some(numbers) if label.is_some() => KeyAxis::of_numbers(numbers, is_logarithmic),
            Some(numbers) => KeyAxis::of_numbers(numbers, is_logarithmic).with_room(room),
            None => KeyAxis::of_words(&values, room, label),
        }
    }

    fn of_numbers(numbers: Vec<f64>, is_logarithmic: bool) -> KeyAxis {
        let mut ascending = numbers.clone();
        ascending.sort_by(f64::total_cmp);
        ascending.dedup();
        let is_few = ascending.len() <= FEW;
        let is_whole = ascending.iter().all(|number| number.fract() == 0.0);
        let (low, high) = match ascending.as_slice() {
            [] => (0.0, 0.0),
            ascending => (quantile(ascending, 0.0), quantile(ascending, 1.0)),
        };
        let (axis, places) = if low > 0.0 && (is_logarithmic || high / low > LONG) {
            let places: Vec<f64> = numbers.iter().map(|number| number.log10()).collect();
            (Axis::logarithmic(places.iter().copied()), places)
        } else {
            let axis = Axis::covering(numbers.iter().copied(), 4.0);
            let step = style::tick_step(axis.range.1 - axis.range.0, 4.0).max(1.0);
            (if is_whole { Axis::linear(axis.range, step, style::number) } else { axis }, numbers)
        };
        let spread = if is_few { 0.03 * (axis.range.1 - axis.range.0) } else { 0.0 };
        KeyAxis { axis, places, legend: None, spread }
    }

    /// Without labels that would lie on the ones before them; their ticks stay.
    fn with_room(mut self, room: f64) -> KeyAxis {
        let mut free = f64::NEG_INFINITY;
        let range = self.axis.range;
        for (value, label) in &mut self.axis.ticks {
            let half = 0.5 * label.chars().count() as f64 * LETTER;
            let middle = (*value - range.0) / (range.1 - range.0) * room;
            if middle - half < free {
                label.clear();
            } else {
                free = middle + half + 0.5 * LETTER;
            }
        }
        self
    }

    fn of_words(values: &[String], room: f64, label: Option<f64>) -> KeyAxis {
        let mut words: Vec<&String> = values.iter().collect();
        words.sort();
        words.dedup();
        let place = |value: &String| words.binary_search(&value).expect("one of them") as f64;
        let room_of_one = label.unwrap_or(room / words.len() as f64);
        let fits = words.iter().all(|word| (word.chars().count() as f64 + 1.0) * LETTER <= room_of_one);
        let stride = words.len().div_ceil(MOST_TICKS).max(1);
        let tick = |(index, word): (usize, &&String)| {
            let text = if fits { style::plain(&visible(word)) } else { (index + 1).to_string() };
            (index as f64, text)
        };
        let ticks = words.iter().enumerate().step_by(stride).map(tick).collect();
        let named = words.iter().enumerate().map(|(index, word)| format!("{} {}", index + 1, visible(word)));
        let more = words.len().saturating_sub(MOST_TICKS);
        let named = named.take(MOST_TICKS).chain((more > 0).then(|| format!("and {more} more")));
        KeyAxis {
            axis: Axis { range: (-0.5, words.len() as f64 - 0.5), ticks, numbered: true },
            places: values.iter().map(place).collect(),
            legend: (!fits).then(|| named.collect::<Vec<_>>().join(", ")),
            spread: 0.25,
        }
    }

    /// The place of a trial's value, moved a little where many share it, each `point` otherwise but always by as much.
    pub fn spread_out(&self, trial: usize, point: usize) -> f64 {
        /// Its multiples are spread evenly whatever their number.
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        self.places[trial] + 2.0 * self.spread * ((point as f64 * GOLDEN).fract() - 0.5)
    }
}

/// How a caption says what the numbers on axes of words are.
pub fn legends<'a>(named: impl Iterator<Item = (&'a String, &'a KeyAxis)>) -> String {
    let of_key = |(name, axis): (&String, &KeyAxis)| Some(format!(" {name}: {}.", axis.legend.as_ref()?));
    named.filter_map(of_key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &KeyAxis) -> Vec<&str> {
        axis.axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn numbers_are_on_a_logarithmic_axis_if_their_range_is_or_if_they_are_far_apart() {
        let places = |numbers: &[f64], log| KeyAxis::of_numbers(numbers.to_vec(), log).places;
        assert_eq!(places(&[1.0, 10.0], false), [1.0, 10.0]);
        assert_eq!(places(&[1.0, 10.0], true), [0.0, 1.0]);
        assert_eq!(places(&[0.01, 10.0], false), [-2.0, 1.0]);
        assert_eq!(places(&[0.0, 1000.0], true), [0.0, 1000.0], "zero has no logarithm");
        assert_eq!(labels(&KeyAxis::of_numbers(vec![1.0, 2.0, 3.0], false)), ["1", "2", "3"]);
    }

    #[test]
    fn labels_that_would_lie_on_others_are_left_out() {
        let axis = |room| KeyAxis::of_numbers(vec![0.004, 0.01, 0.1], true).with_room(room);
        assert_eq!(labels(&axis(400.0)), ["5·10⁻³", "0.01", "0.02", "0.05", "0.1"]);
        assert_eq!(labels(&axis(120.0)), ["5·10⁻³", "", "0.02", "0.05", "0.1"]);
    }

    #[test]
    fn words_that_do_not_fit_are_numbered_and_named_in_the_legend() {
        let words = ["cosine", "constant", "cosine"].map(String::from);
        let wide = KeyAxis::of_words(&words, 400.0, None);
        assert_eq!((labels(&wide), &wide.legend), (vec!["constant", "cosine"], &None));
        assert_eq!(wide.places, [1.0, 0.0, 1.0]);
        let narrow = KeyAxis::of_words(&words, 40.0, None);
        assert_eq!((labels(&narrow), narrow.legend.as_deref()), (vec!["1", "2"], Some("1 constant, 2 cosine")));
    }

    #[test]
    fn points_that_share_a_value_are_moved_apart_and_others_are_not() {
        let few = KeyAxis::of_numbers(vec![1.0, 2.0], false);
        assert!(few.spread_out(0, 1) != few.spread_out(0, 2) && (few.spread_out(0, 1) - 1.0).abs() < 0.1);
        let many = KeyAxis::of_numbers((0..20).map(f64::from).collect(), false);
        assert_eq!(many.spread_out(3, 1), 3.0);
    }
}
