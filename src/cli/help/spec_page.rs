//! The reference of a spec as a page in Markdown, docs/spec.md.

use super::spec::{Section, members, sections, takes, written};
use crate::settings::Entry;

const BEGINNING: &str = "\
# The keys of a spec

Made by `apd help spec --markdown > docs/spec.md` from what reads a spec; a test compares the two. `apd help spec KEY` tells of
one key. On the command line a key is dotted, as in `--set method.apd.rank=3`.
";

pub fn page(entries: &[Entry]) -> String {
    let sections: Vec<String> = sections(entries).iter().map(section_text).collect();
    format!("{BEGINNING}\n{}", sections.join("\n"))
}

fn section_text(section: &Section) -> String {
    let mut text = match section.table {
        "" => "## Outside of all tables\n".into(),
        table => format!("## `[{table}]`\n"),
    };
    if !section.about.is_empty() {
        text += &format!("\n{}\n", section.about);
    }
    let others = section.one_of.iter().filter(|path| *path != section.table);
    let others: Vec<String> = others.map(|path| format!("`[{path}]`")).collect();
    if !others.is_empty() {
        text += &format!("\nIn its place: {}.\n", others.join(", "));
    }
    if !section.keys.is_empty() {
        text += "\n| key | what it is | what it takes |\n|:--|:--|:--|\n";
    }
    for key in &section.keys {
        let members = members(key).iter().map(|member| format!("<br>`{}`: {}", written(member), member.about));
        let cells = [format!("`{}`", key.name()), key.about.clone() + &members.collect::<String>(), takes(key)];
        text += &format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text
}
