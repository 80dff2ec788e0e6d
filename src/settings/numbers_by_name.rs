//! A table of a spec with a number for each of some names, which its author chooses.

use std::collections::BTreeMap;

use super::{
    number::{Limits, Number, NumberReader},
    problem::quoted,
    reader::TableReader,
    reference::Unless,
    tree::{Table, Value},
};

impl<T: Number> NumberReader<'_, '_, T> {
    /// A table in the place of one number, with such a number for each `noun`; `None` if the spec does not give it. A name with
    /// dots may be written in quotes or without.
    pub fn by_name(self, noun: &str) -> Option<BTreeMap<String, T>> {
        let Self { table, key, limits, .. } = self;
        let takes = format!("a table with {} for each {noun}", limits.in_words());
        let node = table.written(key, takes.as_str(), Unless::Unset)?;
        let mut numbers = BTreeMap::new();
        match &node.value {
            Value::Table(written) => collect(table, key, limits, written, "", &mut numbers),
            _ => table.refuse(key, node, format!("`{key}` must be {takes}")),
        }
        Some(numbers)
    }
}

/// Adds the numbers of `written`, whose own name is `prefix`.
fn collect<T: Number>(
    table: &mut TableReader,
    key: &'static str,
    limits: Limits<T>,
    written: &Table,
    prefix: &str,
    numbers: &mut BTreeMap<String, T>,
) {
    for entry in written.entries() {
        let name = format!("{prefix}{}", entry.key);
        if let Value::Table(inner) = &entry.node.value {
            collect(table, key, limits, inner, &format!("{name}."), numbers);
        } else if let Some(number) = limits.number(&entry.node) {
            numbers.insert(name, number);
        } else {
            table.refuse(key, &entry.node, format!("{} must be {}", quoted(&name, '`'), limits.in_words()));
        }
    }
}
