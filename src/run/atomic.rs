//! Files that appear whole or not at all: temporary name, flush to disk, rename, flush of the folder.

use std::{
    fs::{self, File},
    io::{self, BufWriter, ErrorKind, Write},
    path::Path,
};

use atomic_write_file::AtomicWriteFile;

use super::{RunError, presence::is_absence};

/// Writes the file at `path` with what `content` writes. Until that is safely on disk, the old file stays.
pub fn write_whole(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), RunError> {
    write_whole_then(path, content, || Ok(()))
}

/// As [`write_whole`]; `before_rename` runs when the new content is on disk and the old file is about to go.
pub(super) fn write_whole_then(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    before_rename: impl FnOnce() -> io::Result<()>,
) -> Result<(), RunError> {
    let write = || -> io::Result<()> {
        let mut file = AtomicWriteFile::open(path)?;
        let mut buffer = BufWriter::with_capacity(1 << 18, &mut file);
        content(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        file.sync_all()?;
        before_rename()?;
        file.commit()
    };
    write().map_err(|error| RunError::write(path, &error))
}

/// Makes a folder in the results folder, and those above it; says which file is in the way where one is. Neither the folder nor
/// the one that it lies in may be a link.
pub(super) fn make_folder(path: &Path) -> Result<(), RunError> {
    path.parent().map_or(Ok(()), refuse_link)?;
    refuse_link(path)?;
    fs::create_dir_all(path).map_err(|error| folder_error(path, &error))
}

/// Makes the results folder itself, which may be a link: its user has named it.
pub(super) fn make_results(path: &Path) -> Result<(), RunError> {
    fs::create_dir_all(path).map_err(|error| folder_error(path, &error))
}

/// Refuses a path that is a symbolic link: results that come from somebody else could lead a program that goes on with them
/// to any file of its user.
pub fn refuse_link(path: &Path) -> Result<(), RunError> {
    if !fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) {
        return Ok(());
    }
    Err(RunError::new(
        format!("{} is a link, and nothing is written through links in a results folder", path.display()),
        "put what it points to in its place",
    )
    .or_elsewhere())
}

/// Makes the results folder if there is none, and makes sure that files can be written there: better now than after
/// hours of work.
pub fn prepare_results(results: &Path) -> Result<(), RunError> {
    make_results(results)?;
    try_out(results).map_err(|error| RunError::write(results, &error))
}

/// Fails where making a folder, those above it, and files in it would, and leaves nothing. The folder may be there already.
pub fn check_folder(path: &Path) -> Result<(), RunError> {
    refuse_link(path)?;
    check_place(path)
}

/// Fails where [`prepare_results`] would, and makes nothing. The results folder may be a link.
pub fn check_results(results: &Path) -> Result<(), RunError> {
    check_place(results)
}

fn check_place(path: &Path) -> Result<(), RunError> {
    for ancestor in path.ancestors() {
        // What a relative path begins in.
        let ancestor = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        match fs::metadata(ancestor) {
            Ok(about) if about.is_dir() => {
                return try_out(ancestor).map_err(|error| RunError::write(path, &error));
            }
            Ok(_) => return Err(folder_error(path, &ErrorKind::NotADirectory.into())),
            // Not what a link to nowhere is, which is in the way.
            Err(_) if fs::symlink_metadata(ancestor).is_err_and(|error| is_absence(error.kind())) => {}
            Err(error) => return Err(folder_error(path, &error)),
        }
    }
    Err(RunError::write(path, &ErrorKind::NotFound.into()))
}

/// Writes a file in `folder` and removes it.
fn try_out(folder: &Path) -> io::Result<()> {
    let trial = folder.join(format!(".write-test-{}", std::process::id()));
    let written = File::create_new(&trial).and_then(|mut file| file.write_all(b"test"));
    match &written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => written,
        _ => written.and(fs::remove_file(&trial)),
    }
}

/// Makes one folder. `Ok(false)`: something of this name exists, which is no link.
pub(super) fn make_new_folder(path: &Path) -> Result<bool, RunError> {
    refuse_link(path)?;
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(folder_error(path, &error)),
    }
}

/// Why a folder could not be made.
pub fn folder_error(path: &Path, error: &io::Error) -> RunError {
    in_the_way(path).unwrap_or_else(|| RunError::write(path, error))
}

/// What stands where the folder at `path` or one above it is to be, and is no folder.
pub fn in_the_way(path: &Path) -> Option<RunError> {
    let existing = path.ancestors().find(|ancestor| fs::symlink_metadata(ancestor).is_ok())?;
    let refuse = |what: &str, help: &str| {
        let what = format!("cannot make the folder {}: {} is {what}", path.display(), existing.display());
        Some(RunError::new(what, help).or_elsewhere())
    };
    match fs::metadata(existing) {
        Ok(about) if about.is_dir() => None,
        Ok(about) if about.is_file() => refuse("a file", "move it out of the way"),
        Ok(_) => refuse("a device, a pipe or a socket", "move it out of the way"),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            refuse("a link that leads in a circle", "remove the link")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let to = fs::read_link(existing).unwrap_or_default();
            let help = "make the folder that it leads to, remove the link";
            refuse(&format!("a link to {}, which does not exist", to.display()), help)
        }
        Err(error) => Some(RunError::write(path, &error)),
    }
}

/// Removes what a killed process left half-written in `folder`, where the file system made it use a temporary name:
/// `.<name>.<random>` for one of the given names. Only for the holder of the folder's lock.
pub(super) fn sweep_temporary_files(folder: &Path, names: &[&str]) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(hidden) = name.to_str().and_then(|name| name.strip_prefix('.')) else { continue };
        let ours =
            |file: &&str| hidden.strip_prefix(*file).is_some_and(|rest| rest.len() == 7 && rest.starts_with('.'));
        if names.iter().any(ours) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write_whole(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"half of the n")?;
            Err(io::Error::from_raw_os_error(28))
        });
        assert!(failed.unwrap_err().to_string().contains("No space left on device"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn temporary_files_of_a_killed_process_are_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let names = [".a.csv.x7Yz2Q", ".a.csv.old", ".b.csv.x7Yz2Q", "a.csv"];
        names.iter().for_each(|name| fs::write(folder.path().join(name), "").unwrap());
        sweep_temporary_files(folder.path(), &["a.csv"]);
        let left = names.map(|name| folder.path().join(name).exists());
        assert_eq!(left, [false, true, true, true]);
    }

    #[test]
    fn what_is_no_folder_in_the_place_of_one_is_told_for_what_it_is() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(name);
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        std::os::unix::fs::symlink("/dev/null", at("null")).unwrap();
        for (name, what, help) in [
            (
                "dangling",
                "a link to nowhere, which does not exist",
                "make the folder that it leads to, remove the link",
            ),
            ("circle", "a link that leads in a circle", "remove the link"),
            ("null", "a device, a pipe or a socket", "move it out of the way"),
        ] {
            let error = make_results(&at(name).join("runs")).unwrap_err().to_string();
            let path = at(name);
            let expected = format!(
                "cannot make the folder {0}/runs: {0} is {what}\n  help: {help}, or choose another folder with --results",
                path.display()
            );
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs");
        fs::write(&file, "").unwrap();
        let error = make_folder(&file.join("tms/checkpoint")).unwrap_err();
        let (file, wanted) = (file.display(), file.join("tms/checkpoint"));
        assert_eq!(error.what(), format!("cannot make the folder {}: {file} is a file", wanted.display()));
    }
}
