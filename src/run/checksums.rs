//! Whether a run's files still hold what was written to them. `provenance.json` keeps a SHA-256 of every table and of the
//! spec, and one of its own text; files of tensors carry theirs in themselves.

use std::{collections::BTreeMap, ffi::OsStr, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Lock, RunError,
    folder::{SPEC, is_of_training},
    is_file,
};

/// The first format of `provenance.json` that has checksums.
pub const FIRST_FORMAT: u64 = 2;
/// The key of the checksum of the text around it. It stands last.
const KEY: &str = "\"sha256\": \"";
/// In the place of that checksum while it is computed.
pub const PLACEHOLDER: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// File names with the checksums of what the files hold.
pub type Checksums = BTreeMap<String, String>;

/// SHA-256 in hexadecimal.
pub fn digest(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The checksums of those of the files that are in the folder.
pub fn of_files<'a>(folder: &Path, names: impl IntoIterator<Item = &'a str>) -> Result<Checksums, RunError> {
    let mut checksums = Checksums::new();
    for name in names {
        let path = folder.join(name);
        if is_file(&path)? {
            let content = fs::read(&path).map_err(|error| RunError::read(&path, &error))?;
            checksums.insert(name.to_owned(), digest(content));
        }
    }
    Ok(checksums)
}

/// What a table, or the spec, of a run or of a target holds. One that was changed since it was written, or is damaged, is an error; of
/// files that older versions wrote no checksum is known, and they are taken as they are.
pub fn read_checked(path: &Path) -> Result<Vec<u8>, RunError> {
    let content = fs::read(path).map_err(|error| RunError::read(path, &error))?;
    let Some((folder, name)) = path.parent().zip(path.file_name().and_then(|name| name.to_str())) else {
        return Ok(content);
    };
    match known(folder) {
        Some(Known { files, .. }) if files.get(name).is_some_and(|checksum| *checksum != digest(&content)) => {
            Err(changed(path, folder))
        }
        Some(Known { status, files }) if status == "finished" && !files.contains_key(name) => Err(added(path)),
        _ => Ok(content),
    }
}

/// What a `provenance.json` says about the files beside it, as far as it matters here.
#[derive(Deserialize)]
struct Known {
    status: String,
    files: Checksums,
}

/// `None`: nothing is known of the files in this folder. What is wrong with `provenance.json` itself is told by who reads it.
fn known(folder: &Path) -> Option<Known> {
    serde_json::from_str(&read_sealed(&folder.join("provenance.json")).ok()?).ok()
}

fn changed(path: &Path, folder: &Path) -> RunError {
    let why = "its content does not match its checksum in provenance.json";
    let error = RunError::damaged(path, format!("{why}, or was changed by hand"));
    let is_kept = |name: &OsStr| name == SPEC || name.to_str().is_some_and(is_of_training);
    let is_measured = !path.file_name().is_some_and(is_kept);
    match () {
        () if Lock::is_held(folder) => {
            error.with_help("a process works in the folder: wait for its end, then give the same command again")
        }
        () if is_measured => {
            error.with_help("put the file back from a copy, or measure the run once more with `apd evaluate`")
        }
        () => error,
    }
}

fn added(path: &Path) -> RunError {
    let error = RunError::damaged(path, "the finished run did not write it: it is not in provenance.json");
    error.with_help("move the file away, or measure the run once more with `apd evaluate`")
}

/// The text with its checksum in the place of the placeholder.
pub fn seal(text: &str) -> String {
    let (before, after) = text.rsplit_once(PLACEHOLDER).expect("a text to be sealed has a placeholder");
    format!("{before}{}{after}", digest(text))
}

/// The text of the file, which must match its own checksum if it is of a format that has one.
pub fn read_sealed(path: &Path) -> Result<String, RunError> {
    let damaged = |why: &str| RunError::damaged(path, why);
    let bytes = fs::read(path).map_err(|error| RunError::read(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8 text"))?;
    let found = text.rfind(KEY).map(|place| place + KEY.len());
    match found.and_then(|start| text.get(start..start + PLACEHOLDER.len()).map(|checksum| (start, checksum))) {
        Some((start, checksum)) => {
            let end = start + checksum.len();
            match digest(format!("{}{PLACEHOLDER}{}", &text[..start], &text[end..])) == checksum {
                true => Ok(text),
                false => Err(damaged("its content does not match its checksum")),
            }
        }
        None => {
            let value: Value = serde_json::from_str(&text).map_err(|error| damaged(&error.to_string()))?;
            match value.get("format").is_none_or(|format| format.as_u64().is_some_and(|format| format < FIRST_FORMAT)) {
                true => Ok(text),
                false => Err(damaged("it has no checksum")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(provenance: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("provenance.json"), provenance).unwrap();
        fs::write(folder.path().join("a.csv"), "x\n1\n").unwrap();
        folder
    }

    fn sealed(status: &str, files: &str) -> String {
        seal(&format!(
            "{{\"format\": 2, \"status\": \"{status}\", \"files\": {{{files}}}, \"sha256\": \"{PLACEHOLDER}\"}}"
        ))
    }

    #[test]
    fn a_digest_is_what_other_programs_say() {
        // printf abc | sha256sum
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn any_other_byte_in_a_sealed_text_is_an_error() {
        let sound = sealed("finished", "");
        let folder = folder_with(&sound);
        let path = folder.path().join("provenance.json");
        assert_eq!(read_sealed(&path).unwrap(), sound);
        for position in 0..sound.len() {
            let mut bytes = sound.clone().into_bytes();
            bytes[position] ^= 1 << (position % 7);
            fs::write(&path, &bytes).unwrap();
            assert!(read_sealed(&path).unwrap_err().is_damaged(), "byte {position}");
            fs::write(&path, &sound[..position]).unwrap();
            assert!(read_sealed(&path).unwrap_err().is_damaged(), "cut to {position} bytes");
        }
    }

    #[test]
    fn a_file_is_read_if_it_is_as_it_was_written_or_nothing_is_known_of_it() {
        let checksum = format!("\"a.csv\": \"{}\"", digest("x\n1\n"));
        let sound = [sealed("finished", &checksum), sealed("running", ""), "{\"format\": 1}".into(), "{}".into()];
        for provenance in sound {
            let folder = folder_with(&provenance);
            assert_eq!(read_checked(&folder.path().join("a.csv")).unwrap(), b"x\n1\n", "{provenance}");
        }
    }

    #[test]
    fn a_file_that_was_changed_and_one_that_was_added_are_told() {
        let checksum = format!("\"a.csv\": \"{}\"", digest("x\n1\n"));
        let folder = folder_with(&sealed("finished", &checksum));
        let path = folder.path().join("a.csv");
        fs::write(&path, "x\n2\n").unwrap();
        let shown = path.display();
        assert_eq!(
            read_checked(&path).unwrap_err().to_string(),
            format!(
                "{shown} is damaged: its content does not match its checksum in provenance.json, or was changed by hand\n  \
                 help: put the file back from a copy, or measure the run once more with `apd evaluate`"
            )
        );
        let lock = Lock::take(folder.path()).unwrap();
        assert!(read_checked(&path).unwrap_err().to_string().contains("a process works in the folder"));
        drop(lock);
        let path = folder.path().join("b.csv");
        fs::write(&path, "").unwrap();
        assert_eq!(
            read_checked(&path).unwrap_err().to_string(),
            format!(
                "{} is damaged: the finished run did not write it: it is not in provenance.json\n  help: move the file away, \
                 or measure the run once more with `apd evaluate`",
                path.display()
            )
        );
    }
}
