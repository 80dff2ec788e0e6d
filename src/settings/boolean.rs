//! Keys of a spec that are true or false.

use super::{reader::TableReader, reference::Unless, tree::Value};

impl TableReader<'_> {
    /// The truth value at `key`; `default` if the spec does not give it.
    pub fn boolean_or(&mut self, key: &'static str, default: bool) -> bool {
        const TAKES: &str = "true or false";
        let Some(node) = self.written(key, TAKES, Unless::Default(default.to_string())) else { return default };
        let Value::Boolean(value) = node.value else {
            self.refuse(key, node, format!("`{key}` must be {TAKES}"));
            return default;
        };
        value
    }
}
