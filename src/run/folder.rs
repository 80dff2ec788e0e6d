//! The folder of one run, and the one type that owns every path in it.

use std::path::{Path, PathBuf};

use super::{
    Checkpoints, Lock, RunError, Status,
    atomic::{check_folder, make_folder, sweep_temporary_files},
    is_file, is_folder, numbered,
    presence::is_absence,
    provenance, write_columns, write_table, write_whole,
};
use crate::table::{OF_RUNS, RankRow, Row, Source, TARGET_TRAINING, files_of_runs};

/// `RESULTS/<spec name>-<first 8 of the spec's hash>`, with `-2`, `-3`... for runs begun anew with `--force`.
///
/// ```text
/// spec.toml                 the resolved spec: with the commit in provenance.json it is the run
/// provenance.json           what made it, where, when, how far it got
/// log.txt                   what was said on the way
/// target.safetensors        the networks that were taken apart
/// components.safetensors    the components found
/// summary.csv ..            the tables of `crate::table`
/// checkpoint/               while running: where to go on
/// report/                   figures and tables made from the above
/// lock                      held by the process that works here
/// ```
///
/// ```
/// # use apd::run::RunFolder;
/// # let results = tempfile::tempdir().unwrap();
/// # let hash = "0123456789abcdef";
/// let run = RunFolder::open(results.path(), "tms_5-2", hash, "name = \"tms_5-2\"\n", false)?;
/// assert!(run.path().ends_with("tms_5-2-01234567"));
/// if run.checkpoints().load()?.is_none() { /* from the beginning */ }
/// # Ok::<(), apd::run::RunError>(())
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Whose checkpoints these are: the hash of the spec.
    owner: String,
    /// Present when this process works in the folder, and not only reads it.
    _lock: Option<Lock>,
}

impl RunFolder {
    /// The run folder of a spec, locked until the value is dropped; the log goes into its log from now on. A new one is made
    /// if there is none or if `anew` (`--force`); otherwise the newest is meant, whether unfinished or finished.
    ///
    /// Fails if another process works in it, or if it holds another spec.
    pub fn open(results: &Path, name: &str, hash: &str, spec_toml: &str, anew: bool) -> Result<RunFolder, RunError> {
        let name = folder_name(name, hash);
        numbered::check_name(&name)?;
        let path = numbered::open(results, &name, anew)?;
        let lock = Lock::take(&path)?;
        claim(&path.join("spec.toml"), spec_toml)?;
        RunFolder { path, owner: hash.into(), _lock: None }.enter(lock)
    }

    /// The folder at `path` of a trial of a sweep, made if there is none and locked until the value is dropped. The log
    /// stays where it is: what is said of a trial is said of all that are trained with it.
    ///
    /// Fails if another process works in it, or if it holds another spec.
    pub fn open_trial(path: PathBuf, hash: &str, spec_toml: &str) -> Result<RunFolder, RunError> {
        make_folder(&path)?;
        let lock = Lock::take(&path)?;
        claim(&path.join("spec.toml"), spec_toml)?;
        sweep_temporary_files(&path, &files());
        Ok(RunFolder { path, owner: hash.into(), _lock: Some(lock) })
    }

    /// The folder at `path` for reading: not locked, nothing checked or made.
    pub fn at(path: impl Into<PathBuf>) -> RunFolder {
        RunFolder { path: path.into(), owner: String::new(), _lock: None }
    }

    /// The folder of an existing run at `path`, for reading: not locked.
    ///
    /// # Errors
    /// If `path` is not a folder, or holds no `spec.toml` and so is no run's.
    pub fn existing(path: &Path) -> Result<RunFolder, RunError> {
        if !is_folder(path)? {
            let what = format!("there is no folder {}", path.display());
            return Err(RunError::new(what, "give the folder of a run, which `apd list` lists"));
        }
        let folder = RunFolder::at(path);
        if !is_file(&folder.spec())? {
            let what = format!("{} is not the folder of a run: it holds no spec.toml", path.display());
            return Err(RunError::new(what, "give one of the folders in the results folder"));
        }
        Ok(folder)
    }

    /// The same folder to work in: locked until the value is dropped; the log goes into its log from now on.
    ///
    /// # Errors
    /// If another process works in it.
    pub fn locked(self) -> Result<RunFolder, RunError> {
        let lock = Lock::take(&self.path)?;
        self.enter(lock)
    }

    fn enter(self, lock: Lock) -> Result<RunFolder, RunError> {
        sweep_temporary_files(&self.path, &files());
        super::log::attach(&self.log())?;
        Ok(RunFolder { _lock: Some(lock), ..self })
    }

    /// The folder that [`open`](Self::open) would use. Makes nothing.
    pub fn locate(results: &Path, name: &str, hash: &str, anew: bool) -> Result<PathBuf, RunError> {
        numbered::locate(results, &folder_name(name, hash), anew)
    }

    /// The folder that [`open`](Self::open) would use, for reading. Fails where that would, and makes nothing.
    pub fn check_open(
        results: &Path,
        name: &str,
        hash: &str,
        spec_toml: &str,
        anew: bool,
    ) -> Result<RunFolder, RunError> {
        let name = folder_name(name, hash);
        numbered::check_name(&name)?;
        let folder = RunFolder::at(numbered::locate(results, &name, anew)?);
        check_folder(&folder.path)?;
        Lock::check(&folder.path)?;
        is_claimed(&folder.spec(), spec_toml)?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn spec(&self) -> PathBuf {
        self.path.join("spec.toml")
    }

    pub fn provenance(&self) -> PathBuf {
        self.path.join("provenance.json")
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("log.txt")
    }

    /// The targets of all replicas.
    pub fn target(&self) -> PathBuf {
        self.path.join("target.safetensors")
    }

    /// The components of all replicas.
    pub fn components(&self) -> PathBuf {
        self.path.join("components.safetensors")
    }

    /// The table of these rows.
    pub fn table<R: Row>(&self) -> PathBuf {
        self.path.join(R::TABLE.file)
    }

    /// Writes the table of these rows.
    pub fn write_table<R: Row>(&self, rows: impl IntoIterator<Item = R>) -> Result<(), RunError> {
        write_table(&self.table::<R>(), rows)
    }

    /// Writes the ranks of components, with as many columns as the longest row has singular values.
    pub fn write_ranks<'a>(&self, rows: impl Iterator<Item = &'a RankRow> + Clone) -> Result<(), RunError> {
        let width = rows.clone().map(|row| row.singular_value.len()).max().unwrap_or(0);
        write_columns(&self.table::<RankRow>(), &RankRow::header(width), rows.map(|row| row.padded(width)))
    }

    /// The training of the targets of all replicas, in rows like those of the training of the components.
    pub fn target_training_table(&self) -> PathBuf {
        self.path.join(TARGET_TRAINING.file)
    }

    pub fn report(&self) -> PathBuf {
        self.path.join("report")
    }

    /// Where to go on after an interruption.
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.path.join("checkpoint"), &self.owner)
    }

    /// Whether components from a file are in it that have not been measured yet.
    pub fn is_imported(&self) -> Result<bool, RunError> {
        provenance::has_status(&self.provenance(), Status::Imported)
    }

    /// Whether the run has ended well: its files are complete.
    pub fn is_finished(&self) -> Result<bool, RunError> {
        provenance::has_status(&self.provenance(), Status::Finished)
    }
}

/// Every file that is written whole into a run folder or a target folder.
pub(super) fn files() -> Vec<&'static str> {
    let others = [SPEC, "provenance.json", "target.safetensors", "components.safetensors"];
    others.into_iter().chain(files_of_runs()).collect()
}

pub(super) const SPEC: &str = "spec.toml";

/// The tables that are copied into a run folder from those of its targets.
pub(super) fn tables_of_targets() -> impl Iterator<Item = &'static str> {
    OF_RUNS.into_iter().filter(|table| table.source == Source::Targets).map(|table| table.file)
}

/// Whether measuring a run anew leaves the file of this name as it is.
pub(super) fn is_of_training(file: &str) -> bool {
    OF_RUNS.iter().any(|table| table.file == file && table.source != Source::Measurement)
}

/// The first 8 letters of a hash tell folders apart; [`claim`] catches the rare two specs that share them.
fn folder_name(name: &str, hash: &str) -> String {
    format!("{name}-{}", short(hash))
}

pub(super) fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

/// Writes what a folder is for into a new one, and refuses an old one that is for something else.
pub(super) fn claim(path: &Path, content: &str) -> Result<(), RunError> {
    match is_claimed(path, content)? {
        true => Ok(()),
        false => write_whole(path, |out| out.write_all(content.as_bytes())),
    }
}

/// Whether a folder says already what it is for; one that is for something else is refused.
pub(super) fn is_claimed(path: &Path, content: &str) -> Result<bool, RunError> {
    match std::fs::read(path) {
        Ok(found) if found == content.as_bytes() => Ok(true),
        Ok(_) => Err(RunError::new(
            format!("{} is not what this run would write: it was changed, or is of another spec", path.display()),
            "put the file back as it was, or start anew beside it with --force",
        )),
        Err(error) if is_absence(error.kind()) => Ok(false),
        Err(error) => Err(RunError::read(path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn open(results: &Path, spec: &str, anew: bool) -> Result<RunFolder, RunError> {
        RunFolder::open(results, "tms", HASH, spec, anew)
    }

    #[test]
    fn a_run_is_found_again_and_force_stands_beside_it() {
        let results = tempfile::tempdir().unwrap();
        let first = open(results.path(), "a = 1\n", false).unwrap().path().to_path_buf();
        assert_eq!(first, results.path().join("tms-01234567"));
        assert_eq!(open(results.path(), "a = 1\n", false).unwrap().path(), first);
        assert_eq!(open(results.path(), "a = 1\n", true).unwrap().path(), results.path().join("tms-01234567-2"));
        assert_eq!(open(results.path(), "a = 1\n", false).unwrap().path(), results.path().join("tms-01234567-2"));
        assert_eq!(std::fs::read_to_string(first.join("spec.toml")).unwrap(), "a = 1\n");
    }

    #[test]
    fn another_spec_in_the_folder_is_refused() {
        let results = tempfile::tempdir().unwrap();
        let path = open(results.path(), "a = 1\n", false).unwrap().spec();
        let what = open(results.path(), "a = 2\n", false).unwrap_err().what().to_string();
        let expected = "is not what this run would write: it was changed, or is of another spec";
        assert_eq!(what, format!("{} {expected}", path.display()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a = 1\n");
        open(results.path(), "a = 2\n", true).unwrap();
    }

    #[test]
    fn one_process_at_a_time() {
        let results = tempfile::tempdir().unwrap();
        let first = open(results.path(), "a = 1\n", false).unwrap();
        assert!(open(results.path(), "a = 1\n", false).unwrap_err().what().contains("is in use by process"));
        open(results.path(), "a = 1\n", true).unwrap();
        drop(first);
    }

    #[test]
    fn locating_makes_nothing() {
        let results = tempfile::tempdir().unwrap();
        let located = RunFolder::locate(results.path(), "tms", HASH, true).unwrap();
        assert_eq!(located, results.path().join("tms-01234567"));
        assert_eq!(RunFolder::check_open(results.path(), "tms", HASH, "", true).unwrap().path(), located);
        assert_eq!(std::fs::read_dir(results.path()).unwrap().count(), 0);
    }
}
