//! A resolved spec as text that loads again to the same spec, and as a hash.
//!
//! The hash is over the settings, one line for each (`method.apd.rank = 3`) in the order of the alphabet, so it depends
//! neither on how a spec is laid out nor on how TOML is written. The name is no setting: the same experiment under
//! another name has the same hash, and the run folder carries both.

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::{Spec, Target};
use crate::settings::with_short_floats;

impl Spec {
    /// The whole spec, defaults included, as TOML.
    pub fn to_toml(&self) -> String {
        with_short_floats(&toml::to_string(self).expect("every value of a spec has its TOML"))
    }

    /// SHA-256 of all settings, in hexadecimal digits.
    pub fn hash(&self) -> String {
        hash_without(table_of(self), "name")
    }

    /// The name of its run folder: `<name>-<first 8 digits of the hash>`.
    pub fn folder_name(&self) -> String {
        format!("{}-{}", self.name, &self.hash()[..8])
    }
}

impl Target {
    /// SHA-256 of the settings that make the target apart from its seed, in hexadecimal digits.
    pub fn hash(&self) -> String {
        hash_without(table_of(self), "seed")
    }
}

fn table_of(settings: &impl serde::Serialize) -> Table {
    Table::try_from(settings).expect("every value of a spec has its TOML")
}

fn hash_without(mut settings: Table, key: &str) -> String {
    settings.remove(key);
    let mut lines = Vec::new();
    collect_lines("", &Value::Table(settings), &mut lines);
    lines.sort();
    Sha256::digest(lines.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One line for each value; floats in the fewest digits that mean them.
fn collect_lines(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Table(table) => {
            table.iter().for_each(|(key, value)| collect_lines(&format!("{path}.{key}"), value, lines))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(place, value)| collect_lines(&format!("{path}.{place}"), value, lines))
        }
        Value::Float(float) => lines.push(format!("{path} = {float:?}\n")),
        other => lines.push(format!("{path} = {other}\n")),
    }
}
