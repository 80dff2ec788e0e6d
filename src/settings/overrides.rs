//! `--set KEY=VALUE`: one value of the spec replaced from the command line.
//!
//! KEY is dotted (`method.apd.rank`), VALUE is TOML; a bare word that is no TOML value is text (`schedule=cosine`).
//! A table given as VALUE replaces the whole table. A key below a value that is no table replaces that value, and a key
//! below another variant than the file's chooses that variant (see [`super::choice`]): the last word wins.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    problem::Problem,
    source::{Origin, Sources},
    tree::{self, Node, Table, Value},
};

const PREFIX: &str = "--set ";

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
        return refuse("`--set` lacks a value", "no `=` in here", PREFIX.len()..text.len());
    };
    if text[equals + 1..].trim().is_empty() {
        return refuse("`--set` lacks a value", "nothing after it", equals..equals + 1);
    }
    let mut start = PREFIX.len();
    let mut keys = Vec::new();
    for part in text[start..equals].split('.') {
        let key = part.trim();
        let begin = start + (part.len() - part.trim_start().len());
        let span = begin..begin + key.len();
        if key.is_empty() || key.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-') {
            return refuse("`--set` needs a dotted key", "this is no key", span);
        }
        keys.push((key, Origin::new(source, span)));
        start += part.len() + 1;
    }
    if keys.len() > 16 {
        return refuse("`--set` has a key of too many parts", "", PREFIX.len()..equals);
    }
    let value = value(source, text, equals + 1)?;
    put(root, &keys, value);
    Ok(())
}

/// The value that begins at byte `start` of `text`.
fn value(source: usize, text: &str, start: usize) -> Result<Node, Box<Problem>> {
    let written = text[start..].trim();
    let start = start + text[start..].len() - text[start..].trim_start().len();
    match DeValue::parse(written) {
        Ok(parsed) => Ok(tree::node(&parsed, source, start, 0)),
        Err(_) if is_bare_word(written) => Ok(Node {
            value: Value::String(written.to_string()),
            origin: Origin::new(source, start..start + written.len()),
            touched: source,
        }),
        Err(error) => Err(Box::new(tree::syntax_problem(error, source, start))),
    }
}

fn is_bare_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// Puts `value` at the dotted key `keys`, each part with where it was written.
pub fn put(mut node: &mut Node, keys: &[(&str, Origin)], value: Node) {
    for (key, origin) in keys {
        node.touched = value.touched;
        if !matches!(node.value, Value::Table(_)) {
            (node.value, node.origin) = (Value::Table(Table::default()), origin.clone());
        }
        let Value::Table(table) = &mut node.value else { unreachable!("a table since the line above") };
        let empty = || Node { value: Value::Table(Table::default()), origin: origin.clone(), touched: value.touched };
        node = table.get_or_insert(key, origin.clone(), empty);
    }
    *node = value;
}
