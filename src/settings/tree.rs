//! The spec's text as a tree of values, each of which knows where it was written.

use std::collections::BTreeSet;

use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use super::{
    number::{LARGEST, grouped},
    problem::{Problem, quoted},
    source::{Origin, Sources},
};

/// Deeper than any spec; keeps every walk over the tree shallow.
const MAX_DEPTH: usize = 32;

/// What no key of a spec can be, in words.
const TIME: &str = "a date or time";

/// A value and where it was written; for a table with a header, the header.
#[derive(Clone, Debug)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
    /// What was typed if it came without quotes from `--set`: a key that takes text takes it, number or not.
    pub bare: Option<String>,
    /// The last source that wrote here or below; 0 is the file.
    pub touched: usize,
}

#[derive(Clone, Debug)]
pub enum Value {
    Table(Table),
    Array(Vec<Node>),
    String(String),
    /// Saturated at the ends, which no range allows.
    Integer(i128),
    Float(f64),
    Boolean(bool),
    /// What no key of a spec can be, in words.
    Other(&'static str),
}

#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_origin: Origin,
    pub node: Node,
}

impl Table {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|entry| entry.key != key);
    }

    /// The value at `key`, made by `node` where there is none yet.
    pub fn get_or_insert(&mut self, key: &str, key_origin: Origin, node: impl FnOnce() -> Node) -> &mut Node {
        let place = self.entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            self.entries.push(Entry { key: key.to_string(), key_origin, node: node() });
            self.entries.len() - 1
        });
        &mut self.entries[place].node
    }
}

impl Node {
    /// A value that did not come from a text, as if it were written at `origin` by the source `touched`.
    pub fn from_toml(value: &toml::Value, origin: &Origin, touched: usize) -> Self {
        let node = |value| Self::from_toml(value, origin, touched);
        let value = match value {
            toml::Value::Table(table) => {
                let entry = |(key, value): (&String, _)| Entry {
                    key: key.clone(),
                    key_origin: origin.clone(),
                    node: node(value),
                };
                Value::Table(Table { entries: table.iter().map(entry).collect() })
            }
            toml::Value::Array(values) => Value::Array(values.iter().map(node).collect()),
            toml::Value::String(text) => Value::String(text.clone()),
            toml::Value::Integer(integer) => Value::Integer(i128::from(*integer)),
            toml::Value::Float(float) => Value::Float(*float),
            toml::Value::Boolean(truth) => Value::Boolean(*truth),
            toml::Value::Datetime(_) => Value::Other(TIME),
        };
        Self { value, origin: origin.clone(), bare: None, touched }
    }

    /// The value without its origin; `None` if there is something in it that no key of a spec can be.
    pub fn to_toml(&self) -> Option<toml::Value> {
        Some(match &self.value {
            Value::Table(table) => {
                let entries = table.entries.iter().map(|entry| Some((entry.key.clone(), entry.node.to_toml()?)));
                toml::Value::Table(entries.collect::<Option<_>>()?)
            }
            Value::Array(nodes) => toml::Value::Array(nodes.iter().map(Node::to_toml).collect::<Option<_>>()?),
            Value::String(text) => toml::Value::String(text.clone()),
            Value::Integer(integer) => toml::Value::Integer(i64::try_from(*integer).ok()?),
            Value::Float(float) => toml::Value::Float(*float),
            Value::Boolean(truth) => toml::Value::Boolean(*truth),
            Value::Other(_) => return None,
        })
    }

    /// The text that stands here, for a key that takes text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => self.bare.as_deref(),
        }
    }

    /// What is written at a dotted key below this table.
    pub fn find(&self, key: &str) -> Option<&Node> {
        key.split('.').try_fold(self, |node, key| match &node.value {
            Value::Table(table) => table.get(key),
            _ => None,
        })
    }

    /// Takes the entry `key` out of this table.
    pub fn remove(&mut self, key: &str) {
        if let Value::Table(table) = &mut self.value {
            table.remove(key);
        }
    }
}

impl Value {
    /// What stands there, to follow the word "this is".
    pub fn in_words(&self) -> String {
        match self {
            Value::Table(_) => "a table".to_string(),
            Value::Array(_) => "a list".to_string(),
            Value::String(text) => format!("the text {}", quoted(text, '"')),
            Value::Integer(i128::MIN | i128::MAX) => "far out of range".to_string(),
            Value::Integer(integer) => grouped(integer),
            Value::Float(float) if float.is_nan() => "not a number".to_string(),
            Value::Float(float) if float.is_infinite() => "infinite".to_string(),
            Value::Float(float) if float.abs() > LARGEST => format!("{float:?}, too large for single precision"),
            Value::Float(float) => format!("{float:?}"),
            Value::Boolean(_) => "a truth value".to_string(),
            Value::Other(words) => words.to_string(),
        }
    }
}

/// The file's tree, or the first mistake in the syntax of each line: those after it mostly follow from it.
pub fn parse(sources: &Sources) -> Result<Node, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(sources.file());
    if errors.is_empty() {
        return Ok(Node {
            value: table(root.get_ref(), 0, 0, 0),
            origin: Origin::new(0, 0..0),
            bare: None,
            touched: 0,
        });
    }
    let mut problems = Vec::new();
    let mut lines = BTreeSet::new();
    // Found once: a text that is no TOML may have as many mistakes as lines.
    let newlines: Vec<usize> = sources.file().match_indices('\n').map(|(place, _)| place).collect();
    for error in errors {
        let start = error.span().unwrap_or_default().start;
        if lines.insert(newlines.partition_point(|newline| *newline < start)) {
            problems.push(syntax_problem(error, 0, 0));
        }
    }
    Err(problems)
}

/// A mistake in the TOML of source `source`, whose parsed part begins at byte `offset`.
pub fn syntax_problem(error: toml::de::Error, source: usize, offset: usize) -> Problem {
    let span = error.span().unwrap_or_default();
    let origin = Origin::new(source, span.start + offset..span.end + offset);
    Problem::new(format!("this is not TOML: {}", error.message())).at(origin).in_syntax()
}

/// A parsed value of source `source`, whose parsed part begins at byte `offset`.
pub fn node(parsed: &Spanned<DeValue>, source: usize, offset: usize, depth: usize) -> Node {
    let value = match parsed.get_ref() {
        DeValue::Table(_) | DeValue::Array(_) if depth > MAX_DEPTH => Value::Other("nested too deeply"),
        DeValue::Table(parsed) => table(parsed, source, offset, depth),
        DeValue::Array(parsed) => {
            Value::Array(parsed.iter().map(|element| node(element, source, offset, depth + 1)).collect())
        }
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(parsed) => Value::Integer(integer(parsed)),
        DeValue::Float(parsed) => Value::Float(parsed.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(_) => Value::Other(TIME),
    };
    Node { value, origin: shifted(parsed.span(), source, offset), bare: None, touched: source }
}

fn table(parsed: &DeTable, source: usize, offset: usize, depth: usize) -> Value {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue>)| Entry {
        key: std::borrow::Cow::to_string(key.get_ref()),
        key_origin: shifted(key.span(), source, offset),
        node: node(value, source, offset, depth + 1),
    };
    Value::Table(Table { entries: parsed.iter().map(entry).collect() })
}

fn integer(parsed: &DeInteger) -> i128 {
    let saturated = if parsed.as_str().starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(parsed.as_str(), parsed.radix()).unwrap_or(saturated)
}

fn shifted(span: std::ops::Range<usize>, source: usize, offset: usize) -> Origin {
    Origin::new(source, span.start + offset..span.end + offset)
}
