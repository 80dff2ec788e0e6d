//! The keys of a spec, found by asking its reader, and other values for them.

use std::{collections::BTreeSet, path::Path};

use apd::{
    spec::SpecError,
    sweep::{Trials, parse_trials, parse_with_sweep},
};
use toml::{Table, Value};

/// A spec as text, with `--set` beside it.
#[derive(Clone)]
pub struct Written {
    pub text: String,
    settings: Vec<String>,
}

/// A key that has a value of its own, or could have one.
#[derive(Debug)]
pub struct Key {
    /// Dotted, as `--set` takes it.
    pub path: String,
    /// What the reader says of a word that it does not know.
    refusal: String,
}

/// All that the reader knows below some table.
#[derive(Debug, Default)]
pub struct Known {
    pub keys: Vec<Key>,
    /// Tables that are there.
    pub tables: BTreeSet<String>,
    /// Tables of variants that are not chosen.
    pub others: BTreeSet<String>,
}

impl Written {
    pub fn new(text: impl Into<String>, settings: &[&str]) -> Self {
        Self { text: text.into(), settings: settings.iter().map(ToString::to_string).collect() }
    }

    pub fn with(&self, key: &str, value: &str) -> Self {
        let mut changed = self.clone();
        changed.settings.push(format!("{key}={value}"));
        changed
    }

    pub fn spec(&self) -> Result<apd::spec::Spec, SpecError> {
        Ok(parse_with_sweep(Path::new("x.toml"), &self.text, &self.settings)?.spec)
    }

    pub fn trials(&self) -> Result<Trials, SpecError> {
        parse_trials(Path::new("x.toml"), &self.text, &self.settings)
    }

    /// What the reader says to a value that it refuses.
    fn refusal(&self, key: &str, value: &str) -> String {
        self.with(key, value).spec().map_or_else(|error| error.to_string(), |spec| panic!("{key}={value}: {spec:?}"))
    }

    /// Everything below the dotted `table`, or in the whole spec if that is empty. `resolved` is what is there now.
    pub fn known(&self, table: &str, resolved: &Table) -> Known {
        let mut known = Known::default();
        self.collect(table, resolved, &mut known);
        known
    }

    fn collect(&self, table: &str, resolved: &Table, known: &mut Known) {
        let join = |key: &str| if table.is_empty() { key.to_string() } else { format!("{table}.{key}") };
        let refusal = self.refusal(&join("no_such_key"), "0");
        let Some((_, names)) = refusal.split_once("allowed here:") else {
            assert!(refusal.contains("`no_such_key` must be "), "{table}: {refusal}");
            // Its keys are its author's.
            known.keys.push(Key { path: table.to_string(), refusal });
            return;
        };
        // None in a table that only names a variant.
        for name in names.lines().next().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let path = join(name);
            if let Some(Value::Table(inner)) = resolved.get(name) {
                self.collect(&path, inner, known);
                known.tables.insert(path);
                continue;
            }
            let refusal = self.refusal(&path, "'no such word'");
            if refusal.contains(&format!("`{name}` must be a table")) {
                known.others.insert(path);
            } else if refusal.contains(&format!("`{name}` must ")) {
                known.others.extend(table_words(&refusal).map(|word| format!("{path}.{word}")));
                known.keys.push(Key { path, refusal });
            } else {
                // Such as the training of a network that is constructed.
                known.others.insert(path);
            }
        }
    }
}

impl Key {
    /// Other values than the one in `resolved`, the likelier first. A closed set: all of it.
    pub fn others(&self, resolved: &Table) -> Others {
        let words: Vec<String> = plain_words(&self.refusal).map(str::to_owned).collect();
        if !words.is_empty() {
            return Others::Each(words);
        }
        let numbers = match value_at(resolved, &self.path) {
            Some(Value::Integer(now)) => [now + 1, now * 2, now - 1].iter().map(ToString::to_string).collect(),
            Some(Value::Float(now)) => {
                [now * 1.5, now * 0.5, now + 0.25].iter().map(|other| format!("{other:?}")).collect()
            }
            _ => Vec::new(),
        };
        let usual = [
            "1",
            "2",
            "3",
            "4",
            "0.5",
            "0.25",
            "1.5",
            "1e-9",
            "false",
            "true",
            "[5, 9]",
            "'another'",
            "['another']",
            DIGEST,
        ];
        Others::Any(numbers.into_iter().chain(usual.map(String::from)).collect())
    }
}

/// What else a key could be.
pub enum Others {
    /// Every one of these means something of its own.
    Each(Vec<String>),
    /// Some may be out of range, or so near that nothing comes of it.
    Any(Vec<String>),
}

const DIGEST: &str = "'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'";

fn value_at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((first, rest)) => value_at(table.get(first)?.as_table()?, rest),
    }
}

/// Of `must be one of "constant", { exponential = { .. } }` the words in quotes.
fn plain_words(refusal: &str) -> impl Iterator<Item = &str> {
    one_of(refusal).filter_map(|member| member.strip_prefix('"')?.strip_suffix('"'))
}

/// And the names of tables.
fn table_words(refusal: &str) -> impl Iterator<Item = &str> {
    one_of(refusal).filter_map(|member| Some(member.strip_prefix("{ ")?.split_once(' ')?.0))
}

fn one_of(refusal: &str) -> impl Iterator<Item = &str> {
    let line = refusal.lines().find_map(|line| Some(line.split_once(" must be one of ")?.1));
    line.unwrap_or_default().split(", ")
}
