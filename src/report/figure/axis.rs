//! The axes of a panel: their range, and where they have ticks.

use super::style;

/// Whether an axis can reach a value: it is a number, and not beyond all of them.
pub fn is_reached(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// One axis of a panel.
#[derive(Clone)]
pub struct Axis {
    pub range: (f64, f64),
    /// Where the ticks are, and what is written there.
    pub ticks: Vec<(f64, String)>,
    /// Whether the ticks are drawn and numbered, or only the grid.
    pub numbered: bool,
}

/// Values beyond this magnitude are left out or drawn at the ends of an axis: with them no span or margin would be finite.
const LARGEST: f64 = 1e300;

/// More ticks than this cannot be told apart: they come of damaged numbers.
const MOST_TICKS: i64 = 1000;

impl Axis {
    /// Ticks at the multiples of `step`.
    pub fn linear(range: (f64, f64), step: f64, format: fn(f64) -> String) -> Axis {
        let (first, last) = ((range.0 / step).ceil() as i64, (range.1 / step).floor() as i64);
        let multiples = first..=last.min(first.saturating_add(MOST_TICKS));
        let ticks = multiples.map(|multiple| multiple as f64 * step).map(|tick| (tick, format(tick)));
        Axis { range, ticks: ticks.collect(), numbered: true }
    }

    /// All finite `values` with a little room, and about `most` ticks.
    pub fn covering(values: impl Iterator<Item = f64>, most: f64) -> Axis {
        let drawn = values.filter(|value| is_reached(*value));
        let (low, high) = drawn.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), value| (l.min(value), h.max(value)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let margin = match high - low {
            span if span > 1e-9 * high.abs().max(low.abs()) => 0.05 * span,
            _ if high != 0.0 => 0.5 * high.abs(),
            _ => 1.0,
        };
        let range = (low - margin, high + margin);
        Axis::linear(range, style::tick_step(range.1 - range.0, most), style::number)
    }

    /// For logarithms to base 10: whole powers of ten, or few multiples of these where the range is short.
    pub fn logarithmic(logarithms: impl Iterator<Item = f64> + Clone) -> Axis {
        let low = logarithms.clone().fold(f64::INFINITY, f64::min);
        let high = logarithms.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low <= high && (high - low).is_finite() { (low, high) } else { (-1.0, 0.0) };
        // So much holds two ticks at least.
        const SHORTEST: f64 = 0.75;
        let margin = (0.04 * (high - low)).max((SHORTEST - (high - low)) / 2.0);
        let range = (low - margin, high + margin);
        let powers = || range.0.floor() as i32..=range.1.ceil() as i32;
        let span = range.1 - range.0;
        let ticks: Vec<(f64, String)> = if span < 3.0 {
            let factors: &[u8] = if span < 1.6 { &[1, 2, 5] } else { &[1, 3] };
            let marks = powers().flat_map(|power| factors.iter().map(move |factor| (*factor, power)));
            let tick =
                |(factor, power)| (f64::from(power) + f64::from(factor).log10(), style::times_ten(factor, power));
            marks.map(tick).collect()
        } else {
            let stride = style::tick_step(span, 5.0).max(1.0) as i32;
            let whole = powers().filter(|power| power % stride == 0);
            whole.map(|power| (f64::from(power), style::power_of_ten(power))).collect()
        };
        let ticks = ticks.into_iter().filter(|(tick, _)| (range.0..=range.1).contains(tick)).collect();
        Axis { range, ticks, numbered: true }
    }

    pub fn numbered(mut self, numbered: bool) -> Axis {
        self.numbered = numbered;
        self
    }

    /// Where `value` lies between the axis's ends, 0 to 1.
    pub fn share(&self, value: f64) -> f64 {
        (value - self.range.0) / (self.range.1 - self.range.0)
    }
}

/// An axis of logarithms that has a place for zero, if there is one, left of or below the smallest value.
pub struct WithZero {
    pub axis: Axis,
    lowest: f64,
}

impl WithZero {
    /// What is smaller than this share of the largest value is drawn there.
    const FLOOR: f64 = 1e-10;

    pub fn covering(values: impl Iterator<Item = f64> + Clone) -> WithZero {
        let largest = values.clone().filter(|value| value.is_finite()).fold(0.0, f64::max);
        let positive = values.clone().filter(|value| value.is_finite() && *value > 0.0);
        let floored = positive.map(|value| value.max(largest * Self::FLOOR).log10());
        let smallest = floored.clone().fold(f64::INFINITY, f64::min);
        let mut axis = Axis::logarithmic(floored);
        let mut lowest = if smallest.is_finite() { smallest } else { axis.range.0 };
        if values.clone().any(|value| value == 0.0) {
            let span = axis.range.1 - axis.range.0;
            lowest = axis.range.0 - 0.1 * span;
            axis.range.0 = lowest - 0.05 * span;
            axis.ticks.insert(0, (lowest, "0".to_owned()));
        }
        WithZero { axis, lowest }
    }

    /// The logarithm of `value`, or the place of what is too small.
    pub fn at(&self, value: f64) -> f64 {
        if value > 0.0 { value.log10().max(self.lowest) } else { self.lowest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_covers_its_values_with_room_even_if_they_are_equal_or_none() {
        let ends = |values: &[f64]| Axis::covering(values.iter().copied(), 5.0).range;
        assert_eq!(ends(&[0.0, 10.0, f64::NAN]), (-0.5, 10.5));
        assert_eq!(ends(&[4.0, 4.0]), (2.0, 6.0));
        assert_eq!((ends(&[0.0]), ends(&[f64::INFINITY])), ((-1.0, 1.0), (-0.05, 1.05)));
        assert_eq!(ends(&[0.0, 10.0, f64::MAX, -1e301]), (-0.5, 10.5), "what is beyond any axis is left at its ends");
        let wide = Axis::covering([-1e300, 1e300].into_iter(), 5.0);
        assert!(wide.range.0 < -1e300 && (2..10).contains(&wide.ticks.len()), "{:?}", wide.ticks);
        assert!(Axis::linear((f64::MIN, f64::MAX), 1.0, style::number).ticks.len() <= 1001);
    }

    #[test]
    fn zero_has_a_place_below_the_smallest_value_of_a_logarithmic_axis() {
        let with_zero = WithZero::covering([0.0, 0.01, 1.0].into_iter());
        assert_eq!(labels(&with_zero.axis)[0], "0");
        assert!(with_zero.at(0.0) < with_zero.at(0.01) && with_zero.axis.range.0 < with_zero.at(0.0));
        let without = WithZero::covering([0.01, 1.0].into_iter());
        assert_eq!((without.at(0.0), without.at(1e-30)), (-2.0, -2.0));
        assert_eq!(WithZero::covering([1e-200, 1.0].into_iter()).at(1e-200), -10.0);
    }

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn a_linear_axis_has_ticks_at_the_multiples_of_its_step() {
        let axis = Axis::linear((-1.4, 1.4), 1.0, style::number);
        assert_eq!(labels(&axis), ["−1", "0", "1"]);
    }

    #[test]
    fn a_long_logarithmic_axis_has_ticks_at_powers_of_ten() {
        let axis = Axis::logarithmic([-7.9, 0.3].into_iter());
        assert_eq!(labels(&axis), ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1"]);
    }

    #[test]
    fn a_short_logarithmic_axis_has_two_ticks_at_least() {
        assert_eq!(labels(&Axis::logarithmic([0.3_f64, 1.9].map(f64::log10).into_iter())), ["0.5", "1", "2"]);
        assert_eq!(labels(&Axis::logarithmic([3e-6_f64].map(f64::log10).into_iter())), ["2·10⁻⁶", "5·10⁻⁶"]);
        assert!(labels(&Axis::logarithmic([].into_iter())).len() >= 2);
    }
}
