//! A number of a spec in whose place there may be a table that says more: `weight = 0.5` or `weight = { start = 1, final = 0 }`.
//!
//! Reads as a sentence: `table.number("weight").at_least(0.0).or_table(Course::read).or(1.0)`.

use super::{
    number::{Limits, Number, NumberReader},
    reader::TableReader,
    tree::{Node, Value},
};

/// A number, or a table in its place, about to be read.
pub struct NumberOrTableReader<'r, 'a, T, V> {
    number: NumberReader<'r, 'a, T>,
    read: fn(&mut TableReader, Limits<T>) -> V,
}

impl<'r, 'a, T: Number> NumberReader<'r, 'a, T> {
    /// The key takes a table, too, which `read` reads; it is told what limits the number has.
    pub fn or_table<V: From<T>>(self, read: fn(&mut TableReader, Limits<T>) -> V) -> NumberOrTableReader<'r, 'a, T, V> {
        NumberOrTableReader { number: NumberReader { beside: ", or a table", ..self }, read }
    }
}

impl<T: Number, V: From<T>> NumberOrTableReader<'_, '_, T, V> {
    /// `default` if the spec gives neither.
    pub fn or(self, default: T) -> V {
        self.read(|number| number.or(default).into())
    }

    /// One of them must be given, such as the number `example`.
    pub fn such_as(self, example: T) -> V {
        self.read(|number| number.such_as(example).into())
    }

    fn read(self, of_number: impl FnOnce(NumberReader<T>) -> V) -> V {
        let Self { number: NumberReader { table, key, limits, beside }, read } = self;
        if let Some(Node { value: Value::Table(_), .. }) = table.value(key) {
            return table.chosen_table(key, |table| read(table, limits));
        }
        let value = of_number(NumberReader { table: &mut *table, key, limits, beside });
        if table.describes() {
            table.read_child(key, None, None, |table| read(table, limits));
        }
        value
    }
}
