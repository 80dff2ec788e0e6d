//! What a spec lacks, shown as TOML that its user can copy.

/// A key without a default that the spec does not give, or a table that has none.
#[derive(Clone, Debug)]
pub struct Missing {
    table: String,
    /// The key and an example of its value.
    key: Option<(String, String)>,
    /// The other names that could stand in the place of one of this path's tables.
    note: Option<String>,
}

impl Missing {
    pub fn key(table: &str, key: &str, example: &str) -> Self {
        Self { table: table.to_string(), key: Some((key.to_string(), example.to_string())), note: None }
    }

    pub fn table(table: String) -> Self {
        Self { table, key: None, note: None }
    }

    /// The table of this path is one of several that the table `parent` can choose from.
    pub fn note_choice(&mut self, parent: &str, names: &[&str]) {
        if names.len() > 1 {
            let tables: Vec<String> = names.iter().map(|name| format!("[{}]", joined(parent, name))).collect();
            self.note = Some(format!("# one of {}", tables.join(", ")));
        }
    }

    pub fn path(&self) -> String {
        self.key.as_ref().map_or_else(|| self.table.clone(), |(key, _)| joined(&self.table, key))
    }

    /// Whether `path` is this path or one above or below it.
    pub fn concerns(&self, path: &str) -> bool {
        related(path, &self.path())
    }
}

/// The names of what is missing, as seen from the table `here`, and the TOML to add.
pub fn skeleton(here: &str, missing: &[Missing]) -> (String, String) {
    let mut missing: Vec<&Missing> = missing.iter().collect();
    missing.sort_by_key(|missing| missing.table != here);
    let seen_from_here = |path: String| path.strip_prefix(&format!("{here}.")).map(str::to_string).unwrap_or(path);
    let mut names: Vec<String> =
        missing.iter().map(|missing| format!("`{}`", seen_from_here(missing.path()))).collect();
    let mut lines = Vec::new();
    let mut table = here;
    for missing in missing {
        if missing.table != table {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(missing.note.clone());
            lines.push(format!("[{}]", missing.table));
            table = &missing.table;
        }
        lines.extend(missing.key.as_ref().map(|(key, example)| format!("{key} = {example}")));
    }
    const NAMED: usize = 4;
    if names.len() > NAMED {
        let more = names.len() - (NAMED - 1);
        names.truncate(NAMED - 1);
        names.push(format!("{more} more keys"));
    }
    let last = names.pop().expect("something is missing");
    let listed = if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) };
    (listed, lines.join("\n"))
}

/// Whether two dotted paths are the same or one leads to the other.
pub fn related(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn joined(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_string() } else { format!("{table}.{key}") }
}
