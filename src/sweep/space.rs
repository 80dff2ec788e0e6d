//! What a sweep varies: keys of the spec, each with the values that it may take.

use schemars::JsonSchema;
use serde::Serialize;
use toml::Value;

use super::Written;
use crate::settings::{Choice, Variant};

/// Digits that a value from a range is rounded to: enough to place it, few enough to read and to type.
const DIGITS: usize = 6;

/// A key of the spec and the values that it may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Dotted, as `--set` takes it.
    pub key: String,
    pub domain: Domain,
    pub written: Written,
}

/// The values that a key may take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// One of these, each of which `--set` could give.
    Values(Vec<Value>),
    Range(Range),
}

/// A range of values: the numbers from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema)]
pub struct Range {
    /// The least value.
    pub from: f64,
    /// The largest value.
    pub to: f64,
    /// Number of values, evenly spaced on the scale; unset, any between the ends may be drawn.
    pub points: Option<usize>,
    /// On what the range is even.
    pub scale: Scale,
    /// Whether only whole numbers are meant, as for a key that takes no others.
    #[schemars(skip)]
    pub integers: bool,
}

/// On what a range is even.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Each number is the one before it and the same step.
    #[default]
    Linear,
    /// Each number is the one before it times the same factor.
    Log,
}

impl Choice for Scale {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("linear", Self::Linear), Variant::Word("log", Self::Log)];
}

/// The value of one key in one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub value: Value,
    /// Which of the listed values it is; 0 for one from a range.
    pub place: usize,
}

impl Domain {
    /// The value at the share `u` in [0, 1) of the way through the domain.
    pub fn at(&self, u: f64) -> Drawn {
        match self {
            Domain::Values(values) => {
                let place = floor_of(u, values.len());
                Drawn { value: values[place].clone(), place }
            }
            Domain::Range(range) => Drawn { value: range.at(u), place: 0 },
        }
    }

    /// How many values there are; `None` if there are infinitely many. Whole numbers of a range are counted, not made: it may
    /// mean more of them than memory holds. Of a range that ends before it begins nothing can be made.
    pub fn count(&self) -> Option<usize> {
        match self {
            Domain::Values(values) => Some(values.len()),
            Domain::Range(Range { from, to, .. }) if from >= to => Some(1),
            Domain::Range(Range { from, to, points: None, scale: Scale::Linear, integers: true }) => {
                Some(((to - from) as usize).saturating_add(1))
            }
            Domain::Range(range) => Some(range.all()?.len()),
        }
    }

    /// Every value, for a grid; `None` if there are infinitely many.
    pub fn all(&self) -> Option<Vec<Drawn>> {
        match self {
            Domain::Values(values) => {
                let drawn = values.iter().enumerate().map(|(place, value)| Drawn { value: value.clone(), place });
                Some(drawn.collect())
            }
            Domain::Range(range) => Some(range.all()?.into_iter().map(|value| Drawn { value, place: 0 }).collect()),
        }
    }

    /// As it is written in a spec.
    pub fn to_toml(&self) -> Value {
        match self {
            Domain::Values(values) => Value::Array(values.clone()),
            Domain::Range(Range { from, to, points, scale, integers }) => {
                let end = |number: f64| if *integers { Value::Integer(number as i64) } else { Value::Float(number) };
                let mut table = toml::Table::from_iter([("from".into(), end(*from)), ("to".into(), end(*to))]);
                table.extend(points.map(|points| ("points".to_string(), Value::Integer(points as i64))));
                if *scale == Scale::Log {
                    table.insert("scale".into(), Value::String("log".into()));
                }
                Value::Table(table)
            }
        }
    }
}

impl Range {
    fn at(&self, u: f64) -> Value {
        match self.points {
            Some(points) => self.point(floor_of(u, points), points),
            // As likely as the others to be the first or the last.
            None if self.integers => {
                let (from, to) = (self.from - 0.5, self.to + 0.5);
                self.value(Range { from, to, ..*self }.between(u))
            }
            None => self.value(self.between(u)),
        }
    }

    fn all(&self) -> Option<Vec<Value>> {
        let mut values: Vec<Value> = match self.points {
            Some(points) => (0..points).map(|place| self.point(place, points)).collect(),
            None if self.integers && self.scale == Scale::Linear => {
                (self.from as i64..=self.to as i64).map(Value::Integer).collect()
            }
            None => return None,
        };
        // Points that round to the same whole number are one.
        values.dedup();
        Some(values)
    }

    /// One of `points` numbers, counted from 0.
    fn point(&self, place: usize, points: usize) -> Value {
        self.value(self.between(place as f64 / (points - 1) as f64))
    }

    /// Whether its ends are whole numbers, however they are written: then it may be meant for whole numbers only.
    pub fn has_whole_ends(&self) -> bool {
        self.from.fract() == 0.0 && self.to.fract() == 0.0
    }

    /// The number at the share `u` of the way.
    fn between(&self, u: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.from + u * (self.to - self.from),
            Scale::Log => {
                let (from, to) = (libm::log(self.from), libm::log(self.to));
                libm::exp(from + u * (to - from))
            }
        }
    }

    /// Rounded, and not beyond the ends.
    fn value(&self, number: f64) -> Value {
        if self.integers {
            return Value::Integer(number.round().clamp(self.from, self.to) as i64);
        }
        let rounded: f64 = format!("{number:.*e}", DIGITS - 1).parse().expect("a formatted number is one");
        Value::Float(rounded.clamp(self.from, self.to))
    }
}

/// Which of `count` equal parts of [0, 1) holds `u`.
fn floor_of(u: f64, count: usize) -> usize {
    ((u * count as f64) as usize).min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: f64, to: f64, points: Option<usize>, scale: Scale, integers: bool) -> Domain {
        Domain::Range(Range { from, to, points, scale, integers })
    }

    fn values(domain: &Domain) -> Vec<String> {
        domain.all().unwrap().iter().map(|drawn| drawn.value.to_string()).collect()
    }

    #[test]
    fn points_are_even_on_their_scale_and_short() {
        assert_eq!(values(&range(0.0, 1.0, Some(4), Scale::Linear, false)), ["0.0", "0.333333", "0.666667", "1.0"]);
        assert_eq!(values(&range(1e-4, 1.0, Some(3), Scale::Log, false)), ["0.0001", "0.01", "1.0"]);
        assert_eq!(values(&range(1.0, 8.0, Some(4), Scale::Log, true)), ["1", "2", "4", "8"]);
    }

    #[test]
    fn whole_numbers_are_all_there_and_each_once() {
        assert_eq!(values(&range(2.0, 5.0, None, Scale::Linear, true)), ["2", "3", "4", "5"]);
        assert_eq!(values(&range(1.0, 3.0, Some(9), Scale::Linear, true)), ["1", "2", "3"]);
        assert_eq!(range(0.0, 1.0, None, Scale::Linear, false).all(), None);
        assert_eq!(range(1.0, 9.0, None, Scale::Log, true).all(), None);
    }

    #[test]
    fn values_are_counted_without_being_made() {
        let counts = |domain: Domain| (domain.count(), domain.all().map(|values| values.len()));
        assert_eq!(counts(Domain::Values(vec![Value::Integer(7)])), (Some(1), Some(1)));
        assert_eq!(counts(range(2.0, 5.0, None, Scale::Linear, true)), (Some(4), Some(4)));
        assert_eq!(counts(range(0.0, 1.0, Some(9), Scale::Linear, false)), (Some(9), Some(9)));
        assert_eq!(counts(range(0.0, 1.0, None, Scale::Linear, false)), (None, None));
        assert_eq!(range(-1e30, 1e30, None, Scale::Linear, true).count(), Some(usize::MAX));
        assert_eq!(range(3.0, 1.0, Some(9), Scale::Linear, false).count(), Some(1));
    }

    #[test]
    fn a_share_of_the_way_falls_into_equal_parts() {
        let list = Domain::Values(vec![Value::Integer(7), Value::String("linear".into())]);
        assert_eq!([0.0, 0.49, 0.5, 0.99].map(|u| list.at(u).place), [0, 0, 1, 1]);
        let whole = &range(1.0, 4.0, None, Scale::Linear, true);
        let count =
            |number: i64| (0..400).filter(move |i| whole.at(f64::from(*i) / 400.0).value == Value::Integer(number));
        assert_eq!([1, 2, 3, 4].map(|number| count(number).count()), [100; 4]);
        assert_eq!(range(0.01, 1.0, None, Scale::Log, false).at(0.5).value, Value::Float(0.1));
    }
}
