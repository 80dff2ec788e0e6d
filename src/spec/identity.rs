//! What a spec says about itself: the version of its format, its name, its seeds.

use crate::settings::{Node, Problem, TableReader, Unless, Value, grouped, unseen};

/// The only format so far; a spec that names none means this one.
pub const FORMAT: u64 = 1;

/// More replicas than any machine trains side by side, few enough that no size overflows.
const MAX_SEEDS: usize = 1_000;

/// TOML's integers end here.
pub const LARGEST_SEED: u64 = i64::MAX as u64;

/// Hexadecimal digits of a SHA-256.
const DIGEST_LENGTH: usize = 64;

const LONGEST_NAME: usize = 64;

pub fn format(table: &mut TableReader) -> u64 {
    table.number("format").at_least(FORMAT).at_most(FORMAT).or(FORMAT)
}

/// The name begins a folder's name, so it holds nothing that a path could trip over.
pub fn name(table: &mut TableReader, file_stem: &str) -> String {
    let takes = format!("1 to {LONGEST_NAME} letters, digits, `.`, `_` or `-` and not begin with `.` or `-`");
    let rule = format!("`name` must be {takes}");
    let Some(node) = table.written("name", takes.replace("begin", "beginning"), Unless::Unset) else {
        if !is_name(file_stem) {
            let problem = Problem::new("this spec needs a `name`, because its file's name cannot be one");
            let problem = problem.helped(rule).helped("add: name = \"my_experiment\"");
            let unseen = file_stem.chars().find_map(unseen::in_words);
            let told = unseen.map(|words| format!("a character of the file's name is {words}"));
            table.report("name", told.into_iter().fold(problem, Problem::helped));
        }
        return file_stem.to_string();
    };
    match node.text() {
        Some(name) if is_name(name) => return name.to_string(),
        _ => table.refuse_text("name", node, rule),
    }
    String::new()
}

fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(inner) && !name.starts_with(['.', '-'])
}

/// `seeds = 3` means 0, 1, 2. One seed unless the spec says more: enough to look, not to claim.
pub fn seeds(table: &mut TableReader) -> Vec<u64> {
    seeds_unless(table, Unless::Default("1".into())).unwrap_or_else(|| vec![0])
}

/// `None` if the table does not give any.
pub fn optional_seeds(table: &mut TableReader) -> Option<Vec<u64>> {
    seeds_unless(table, Unless::Unset)
}

fn seeds_unless(table: &mut TableReader, unless: Unless) -> Option<Vec<u64>> {
    let node = table.written("seeds", seeds_in_words(), unless)?;
    Some(read_seeds(table, node))
}

fn seeds_in_words() -> String {
    format!("their number, from 1 to {}, or a list of them", grouped(MAX_SEEDS))
}

fn read_seeds(table: &mut TableReader, node: &Node) -> Vec<u64> {
    let count_allowed = 1..=MAX_SEEDS as i128;
    match &node.value {
        Value::Integer(count) if count_allowed.contains(count) => return (0..*count as u64).collect(),
        Value::Array(list) if count_allowed.contains(&(list.len() as i128)) => return listed_seeds(table, list),
        Value::Array(list) => {
            let problem = Problem::new(format!("`seeds` must list 1 to {} seeds", grouped(MAX_SEEDS)));
            let label = format!("these are {}", grouped(list.len()));
            table.report("seeds", problem.at(node.origin.clone()).labelled(label));
        }
        _ => {
            table.refuse("seeds", node, format!("`seeds` must be {}", seeds_in_words()));
        }
    }
    vec![0]
}

fn listed_seeds(table: &mut TableReader, list: &[Node]) -> Vec<u64> {
    let mut seeds = Vec::new();
    for node in list {
        match node.value {
            Value::Integer(seed) if (0..=LARGEST_SEED as i128).contains(&seed) => {
                let seed = seed as u64;
                if seeds.contains(&seed) {
                    let problem = Problem::new("every seed must be listed once").at(node.origin.clone());
                    table.report("seeds", problem.labelled(format!("{seed} is there already")));
                }
                seeds.push(seed);
            }
            _ => {
                let title = format!("a seed must be an integer from 0 to {}", grouped(LARGEST_SEED));
                table.refuse("seeds", node, title);
            }
        }
    }
    seeds
}

/// The SHA-256 of a file that something was imported from, if it was.
pub fn digest(table: &mut TableReader, key: &'static str) -> Option<String> {
    const TAKES: &str = "the SHA-256 of a file, as `apd import` writes it";
    let node = table.written(key, TAKES, Unless::Unset)?;
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match node.text() {
        Some(digest) if digest.len() == DIGEST_LENGTH && digest.chars().all(is_digit) => Some(digest.to_string()),
        _ => {
            table.refuse_text(key, node, format!("`{key}` must be {TAKES}"));
            None
        }
    }
}
