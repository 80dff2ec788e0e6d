//! Looking whether something is there. Being refused a look is no answer: taken for absence, a trained target would be trained
//! once more, and a run would be left out of a list as if there were none.

use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    path::Path,
};

use super::RunError;

/// What the system says of the file or folder at `path`; `Ok(None)`: there is none.
///
/// # Errors
/// If the system does not say, as where a folder above it may not be searched, and for a link to what is not there: it may
/// be on a disk that is missing at this moment.
pub fn look_at(path: &Path) -> Result<Option<Metadata>, RunError> {
    match fs::metadata(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if is_absence(error.kind()) => match fs::read_link(path) {
            Ok(target) => Err(RunError::new(
                format!("cannot read {}: it is a link to {}, which is not there", path.display(), target.display()),
                "bring back what it points to, or remove the link",
            )),
            Err(_) => Ok(None),
        },
        Err(error) => Err(RunError::read(path, &error)),
    }
}

/// Whether there is a file or folder at `path`.
pub fn exists(path: &Path) -> Result<bool, RunError> {
    Ok(look_at(path)?.is_some())
}

/// Whether there is a file at `path`, and no folder.
pub fn is_file(path: &Path) -> Result<bool, RunError> {
    Ok(look_at(path)?.is_some_and(|about| about.is_file()))
}

/// Whether there is a folder at `path`.
pub fn is_folder(path: &Path) -> Result<bool, RunError> {
    Ok(look_at(path)?.is_some_and(|about| about.is_dir()))
}

/// Whether an error says that nothing is there: of this name, or because a file is in the place of a folder above it.
pub(super) fn is_absence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn absence_and_a_link_to_nowhere_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(is_file(&file).unwrap() && !is_folder(&file).unwrap() && is_folder(folder.path()).unwrap());
        assert!(!exists(&folder.path().join("none")).unwrap());
        assert!(!exists(&file.join("below a file")).unwrap());
        let link = folder.path().join("link");
        symlink("gone", &link).unwrap();
        assert_eq!(
            exists(&link).unwrap_err().what(),
            format!("cannot read {}: it is a link to gone, which is not there", link.display())
        );
    }

    /// As where a folder above may not be searched, which does not hold for root.
    #[test]
    fn a_look_that_fails_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        symlink(&other, &one).unwrap();
        symlink(&one, &other).unwrap();
        assert!(exists(&one.join("spec.toml")).unwrap_err().what().contains("symbolic links"));
    }
}
