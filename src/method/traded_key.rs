//! The key of a method that decides how many components are active, at the price of the error of the output.

use toml::Value;

/// A key that trades active components off against the error of the output, and the values that a sweep of it tries.
#[derive(Clone, Debug, PartialEq)]
pub struct TradedKey {
    /// Below `[method.<key>]`.
    pub key: &'static str,
    /// Ascending; the spec's own value is among them.
    pub values: Vec<Value>,
}

/// Why settings have no such key.
#[derive(Clone, Debug, PartialEq)]
pub struct NotTraded {
    /// The setting that is in the way, below `[method.<key>]`.
    pub key: &'static str,
    pub why: String,
    /// What to do about that setting.
    pub label: String,
}

/// `value` with two numbers to either side of it, evenly spaced on a scale of logarithms down to one in `factor` of it and up to
/// `factor` times it, none beyond `low` and `high`. The others are rounded to two digits, and equal ones are there once.
pub fn around(value: f64, factor: f64, low: f64, high: f64) -> Vec<f64> {
    let ends = [value / factor, value * factor].map(|end| end.clamp(low, high));
    let short =
        |number: f64| format!("{number:.1e}").parse::<f64>().expect("a formatted number is one").clamp(low, high);
    let mut values: Vec<f64> = ends.iter().flat_map(|end| [short(*end), short((value * end).sqrt())]).collect();
    values.push(value);
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_evenly_around_the_own_one_in_short_numbers() {
        assert_eq!(around(0.003, 10.0, 0.0, f64::MAX), [0.0003, 0.00095, 0.003, 0.0095, 0.03]);
        assert_eq!(around(0.211, 4.0, 0.001, 5.0), [0.053, 0.11, 0.211, 0.42, 0.84]);
    }

    #[test]
    fn no_value_is_beyond_the_limits_and_none_is_there_twice() {
        assert_eq!(around(2.0, 4.0, 0.5, 3.0), [0.5, 1.0, 2.0, 2.4, 3.0]);
        assert_eq!(around(5.0, 4.0, 0.001, 5.0), [1.2, 2.5, 5.0]);
        assert_eq!(around(0.01, 4.0, 1.0 / 300.0, 5.0)[0], 1.0 / 300.0, "it is not rounded below the limit");
    }
}
