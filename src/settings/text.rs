//! Texts of a spec that go on to another program.

use super::{
    reader::TableReader,
    reference::Unless,
    tree::{Node, Value},
    unseen::is_unseen,
};

impl TableReader<'_> {
    /// The word at `key`, which a command line takes as it is; `None` if the spec does not give it.
    pub fn word(&mut self, key: &'static str) -> Option<String> {
        const TAKES: &str = "text of letters, digits, `.`, `_`, `,`, `:` and `-`";
        let node = self.written(key, TAKES, Unless::Unset)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._,:-".contains(c);
        match node.text() {
            Some(word) if !word.is_empty() && word.chars().all(is_plain) => Some(word.to_string()),
            _ => {
                self.refuse_text(key, node, format!("`{key}` must be {TAKES}"));
                None
            }
        }
    }

    /// The list of lines at `key`; none if the spec does not give it.
    pub fn lines(&mut self, key: &'static str) -> Vec<String> {
        const TAKES: &str = "a list of texts, each one line";
        let Some(node) = self.written(key, TAKES, Unless::Default("[]".into())) else { return Vec::new() };
        let line = |node: &Node| match &node.value {
            Value::String(line) if !line.contains(|c: char| c.is_control() || is_unseen(c)) => Some(line.clone()),
            _ => None,
        };
        let lines = match &node.value {
            Value::Array(nodes) => nodes.iter().map(line).collect(),
            _ => None,
        };
        lines.unwrap_or_else(|| {
            self.refuse(key, node, format!("`{key}` must be {TAKES}"));
            Vec::new()
        })
    }
}
