//! What a user sees of a bug of ours, or of a machine without enough memory: one clear message, not a stack.

use std::{
    any::Any,
    io::{self, Write},
    panic::{PanicHookInfo, set_hook},
    path::PathBuf,
};

use super::Ending;
use crate::{
    panicked::{is_lack_of_memory, message},
    run,
    visible::visible_lines,
};

/// The exit code of a bug of ours, as of every Rust program.
const BUG: u8 = 101;

/// Explains every panic from here on.
pub fn explain_panics() {
    set_hook(Box::new(explain));
}

/// The exit code of a command that panicked.
pub fn ending_of_panic(payload: &(dyn Any + Send)) -> u8 {
    if is_lack_of_memory(message(payload)) { Ending::Failed.code() } else { BUG }
}

fn explain(info: &PanicHookInfo<'_>) {
    let what = message(info.payload());
    let place = info.location().map_or(String::new(), |place| format!("{}:{}", place.file(), place.line()));
    // Not through the log, which may be what is broken.
    let _ = writeln!(io::stderr(), "{}", visible_lines(&text(what, &place, run::log::current())));
    tracing::debug!("panic at {place}: {what}\n{}", std::backtrace::Backtrace::force_capture());
}

fn text(what: &str, place: &str, log: Option<PathBuf>) -> String {
    if is_lack_of_memory(what) {
        return "error: not enough memory\n  help: use fewer seeds or a smaller batch (`apd check` estimates the memory), \
                or another --device"
            .into();
    }
    let log = log.map_or(String::new(), |path| format!(" and {}", path.display()));
    format!("error: this is a bug of apd ({place}): {what}\n  help: please report it with the command{log}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_told_as_ours_with_what_to_send() {
        let log = Some(PathBuf::from("runs/tms/log.txt"));
        assert_eq!(
            text("no such site", "src/site.rs:7", log),
            "error: this is a bug of apd (src/site.rs:7): no such site\n  help: please report it with the command and \
             runs/tms/log.txt"
        );
    }

    #[test]
    fn a_machine_without_memory_is_no_bug() {
        let what = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000000 bytes.";
        assert_eq!(
            text(what, "tch.rs:1", None),
            "error: not enough memory\n  help: use fewer seeds or a smaller batch (`apd check` estimates the memory), or \
             another --device"
        );
    }
}
