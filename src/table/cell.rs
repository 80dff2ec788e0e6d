//! What may stand in a table's field: how it is read, and what number it is.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess},
};

/// A value of a table.
///
/// Tables of older versions lack columns: what is then read is `None`, or NaN for a number. Whole numbers, words and truth
/// values that are always there are demanded, since without them it is not known what a row is about.
pub trait Cell {
    /// The value as a number; NaN for what is none.
    fn number(&self) -> f64 {
        f64::NAN
    }

    /// The value in words; nothing where the field is empty.
    fn text(&self) -> String;

    /// A number with six significant digits; `None` of other values.
    fn in_six_digits(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Reads the content of one field.
    ///
    /// # Errors
    /// If it holds no such value.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>
    where
        Self: Sized;

    /// Reads the content of one field that may be empty.
    ///
    /// # Errors
    /// If it is not empty and holds no such value.
    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        Self: Sized,
    {
        Ok(Option::deserialize(deserializer)?.map(|Read(value)| value))
    }

    /// What stands for a column that the table does not have; `None` if it must have it.
    fn absent() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Whether the column of this name in a file belongs to the field called `field`.
    fn is_column(field: &str, column: &str) -> bool
    where
        Self: Sized,
    {
        field == column
    }

    /// Reads the next field of a row into its place.
    ///
    /// # Errors
    /// If it holds no such value.
    fn take<'de, M: MapAccess<'de>>(place: &mut Option<Self>, cells: &mut M) -> Result<(), M::Error>
    where
        Self: Sized,
    {
        if place.is_some() {
            return Err(M::Error::custom("two of its columns have one name"));
        }
        *place = Some(cells.next_value::<Read<Self>>()?.0);
        Ok(())
    }
}

/// A value as [`Cell::read`] reads it.
pub struct Read<C>(C);

impl<'de, C: Cell> Deserialize<'de> for Read<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        C::read(deserializer).map(Read)
    }
}

/// What was read of a column, or what stands for it if the table does not have it.
pub fn or_absent<C: Cell, E: Error>(read: Option<C>, column: &'static str) -> Result<C, E> {
    read.or_else(C::absent).ok_or_else(|| E::missing_field(column))
}

impl Cell for f64 {
    fn number(&self) -> f64 {
        *self
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn in_six_digits(&self) -> Option<Self> {
        let rounded: f64 = format!("{self:.5e}").parse().expect("a formatted number is one");
        // Zero has no sign.
        Some(rounded + 0.0)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }

    fn absent() -> Option<Self> {
        Some(f64::NAN)
    }
}

impl Cell for usize {
    fn number(&self) -> f64 {
        *self as f64
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    /// A count may be NaN, which is none.
    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        const LARGEST: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
        let number: Option<f64> = Option::deserialize(deserializer)?;
        match number.filter(|number| !number.is_nan()) {
            None => Ok(None),
            Some(count) if count.fract() == 0.0 && (0.0..LARGEST).contains(&count) => Ok(Some(count as usize)),
            Some(_) => Err(D::Error::custom("no whole number")),
        }
    }
}

/// Other values that must be there.
macro_rules! demanded {
    ($($cell:ty: $number:expr),+) => {
        $(impl Cell for $cell {
            fn number(&self) -> f64 {
                let number: fn(&Self) -> f64 = $number;
                number(self)
            }

            fn text(&self) -> String {
                self.to_string()
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        })+
    };
}

demanded! { u64: |number| *number as f64, bool: |_| f64::NAN, String: |_| f64::NAN }

impl<C: Cell> Cell for Option<C> {
    fn number(&self) -> f64 {
        self.as_ref().map_or(f64::NAN, Cell::number)
    }

    fn text(&self) -> String {
        self.as_ref().map(Cell::text).unwrap_or_default()
    }

    fn in_six_digits(&self) -> Option<Self> {
        self.as_ref()?.in_six_digits().map(Some)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        C::read_optional(deserializer)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A list is as many columns as it has entries, called `field_1`, `field_2`, and so on.
impl<C: Cell> Cell for Vec<C> {
    fn text(&self) -> String {
        self.iter().map(Cell::text).collect::<Vec<_>>().join(" ")
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        C::read(deserializer).map(|first| vec![first])
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }

    fn is_column(field: &str, column: &str) -> bool {
        let number = column.strip_prefix(field).and_then(|end| end.strip_prefix('_'));
        number.is_some_and(|number| number.parse::<usize>().is_ok())
    }

    fn take<'de, M: MapAccess<'de>>(place: &mut Option<Self>, cells: &mut M) -> Result<(), M::Error> {
        let Read(next) = cells.next_value()?;
        place.get_or_insert_default().push(next);
        Ok(())
    }
}
