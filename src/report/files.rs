//! The files of a run as they are on disk, if they are as they were written.

use std::{fs, io::Read, path::Path};

use serde_json::Value;

use crate::run::{RunError, check_tensors, read_checked, read_sealed};

/// What the file holds, or a sentence that says why it is not shown.
pub fn content(path: &Path) -> Result<Vec<u8>, String> {
    read_checked(path).map_err(|error| sentence(path, &error))
}

/// The same of a text.
pub fn text(path: &Path) -> Result<String, String> {
    let name = file_name(path);
    String::from_utf8(content(path)?).map_err(|_| format!("{name} could not be read: it is not UTF-8 text."))
}

/// The same of a file of tensors.
pub fn tensors(path: &Path) -> Result<Vec<u8>, String> {
    check_tensors(path).map_err(|error| sentence(path, &error))?;
    fs::read(path).map_err(|error| sentence(path, &RunError::read(path, &error)))
}

/// The same of `provenance.json`.
pub fn provenance(path: &Path) -> Result<Value, String> {
    let text = read_sealed(path).map_err(|error| match error.is_missing() {
        true => "provenance.json is missing, so how the run went is unknown.".to_owned(),
        false => sentence(path, &error),
    })?;
    serde_json::from_str(&text).map_err(|error| format!("provenance.json could not be read: {error}."))
}

fn sentence(path: &Path, error: &RunError) -> String {
    let name = file_name(path);
    match error.is_missing() {
        true => format!("{name} is missing."),
        false => format!("{name} could not be read: {}.", error.why(path)),
    }
}

/// Whether a file may be there and cannot be read, so that it is not known what it holds.
pub fn cannot_be_read(path: &Path) -> bool {
    match fs::File::open(path).and_then(|mut file| file.read(&mut [0])) {
        Ok(_) => false,
        Err(error) => !RunError::read(path, &error).is_missing(),
    }
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
