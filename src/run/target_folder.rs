//! The folder of one trained target, shared by all runs that take it apart.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{
    Checkpoints, Lock, RunError, Unfinished,
    atomic::{check_folder, make_folder, sweep_temporary_files},
    folder::{claim, files, is_claimed, short},
    is_file, refuse_link,
};
use crate::{interrupt::Work, table::Row};

/// `RESULTS/targets/<first 8 of the target's hash>-seed-<seed>`: one replica, tensors without a replica axis.
///
/// A target is trained once: whoever comes second waits for the first, then finds it trained. Hold several locks only
/// in ascending order of the seeds, as here, so that two processes never wait for each other.
///
/// ```
/// # use apd::{interrupt::{Interrupt, Stage}, run::{TargetFolder, Unfinished, write_tensors}};
/// # let results = tempfile::tempdir().unwrap();
/// # let (hash, target_toml) = ("0123456789abcdef", "steps = 5\n");
/// # let work = Interrupt::never().of_work(Stage::Target, 0, 5, results.path());
/// let mut to_train = Vec::new();
/// for seed in [0, 1] {
///     let folder = TargetFolder::new(results.path(), hash, seed);
///     if !folder.is_trained()? {
///         let lock = folder.lock(target_toml, &work)?; // an error if interrupted
///         if !folder.is_trained()? {
///             to_train.push((folder, lock)); // the lock is given back when it is dropped
///         }
///     }
/// }
/// for (folder, _lock) in to_train {
///     write_tensors(&folder.target(), &[], &[])?; // last of its files: it says that the target is trained
///     assert!(folder.is_trained()?);
/// }
/// # Ok::<(), Unfinished>(())
/// ```
#[derive(Clone, Debug)]
pub struct TargetFolder {
    path: PathBuf,
    owner: String,
    seed: u64,
}

impl TargetFolder {
    /// The folder of the target with this hash and seed. Makes nothing.
    pub fn new(results: &Path, hash: &str, seed: u64) -> TargetFolder {
        let path = results.join("targets").join(format!("{}-seed-{seed}", short(hash)));
        TargetFolder { path, owner: format!("{hash} seed {seed}"), seed }
    }

    /// Whether the finished target is there. Written last, it speaks for the other files.
    ///
    /// # Errors
    /// If that cannot be known, as where the folder may not be read: it is not to be trained a second time.
    pub fn is_trained(&self) -> Result<bool, RunError> {
        is_file(&self.target())
    }

    /// Fails where [`lock`](Self::lock) would, but for waiting, and makes nothing.
    pub fn check_lock(&self, target_toml: &str) -> Result<(), RunError> {
        self.path.parent().map_or(Ok(()), refuse_link)?;
        check_folder(&self.path)?;
        self.is_of(target_toml)
    }

    /// Fails where a trained target of this section would not be used: its folder is another one's, or may not be read.
    pub fn check_trained(&self, target_toml: &str) -> Result<(), RunError> {
        self.is_of(target_toml)?;
        File::open(self.target()).map_err(|error| RunError::read(&self.target(), &error))?;
        Ok(())
    }

    fn is_of(&self, target_toml: &str) -> Result<(), RunError> {
        is_claimed(&self.path.join("spec.toml"), target_toml).map_err(advise)?;
        Ok(())
    }

    /// Makes the folder, waits until no other process works in it, and locks it. `target_toml`, the resolved section of
    /// the spec, is kept there; a folder with another one is refused.
    ///
    /// # Errors
    /// If the `work` that needs the target is interrupted while it waits, or if the folder cannot be used.
    pub fn lock(&self, target_toml: &str, work: &Work) -> Result<Lock, Unfinished> {
        make_folder(&self.path)?;
        let lock = Lock::wait(&self.path, work)?;
        self.check(target_toml)?;
        sweep_temporary_files(&self.path, &files());
        Ok(lock)
    }

    /// That the folder is for the target of this section: two of them might share the first letters of their hashes.
    pub fn check(&self, target_toml: &str) -> Result<(), RunError> {
        claim(&self.path.join("spec.toml"), target_toml).map_err(advise)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn target(&self) -> PathBuf {
        self.path.join("target.safetensors")
    }

    pub fn provenance(&self) -> PathBuf {
        self.path.join("provenance.json")
    }

    /// The table of these rows.
    pub fn table<R: Row>(&self) -> PathBuf {
        self.path.join(R::TABLE.file)
    }

    /// Removes the checkpoints of a training that ended before it could: of a trained target nobody goes on with them. Left
    /// alone while a process works in the folder.
    pub fn clear_stale_checkpoints(&self) {
        let is_checkpoint = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("checkpoint")) && path.is_dir()
        };
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten().map(|entry| entry.path());
        let stale: Vec<PathBuf> = entries.filter(is_checkpoint).collect();
        if stale.is_empty() {
            return;
        }
        if let Ok(Some(_lock)) = Lock::try_take(&self.path) {
            stale.iter().for_each(|path| drop(std::fs::remove_dir_all(path)));
        }
    }

    /// Where to go on with its training after an interruption.
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.path.join("checkpoint"), &self.owner)
    }
}

/// The advice where the folder is another target's.
fn advise(error: RunError) -> RunError {
    let help = "put the file back as it was, or move the folder away: the target is then trained again";
    if error.is_refused() { error } else { error.with_help(help) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::{Interrupt, Stage};

    #[test]
    fn checkpoints_that_nobody_goes_on_with_are_removed_when_nobody_works_there() {
        let results = tempfile::tempdir().unwrap();
        let folder = TargetFolder::new(results.path(), "0123456789", 7);
        let checkpoint = folder.path().join("checkpoint-0a1b2c3d");
        std::fs::create_dir_all(&checkpoint).unwrap();
        let working = Lock::take(folder.path()).unwrap();
        folder.clear_stale_checkpoints();
        assert!(checkpoint.is_dir());
        drop(working);
        folder.clear_stale_checkpoints();
        assert!(!checkpoint.exists());
    }

    #[test]
    fn a_target_of_another_section_is_refused() {
        let results = tempfile::tempdir().unwrap();
        let work = Interrupt::never().of_work(Stage::Target, 0, 5, results.path());
        let folder = TargetFolder::new(results.path(), "0123456789", 7);
        assert_eq!(folder.path(), results.path().join("targets/01234567-seed-7"));
        folder.lock("steps = 5\n", &work).unwrap();
        let refused = TargetFolder::new(results.path(), "0123456799", 7).lock("steps = 6\n", &work);
        let Err(Unfinished::Failed(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(
            error.to_string(),
            format!(
                "{}/spec.toml is not what this run would write: it was changed, or is of another spec\n  help: put the \
                 file back as it was, or move the folder away: the target is then trained again",
                folder.path().display()
            )
        );
    }
}
