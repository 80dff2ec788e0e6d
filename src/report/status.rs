//! How a run stands: as it wrote itself, unless that cannot be true.

use std::{fmt, path::Path};

use serde_json::Value;

use crate::run::{Lock, RunFolder, Status, exists};

/// How a run of a list stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedStatus {
    /// As the run itself wrote it.
    Recorded(Status),
    /// As a version that knows more words wrote it.
    InWords(String),
    /// Nobody works in it any more: it was killed, and the same command goes on with it.
    Stopped,
    /// There is no provenance.
    Unknown,
    /// Its provenance is there and cannot be understood.
    Damaged,
    /// Its files may not be read.
    Unreadable,
}

impl ListedStatus {
    /// Of the run in `folder`, whose `provenance` is null if it cannot be read.
    pub fn of(provenance: &Value, folder: &Path) -> Self {
        match (recorded(provenance), provenance.get("status").and_then(Value::as_str)) {
            (Some(Status::Running), _) if !Lock::may_be_held(folder) => ListedStatus::Stopped,
            (Some(status), _) => ListedStatus::Recorded(status),
            (None, Some(words)) => ListedStatus::InWords(words.to_owned()),
            (None, None) if !exists(&RunFolder::at(folder).provenance()).unwrap_or(true) => ListedStatus::Unknown,
            (None, None) => ListedStatus::Damaged,
        }
    }
}

impl fmt::Display for ListedStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            ListedStatus::Recorded(status) => status.word(),
            ListedStatus::InWords(words) => words,
            ListedStatus::Stopped => "stopped",
            ListedStatus::Unknown => "unknown",
            ListedStatus::Damaged => "damaged",
            ListedStatus::Unreadable => "unreadable",
        })
    }
}

/// The status that a provenance tells; None if it tells none that is known here.
pub fn recorded(provenance: &Value) -> Option<Status> {
    serde_json::from_value(provenance.get("status")?.clone()).ok()
}
