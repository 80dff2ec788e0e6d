//! Folders that stand beside each other: `name`, `name-2`, `name-3`... `--force` begins the next and deletes nothing;
//! without it the newest is meant.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    RunError,
    atomic::{folder_error, make_new_folder},
    is_folder,
    presence::is_absence,
};

/// Which of the folders of one name is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Newest,
    Next,
}

/// The folder that a run of this name would use, whether it exists or not. Makes nothing.
pub fn locate(parent: &Path, name: &str, anew: bool) -> Result<PathBuf, RunError> {
    let which = if anew { Which::Next } else { Which::Newest };
    Ok(parent.join(numbered(name, number(parent, name, which)?)))
}

/// The same, made if it does not exist. Two processes that both begin anew get different folders.
pub fn open(parent: &Path, name: &str, anew: bool) -> Result<PathBuf, RunError> {
    super::atomic::make_results(parent)?;
    loop {
        let path = locate(parent, name, anew)?;
        if make_new_folder(&path)? || (!anew && is_folder(&path)?) {
            return Ok(path);
        }
        if !is_folder(&path)? {
            return Err(folder_error(&path, &io::ErrorKind::AlreadyExists.into()));
        }
    }
}

/// Refuses a name that would lead out of the results folder.
pub fn check_name(name: &str) -> Result<(), RunError> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(plain) {
        return Ok(());
    }
    Err(RunError::new(
        format!("{name:?} cannot be the name of a folder"),
        "use up to 100 letters, digits, dots, dashes and underscores, and no dot at the beginning",
    ))
}

fn numbered(name: &str, number: u64) -> String {
    if number == 1 { name.into() } else { format!("{name}-{number}") }
}

fn number(parent: &Path, name: &str, which: Which) -> Result<u64, RunError> {
    let unreadable = |error: io::Error| RunError::read(parent, &error);
    let entries = match fs::read_dir(parent) {
        Ok(entries) => Some(entries),
        Err(error) if is_absence(error.kind()) => None,
        Err(error) => return Err(unreadable(error)),
    };
    let mut newest = None;
    for entry in entries.into_iter().flatten() {
        newest = newest.max(number_of(&entry.map_err(unreadable)?.file_name(), name));
    }
    Ok(match (newest, which) {
        (None, _) => 1,
        (Some(newest), Which::Newest) => newest,
        (Some(newest), Which::Next) => newest + 1,
    })
}

/// The number of a folder of this name; `None`: it has another one.
fn number_of(folder: &OsStr, name: &str) -> Option<u64> {
    let rest = folder.to_str()?.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(1);
    }
    let number: u64 = rest.strip_prefix('-')?.parse().ok()?;
    (number > 1 && numbered(name, number) == format!("{name}{rest}")).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn force_begins_the_next_folder_and_afterwards_the_newest_is_meant() {
        let parent = tempfile::tempdir().unwrap();
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_string();
        let open = |anew| name(open(parent.path(), "tms-0a", anew).unwrap());
        assert_eq!(open(false), "tms-0a");
        assert_eq!(open(false), "tms-0a");
        assert_eq!(open(true), "tms-0a-2");
        assert_eq!(open(true), "tms-0a-3");
        fs::remove_dir(parent.path().join("tms-0a-2")).unwrap();
        assert_eq!(open(false), "tms-0a-3");
        assert_eq!(open(true), "tms-0a-4");
    }

    #[test]
    fn other_names_do_not_count() {
        let parent = tempfile::tempdir().unwrap();
        for other in ["tms-0ab", "tms-0a-x", "tms-0a-02", "tms-0a-1", "tms-0a-2-2"] {
            fs::create_dir(parent.path().join(other)).unwrap();
        }
        assert_eq!(locate(parent.path(), "tms-0a", false).unwrap(), parent.path().join("tms-0a"));
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_told() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("tms-0a");
        fs::write(&path, "").unwrap();
        let error = open(parent.path(), "tms-0a", false).unwrap_err();
        assert_eq!(error.what(), format!("cannot make the folder {0}: {0} is a file", path.display()));
    }

    #[test]
    fn names_stay_inside_the_results_folder() {
        for bad in ["", "..", "../x", "a/b", "/etc", ".hidden", "a\0b", "a\nb"] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        check_name("tms_5-2.v1").unwrap();
    }
}
