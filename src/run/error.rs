//! What goes wrong with files and folders: what happened, where, and what to do next.

use std::{
    fmt,
    io::{self, ErrorKind},
    path::Path,
};

use crate::visible::visible_lines;

/// A file or folder that could not be used. Shown as one line that says what happened, and one that says what to do; names
/// and texts from the file in it are harmless for a terminal.
#[derive(Debug)]
pub struct RunError {
    what: String,
    help: String,
    damaged: bool,
    forbidden: bool,
    missing: bool,
}

impl RunError {
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        let (what, help) = (visible_lines(&what.into()), visible_lines(&help.into()));
        Self { what, help, damaged: false, forbidden: false, missing: false }
    }

    /// `path` could not be written.
    pub fn write(path: &Path, error: &io::Error) -> Self {
        let forbidden = matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem);
        let what = format!("cannot write {}: {}", path.display(), reason(error));
        Self { forbidden, ..Self::new(what, help_for_writing(error)) }
    }

    /// `path` could not be read, though it may well be sound.
    pub fn read(path: &Path, error: &io::Error) -> Self {
        let help = match error.kind() {
            ErrorKind::NotFound => "check the path; a run folder that lacks files belongs to an unfinished run",
            ErrorKind::PermissionDenied => "ask its owner for permission to read it",
            _ => "check the disk or the network file system, then give the same command again",
        };
        let what = format!("cannot read {}: {}", path.display(), reason(error));
        Self { missing: error.kind() == ErrorKind::NotFound, ..Self::new(what, help) }
    }

    /// `path` was read, but does not hold what was written to it.
    pub fn damaged(path: &Path, why: impl fmt::Display) -> Self {
        let what = format!("{} is damaged: {why}", path.display());
        Self { damaged: true, ..Self::new(what, "put the file back from a copy, or make it again with --force") }
    }

    /// Whether the file could be read but does not hold what was written to it.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Whether there is no such file, as of what has not begun.
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// The same mistake with better advice.
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: visible_lines(&help.into()), ..self }
    }

    /// The same mistake with better advice if it is one of permissions.
    pub fn with_help_if_forbidden(self, help: &str) -> Self {
        if self.forbidden { self.with_help(help) } else { self }
    }

    /// What is wrong with `path`, without its name and without the advice.
    pub fn why(&self, path: &Path) -> &str {
        let after = self.what.split_once(&path.display().to_string()).map_or(self.what(), |(_, after)| after);
        after.split_once(": ").map_or(after, |(_, why)| why)
    }

    /// What happened, without the advice.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do.
    pub fn help(&self) -> &str {
        &self.help
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n  help: {}", self.what, self.help)
    }
}

impl std::error::Error for RunError {}

/// The system's words without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

fn help_for_writing(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room on the disk, then give the same command again: it goes on from the last checkpoint"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "give yourself permission to write there, or choose another folder with --results"
        }
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            "move it out of the way, or choose another folder with --results"
        }
        ErrorKind::NotFound => "was the folder removed while the run was going? give the same command again",
        _ => "check the disk or the network file system, then give the same command again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_without_the_path_too() {
        let path = Path::new("runs/a: b/summary.csv");
        let missing = RunError::read(path, &io::Error::from_raw_os_error(2));
        assert_eq!(missing.why(path), "No such file or directory");
        assert_eq!(RunError::damaged(path, "line 3: no number").why(path), "line 3: no number");
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let error = RunError::write(Path::new("runs/a/training.csv"), &io::Error::from_raw_os_error(28));
        assert_eq!(
            error.to_string(),
            "cannot write runs/a/training.csv: No space left on device\n  help: make room on the disk, then give the \
             same command again: it goes on from the last checkpoint"
        );
    }
}
