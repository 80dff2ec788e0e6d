//! `apd help spec [KEY]`: what can stand in a spec, as its readers know it.

use std::ffi::OsStr;

use clap::{
    Args,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};

use super::spec_page::page;
use crate::{
    cli::{Ending, Failure, ending::print},
    method::filled_in,
    report::wrapped,
    settings::{Entry, Member, Takes, Unless, grouped, nearest, quoted},
    shell,
    sweep::reference,
};

/// Columns of the text, and those of the names in it.
const WIDTH: usize = 80;
const NAMES: usize = 24;

/// Tell all that can stand in a spec: every key with its range, its default and what it is
#[derive(Debug, Args)]
#[command(
    name = "spec",
    after_help = "\
Examples:
  apd help spec method.apd.rank
  apd help spec learning_rate
  apd help spec target.tms
  apd help spec --markdown > docs/spec.md"
)]
pub struct SpecHelp {
    /// A key or a table of which alone to tell; the last parts of its name are enough
    #[arg(value_parser = Keys, hide_possible_values = true)]
    key: Option<String>,

    /// Print the whole as a page in Markdown
    #[arg(long, conflicts_with = "key")]
    markdown: bool,
}

impl SpecHelp {
    pub fn run(&self) -> Result<Ending, Failure> {
        let entries = reference();
        let text = match &self.key {
            Some(key) => about(&entries, key)?,
            None if self.markdown => page(&entries),
            None => whole(&entries),
        };
        print(&text)?;
        Ok(Ending::Done)
    }
}

/// Takes any text, and lets shells complete the keys.
#[derive(Clone)]
struct Keys;

impl TypedValueParser for Keys {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        Some(Box::new(reference().into_iter().map(|entry| PossibleValue::new(entry.path))))
    }
}

/// A table of a spec with its keys.
pub struct Section<'e> {
    /// Dotted; empty for what stands outside of all tables.
    pub table: &'e str,
    pub about: &'e str,
    /// Tables of which one is chosen, this one among them.
    pub one_of: &'e [String],
    pub keys: Vec<&'e Entry>,
}

/// The tables of a spec in the order in which they are read.
pub fn sections(entries: &[Entry]) -> Vec<Section<'_>> {
    let mut sections: Vec<Section> = Vec::new();
    for entry in entries {
        let table = if entry.is_table() { &entry.path } else { entry.table() };
        let place = sections.iter().position(|section| section.table == table).unwrap_or_else(|| {
            let about = if entry.is_table() { &entry.about } else { about_member(entries, table) };
            let one_of = if let Takes::OneTableOf(paths) = &entry.takes { paths.as_slice() } else { &[] };
            sections.push(Section { table, about, one_of, keys: Vec::new() });
            sections.len() - 1
        });
        if !entry.is_table() {
            sections[place].keys.push(entry);
        }
    }
    sections
}

/// What a table is that a key chooses instead of a word, or that stands in the place of a number.
fn about_member<'e>(entries: &'e [Entry], table: &str) -> &'e str {
    if let Some(number) = entries.iter().find(|entry| entry.path == table) {
        return &number.about;
    }
    let Some((key, name)) = table.rsplit_once('.') else { return "" };
    let members = entries.iter().filter(|entry| entry.path == key).filter_map(|entry| match &entry.takes {
        Takes::Member(members, _) => Some(members),
        _ => None,
    });
    members.flatten().find(|member| member.name == name).map_or("", |member| &member.about)
}

/// What a key takes, whether it must be given and, if not, what it is then: a sentence.
pub fn takes(entry: &Entry) -> String {
    let (what, unless) = match &entry.takes {
        Takes::Table | Takes::OneTableOf(_) => return "A table.".into(),
        Takes::Value(what, unless) => (what.clone(), unless),
        Takes::Member(_, unless) => ("one of these".into(), unless),
    };
    let what = what[..1].to_uppercase() + &what[1..];
    let unless = match unless {
        Unless::Default(toml) => format!("default `{toml}`"),
        Unless::Unset => "optional".into(),
        Unless::Refused(example) => format!("required, such as `{example}`"),
    };
    let rule = filled_in().into_iter().find(|(key, _)| *key == entry.path).map(|(_, value)| match value {
        Some(toml::Value::Integer(integer)) => format!(" Without `[method]`: `{}`.", grouped(integer)),
        Some(toml::Value::Float(float)) => format!(" Without `[method]`: `{float}`."),
        Some(value) => format!(" Without `[method]`: `{value}`."),
        None => " Without `[method]`: by the sizes of the network.".into(),
    });
    format!("{what}; {unless}.{}", rule.unwrap_or_default())
}

/// A member of a closed set as a spec has it.
pub fn written(Member { name, is_table, .. }: &Member) -> String {
    if *is_table { format!("{{ {name} = {{ .. }} }}") } else { format!("{name:?}") }
}

pub fn members(entry: &Entry) -> &[Member] {
    if let Takes::Member(members, _) = &entry.takes { members } else { &[] }
}

fn whole(entries: &[Entry]) -> String {
    const BEGINNING: &str =
        "The keys of a spec, table by table. On the command line a key is dotted: --set method.apd.rank=3.";
    let sections: Vec<String> = sections(entries).iter().map(|section| section_text(section)).collect();
    format!("{}\n\n{}", wrapped(BEGINNING, WIDTH), sections.join("\n"))
}

fn section_text(section: &Section) -> String {
    let mut text =
        if section.table.is_empty() { "Outside of all tables\n".into() } else { format!("[{}]\n", section.table) };
    if !section.about.is_empty() {
        text += &format!("{}\n", wrapped(section.about, WIDTH));
    }
    let others: Vec<String> =
        section.one_of.iter().filter(|path| *path != section.table).map(|path| format!("[{path}]")).collect();
    if !others.is_empty() {
        text += &format!("{}\n", wrapped(&format!("In its place: {}.", others.join(", ")), WIDTH));
    }
    for key in &section.keys {
        text += &format!("\n{}", key_text(key));
    }
    text
}

fn key_text(entry: &Entry) -> String {
    let room = WIDTH - NAMES;
    let mut lines = vec![wrapped(&entry.about, room), wrapped(&takes(entry), room)];
    lines.extend(members(entry).iter().map(|member| {
        let text = format!("{}: {}", written(member), member.about);
        format!("  {}", wrapped(&text, room - 4).replace('\n', "\n    "))
    }));
    let text = lines.join("\n").replace('\n', &format!("\n{:NAMES$}", ""));
    format!("  {:width$}{text}\n", entry.name(), width = NAMES - 2)
}

/// Of one key all there is to say, of a table its keys.
fn about(entries: &[Entry], key: &str) -> Result<String, Failure> {
    let key = key.trim_matches(['[', ']']);
    let is_below = |path: &str, table: &str| path.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
    let named: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).filter(|path| *path == key).collect();
    let named = match named.is_empty() {
        true => entries.iter().map(|entry| entry.path.as_str()).filter(|path| is_end(path, key)).collect(),
        false => named,
    };
    if named.is_empty() {
        return Err(unknown(entries, key));
    }
    let meant = |entry: &&Entry| named.iter().any(|path| entry.path == *path || is_below(&entry.path, path));
    let meant: Vec<Entry> = entries.iter().filter(meant).cloned().collect();
    let mut texts: Vec<String> = sections(&meant).iter().map(section_text).collect();
    if let [entry] = meant.as_slice()
        && let Takes::Value(_, Unless::Default(toml) | Unless::Refused(toml))
        | Takes::Member(_, Unless::Default(toml) | Unless::Refused(toml)) = &entry.takes
    {
        // Text needs no quotes there.
        let setting = shell::quoted(format!("{}={}", entry.path, toml.trim_matches('"')));
        let line = format!("  {:width$}--set {setting}\n", "Given as", width = NAMES - 2);
        let is_too_long = line.trim_end().chars().count() > 80;
        texts.push(if is_too_long { format!("  Given as\n  --set {setting}\n") } else { line });
    }
    Ok(texts.join("\n"))
}

/// Whether `path` ends with `key`, at a dot.
fn is_end(path: &str, key: &str) -> bool {
    path.strip_suffix(key).is_some_and(|before| before.ends_with('.'))
}

fn unknown(entries: &[Entry], key: &str) -> Failure {
    let paths = || entries.iter().map(|entry| entry.path.as_str());
    let names = || entries.iter().map(Entry::name);
    let near = nearest(key, paths()).or_else(|| nearest(key, names()));
    let meant: Vec<String> = paths()
        .filter(|path| near.is_some_and(|near| *path == near || is_end(path, near)))
        .map(|path| format!("`{path}`"))
        .collect();
    let help = match meant.is_empty() {
        true => "`apd help spec` tells all there are".into(),
        false => format!("did you mean {}?", meant.join(" or ")),
    };
    Failure::Use(format!("a spec has no key {}\n  help: {help}", quoted(key, '`')))
}
