//! The reference of a spec: every key that its reader knows.
//!
//! Run over no spec at all, and through every variant instead of the chosen one, a reading function tells what each key takes and
//! means if it is not given. What a key is says the documentation of the field that it is read into.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::reader::TableReader;

/// A key or a table that a spec may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Dotted, as `--set` takes it.
    pub path: String,
    /// What it is, in sentences.
    pub about: String,
    pub takes: Takes,
}

/// What may stand at a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Takes {
    /// A table with keys of its own.
    Table,
    /// A table, or another of these dotted ones in its place.
    OneTableOf(Vec<String>),
    /// A value, in words such as `an integer of at least 1`.
    Value(String, Unless),
    /// One of a closed set.
    Member(Vec<Member>, Unless),
}

/// What a key means that is not given.
#[derive(Clone, Debug, PartialEq)]
pub enum Unless {
    /// As if this TOML were given.
    Default(String),
    /// What it is says that, too.
    Unset,
    /// It must be given, such as in this TOML.
    Refused(String),
}

/// A member of a closed set.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub name: &'static str,
    /// Whether it is a table, and not a word.
    pub is_table: bool,
    pub about: String,
}

impl Entry {
    /// The table that it stands in; empty for the spec itself.
    pub fn table(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Its name in that table.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().expect("also a path without a dot has a last part")
    }

    pub fn is_table(&self) -> bool {
        matches!(self.takes, Takes::Table | Takes::OneTableOf(_))
    }
}

/// Every key that `read` knows, in the order in which it reads them, with what the documentation of `File` says of it.
///
/// # Panics
/// If a key is read without being described, or has no documentation.
pub fn reference<File: JsonSchema, T>(read: impl FnOnce(&mut TableReader<'static>) -> T) -> Vec<Entry> {
    let inline = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let schema = inline.into_generator().into_root_schema_for::<File>().to_value();
    let mut entries = TableReader::described(read);
    for Entry { path, about, takes } in &mut entries {
        let found = path.split('.').try_fold((&schema, None), |(schema, _), key| documented(schema, key));
        let (schema, text) = found.unwrap_or_else(|| panic!("`{path}` is no field"));
        *about = text.unwrap_or_else(|| panic!("`{path}` has no documentation"));
        if let Takes::Member(members, _) = takes {
            for Member { name, about, .. } in members {
                let text = documented(schema, name).and_then(|(_, text)| text);
                *about = text.unwrap_or_else(|| panic!("`{path}`: `{name}` has no documentation"));
            }
        }
    }
    entries
}

/// The schema of the field, or of the member of an enum, that a file calls `name`, with its documentation.
fn documented<'s>(schema: &'s Value, name: &str) -> Option<(&'s Value, Option<String>)> {
    let text =
        |schema: &Value| Some(schema.get("description")?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" "));
    if schema.get("const").is_some_and(|word| word == name) {
        return Some((schema, text(schema)));
    }
    if let Some(field) = schema.get("properties").and_then(|fields| fields.get(name)) {
        return Some((field, text(field)));
    }
    if let Some(any) = schema.get("additionalProperties").filter(|any| any.is_object()) {
        return Some((any, text(any)));
    }
    let parts = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|of| schema.get(of)?.as_array()).flatten();
    parts.filter_map(|part| Some((part, documented(part, name)?))).next().map(|(part, (found, own))| {
        // A member that is a table says what it is beside that table.
        let is_member = part.get("required").is_some_and(|keys| keys.as_array().is_some_and(|keys| keys.len() == 1));
        (found, text(part).filter(|_| is_member).or(own))
    })
}
