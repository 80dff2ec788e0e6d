//! What kind of thing a folder is, as far as the names of its files tell.

use std::{fs, io::ErrorKind, path::Path};

use super::{RunError, RunFolder, SweepFolder, is_file, look_at};

/// The folder of trained targets in a results folder.
const TARGETS: &str = "targets";

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderKind {
    Run,
    Sweep,
    /// One trained target.
    Target,
    /// All trained targets of a results folder.
    Targets,
    /// Nothing that apd makes, or a results folder.
    Other,
}

impl FolderKind {
    /// The kind of the existing `folder`.
    ///
    /// # Errors
    /// If the folder may not be looked into: it may be of any kind then.
    pub fn of(folder: &Path) -> Result<FolderKind, RunError> {
        // That a link leads to nothing is told here: below it is nothing to be refused.
        look_at(folder)?;
        // In a folder that may not be entered it is not the missing of one file that counts.
        if let Err(error) = fs::metadata(folder.join("."))
            && error.kind() == ErrorKind::PermissionDenied
        {
            return Err(RunError::read(folder, &error));
        }
        // A target has a spec.toml too: its section of a spec.
        let place = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let is_named = |path: Option<&Path>| path.is_some_and(|path| path.ends_with(TARGETS));
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        if name.contains("-seed-") && is_named(place.parent()) {
            return Ok(FolderKind::Target);
        }
        Ok(match () {
            () if is_file(&RunFolder::at(folder).spec())? => FolderKind::Run,
            () if is_file(&SweepFolder::at(folder).sweep())? => FolderKind::Sweep,
            () if is_named(Some(&place)) => FolderKind::Targets,
            () => FolderKind::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_known_by_their_files() {
        let results = tempfile::tempdir().unwrap();
        let with = |file: &str| {
            let path = results.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        let files = ["run/spec.toml", "sweep/sweep.toml", "targets/0a-seed-0/spec.toml", "notes/a.txt"];
        files.into_iter().for_each(with);
        let kinds = ["run", "sweep", "targets/0a-seed-0", "targets", "notes", ""]
            .map(|name| FolderKind::of(&results.path().join(name)).unwrap());
        use FolderKind::{Other, Run, Sweep, Target, Targets};
        assert_eq!(kinds, [Run, Sweep, Target, Targets, Other, Other]);
    }
}
