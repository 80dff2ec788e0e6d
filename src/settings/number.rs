//! Numbers of a spec: their type, their range, their default.
//!
//! Reads as a sentence: `table.number("warm_up").at_least(0.0).below(1.0).or(0.0)`.

use std::{
    fmt::Display,
    ops::{Bound, RangeBounds},
};

use super::{
    reader::TableReader,
    reference::{Takes, Unless},
    tree::{Node, Value},
};

/// A number that a spec can hold.
pub trait Number: Copy + PartialOrd + Default {
    const NOUN: &'static str;
    /// Whether there are others than whole ones.
    const IS_REAL: bool;
    /// Where the type itself begins.
    const LOW: Bound<Self>;

    fn of(value: &Value) -> Option<Self>;

    fn in_words(self) -> String;
}

/// The largest magnitude; tensors hold single precision, which ends at 3.4e38.
pub const LARGEST: f64 = 1e30;

impl Number for f64 {
    const NOUN: &'static str = "a number";
    const IS_REAL: bool = true;
    const LOW: Bound<Self> = Bound::Unbounded;

    /// Integers are numbers too; what is not finite is none. Minus zero becomes zero, so that equal specs look equal.
    fn of(value: &Value) -> Option<Self> {
        let number = match value {
            Value::Integer(integer) => *integer as f64,
            Value::Float(float) => *float,
            _ => return None,
        };
        (number.abs() <= LARGEST).then_some(number + 0.0)
    }

    fn in_words(self) -> String {
        self.to_string()
    }
}

macro_rules! integer {
    ($integer:ty) => {
        impl Number for $integer {
            const NOUN: &'static str = "an integer";
            const IS_REAL: bool = false;
            const LOW: Bound<Self> = Bound::Included(0);

            fn of(value: &Value) -> Option<Self> {
                let Value::Integer(integer) = value else { return None };
                Self::try_from(*integer).ok()
            }

            fn in_words(self) -> String {
                grouped(self)
            }
        }
    };
}

integer!(u64);
integer!(usize);

/// Such as `100_000`, as TOML allows it to be written.
pub fn grouped(integer: impl Display) -> String {
    let digits = integer.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if (digits.len() - place).is_multiple_of(3) && text.ends_with(|c: char| c.is_ascii_digit()) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// The product of three sizes and the number of seeds still fits an `i64`.
pub(crate) const LARGEST_SIZE: usize = 100_000;

/// The range that a number must lie in.
#[derive(Clone, Copy, Debug)]
pub struct Limits<T> {
    low: Bound<T>,
    high: Bound<T>,
}

/// A number about to be read.
pub struct NumberReader<'r, 'a, T> {
    pub(super) table: &'r mut TableReader<'a>,
    pub(super) key: &'static str,
    pub(super) limits: Limits<T>,
    /// What else the key takes, to follow what is said of the number.
    pub(super) beside: &'static str,
}

impl<'a> TableReader<'a> {
    /// The number at `key`.
    pub fn number<T: Number>(&mut self, key: &'static str) -> NumberReader<'_, 'a, T> {
        self.number_within(key, Limits { low: T::LOW, high: Bound::Unbounded })
    }

    /// The number at `key`, which lies in these limits.
    pub fn number_within<T: Number>(&mut self, key: &'static str, limits: Limits<T>) -> NumberReader<'_, 'a, T> {
        NumberReader { table: self, key, limits, beside: "" }
    }

    /// The length of an axis of some tensor at `key`, at least 1.
    pub fn size(&mut self, key: &'static str) -> NumberReader<'_, 'a, usize> {
        self.number(key).at_least(1).at_most(LARGEST_SIZE)
    }
}

impl<'r, 'a, T: Number> NumberReader<'r, 'a, T> {
    pub fn at_least(self, low: T) -> Self {
        self.from(Bound::Included(low))
    }

    pub fn above(self, low: T) -> Self {
        self.from(Bound::Excluded(low))
    }

    pub fn at_most(self, high: T) -> Self {
        self.to(Bound::Included(high))
    }

    pub fn below(self, high: T) -> Self {
        self.to(Bound::Excluded(high))
    }

    fn from(self, low: Bound<T>) -> Self {
        Self { limits: Limits { low, ..self.limits }, ..self }
    }

    fn to(self, high: Bound<T>) -> Self {
        Self { limits: Limits { high, ..self.limits }, ..self }
    }

    /// `default` if the spec does not give it.
    pub fn or(self, default: T) -> T {
        self.or_unless(Unless::Default(default.in_words())).unwrap_or(default)
    }

    /// Must be given, such as `example`.
    pub fn such_as(mut self, example: T) -> T {
        self.describe(Unless::Refused(example.in_words()));
        match self.table.value(self.key) {
            Some(node) => self.read(node).unwrap_or_default(),
            None => {
                self.table.miss(self.key, &example.in_words());
                T::default()
            }
        }
    }

    /// A list of such numbers in the place of one; `default` if the spec does not give it.
    pub fn list_or(self, default: &[T]) -> Vec<T> {
        let Self { table, key, limits, .. } = self;
        let takes = format!("a list, each {}", limits.in_words());
        let in_words = default.iter().map(|&number| number.in_words()).collect::<Vec<_>>().join(", ");
        let Some(node) = table.written(key, takes.as_str(), Unless::Default(format!("[{in_words}]"))) else {
            return default.to_vec();
        };
        let numbers: Option<Vec<T>> = match &node.value {
            Value::Array(nodes) => nodes.iter().map(|node| limits.number(node)).collect(),
            _ => None,
        };
        numbers.unwrap_or_else(|| {
            table.refuse(key, node, format!("`{key}` must be {takes}"));
            default.to_vec()
        })
    }

    /// `None` if the spec does not give it.
    pub fn optional(self) -> Option<T> {
        self.or_unless(Unless::Unset)
    }

    fn or_unless(mut self, unless: Unless) -> Option<T> {
        self.describe(unless);
        let node = self.table.value(self.key)?;
        self.read(node)
    }

    fn describe(&mut self, unless: Unless) {
        let takes = self.takes();
        self.table.describe(self.key, || Takes::Value(takes, unless));
    }

    fn read(self, node: &Node) -> Option<T> {
        if T::IS_REAL {
            self.table.note_real(self.key);
        }
        let number = self.limits.number(node);
        if number.is_none() {
            self.table.refuse(self.key, node, format!("`{}` must be {}", self.key, self.takes()));
        }
        number
    }

    fn takes(&self) -> String {
        format!("{}{}", self.limits.in_words(), self.beside)
    }
}

impl<T: Number> Limits<T> {
    /// The number that is written, if it is one of these.
    pub(super) fn number(&self, node: &Node) -> Option<T> {
        T::of(&node.value).filter(|number| (self.low, self.high).contains(number))
    }

    /// Such as `an integer of at least 1`.
    pub(super) fn in_words(&self) -> String {
        let low = match self.low {
            Bound::Included(low) => format!(" of at least {}", low.in_words()),
            Bound::Excluded(low) => format!(" above {}", low.in_words()),
            Bound::Unbounded => String::new(),
        };
        let high = match self.high {
            Bound::Included(high) => format!(" and at most {}", high.in_words()),
            Bound::Excluded(high) => format!(" and below {}", high.in_words()),
            Bound::Unbounded => String::new(),
        };
        match (self.low, self.high) {
            (Bound::Included(only), Bound::Included(high)) if only == high => only.in_words(),
            (Bound::Included(low), Bound::Included(high)) => {
                format!("{} from {} to {}", T::NOUN, low.in_words(), high.in_words())
            }
            _ => format!("{}{low}{high}", T::NOUN),
        }
    }
}
