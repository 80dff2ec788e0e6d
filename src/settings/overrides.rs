//! `--set KEY=VALUE`: one value of the spec replaced from the command line.
//!
//! KEY is dotted (`method.apd.rank`), VALUE is TOML; what is no TOML value is text (`schedule=cosine`), unless it begins like a
//! list, a table or quoted text. A key that takes text takes a number without quotes as it was typed (`name=007`).
//! A table given as VALUE replaces the whole table. A key below a value that is no table replaces that value, and a key
//! below another variant than the file's chooses that variant (see [`super::choice`]): the last word wins.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    problem::Problem,
    source::{Origin, SET, Sources},
    tree::{self, Node, Table, Value},
};

/// Applies every `--set` in its order and returns what is wrong with them.
pub fn apply(sources: &Sources, root: &mut Node) -> Vec<Problem> {
    sources
        .overrides()
        .filter_map(|(source, text)| apply_one(source, text, root).err())
        .map(|problem| *problem)
        .collect()
}

fn apply_one(source: usize, text: &str, root: &mut Node) -> Result<(), Box<Problem>> {
    let refuse = |title: &str, label: &str, span: Range<usize>| {
        let help = "write it as KEY=VALUE, for example --set method.apd.rank=1";
        Err(Box::new(Problem::new(title).at(Origin::new(source, span)).labelled(label).helped(help)))
    };
    let Some(equals) = text.find('=') else {
        return refuse("`--set` lacks a value", "no `=` in here", SET.len()..text.len());
    };
    if text[equals + 1..].trim_matches(BLANK).is_empty() {
        return refuse("`--set` lacks a value", "nothing after it", equals..equals + 1);
    }
    let mut start = SET.len();
    let mut keys = Vec::new();
    for part in text[start..equals].split('.') {
        let key = part.trim_matches(BLANK);
        let begin = start + (part.len() - part.trim_start_matches(BLANK).len());
        let span = begin..begin + key.len();
        if key.is_empty() || key.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-') {
            return refuse("`--set` needs a dotted key", "this is no key", span);
        }
        keys.push((key, Origin::new(source, span)));
        start += part.len() + 1;
    }
    if keys.len() > 16 {
        return refuse("`--set` has a key of too many parts", "", SET.len()..equals);
    }
    let value = value(source, text, equals + 1)?;
    put(root, &keys, value);
    Ok(())
}

/// What may stand around a key or a value. Other blanks cannot be told from these by the eye, and are none to TOML.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// The value that begins at byte `start` of `text`.
fn value(source: usize, text: &str, start: usize) -> Result<Node, Box<Problem>> {
    let written = text[start..].trim_matches(BLANK);
    let start = start + text[start..].len() - text[start..].trim_start_matches(BLANK).len();
    let is_bare = !written.starts_with(['[', '{', '"', '\'']);
    let bare = is_bare.then(|| written.to_string());
    match (DeValue::parse(written), bare) {
        (Ok(parsed), bare) => Ok(Node { bare, ..tree::node(&parsed, source, start, 0) }),
        (Err(_), Some(bare)) => Ok(Node {
            value: Value::String(bare),
            origin: Origin::new(source, start..start + written.len()),
            bare: None,
            touched: source,
        }),
        (Err(error), None) => Err(Box::new(tree::syntax_problem(error, source, start))),
    }
}

/// Puts `value` at the dotted key `keys`, each part with where it was written.
pub fn put(mut node: &mut Node, keys: &[(&str, Origin)], value: Node) {
    for (key, origin) in keys {
        node.touched = value.touched;
        if !matches!(node.value, Value::Table(_)) {
            (node.value, node.origin, node.bare) = (Value::Table(Table::default()), origin.clone(), None);
        }
        let Value::Table(table) = &mut node.value else { unreachable!("a table since the line above") };
        let empty = || Node {
            value: Value::Table(Table::default()),
            origin: origin.clone(),
            bare: None,
            touched: value.touched,
        };
        node = table.get_or_insert(key, origin.clone(), empty);
    }
    *node = value;
}
