//! What a panic says: a bug of ours, or a machine without enough memory.

use std::any::Any;

/// The text of a panic.
pub fn message(payload: &(dyn Any + Send)) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message").trim_end()
}

/// Libtorch says so by an exception, which reaches us as a panic.
pub fn is_lack_of_memory(message: &str) -> bool {
    ["out of memory", "can't allocate memory", "not enough memory"].iter().any(|sign| message.contains(sign))
}
