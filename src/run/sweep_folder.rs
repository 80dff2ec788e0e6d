//! The folder of a sweep, and the one type that owns every path in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Checkpoints, Lock, RunError, RunFolder,
    atomic::{check_folder, make_folder, sweep_temporary_files},
    checksums,
    folder::{claim, is_claimed, short},
    is_file, is_folder, numbered,
};
use crate::table::{JobRow, OF_SWEEPS, PlanRow, Row};

/// `RESULTS/<spec name>-sweep-<first 8 of the sweep's hash>`, with `-2`, `-3`... for sweeps begun anew with `--force`.
///
/// ```text
/// sweep.toml                the resolved experiment and what is varied: with the commit it is the sweep
/// plan.csv                  the values of every trial, and the pack in which it is trained
/// trials.csv seconds.csv    a row for each trial and seed, and for each trial, that has ended
/// effects.csv sensitivity.csv recommended.toml    what that depends on, and the best trial's spec
/// trade_off.csv trade_off.toml    of a trade-off: active components and error of every value, and the largest error asked for
/// trials/<trial>/           the run folder of each trial
/// packs/<pack>/             log.txt, and while running lock and checkpoint/
/// report/                   figures and tables made from the above
/// slurm/                    the scripts of Slurm's jobs, their numbers in jobs.csv, and what the jobs said
/// lock                      held by the process that runs the sweep
/// ```
#[derive(Debug)]
pub struct SweepFolder {
    path: PathBuf,
    hash: String,
}

impl SweepFolder {
    /// The sweep folder of a spec, made if there is none or if `anew` (`--force`); otherwise the newest is meant.
    ///
    /// Fails if it holds another sweep.
    pub fn open(results: &Path, name: &str, sweep_toml: &str, anew: bool) -> Result<SweepFolder, RunError> {
        let hash = hash_of(sweep_toml);
        let name = folder_name(name, &hash);
        numbered::check_name(&name)?;
        let folder = SweepFolder { path: numbered::open(results, &name, anew)?, hash };
        claim(&folder.sweep(), sweep_toml)?;
        make_folder(&folder.path.join("trials"))?;
        make_folder(&folder.packs())?;
        Ok(folder)
    }

    /// The folder that [`open`](Self::open) would use. Makes nothing.
    pub fn locate(results: &Path, name: &str, sweep_toml: &str, anew: bool) -> Result<PathBuf, RunError> {
        numbered::locate(results, &folder_name(name, &hash_of(sweep_toml)), anew)
    }

    /// Fails where [`open`](Self::open) and [`lock`](Self::lock) would, and makes nothing.
    pub fn check_open(results: &Path, name: &str, sweep_toml: &str, anew: bool) -> Result<(), RunError> {
        let name = folder_name(name, &hash_of(sweep_toml));
        numbered::check_name(&name)?;
        let folder = SweepFolder::at(numbered::locate(results, &name, anew)?);
        check_folder(&folder.path)?;
        Lock::check(&folder.path)?;
        is_claimed(&folder.sweep(), sweep_toml)?;
        Ok(())
    }

    /// The folder of an existing sweep at `path`.
    ///
    /// # Errors
    /// If `path` is not a folder, holds no `sweep.toml` and `plan.csv`, or cannot be read.
    pub fn existing(path: &Path) -> Result<SweepFolder, RunError> {
        const NAMED: &str = "give the folder of a sweep, which `apd sweep hyperparameters` names when it begins";
        const NOT_PLANNED: &str = "give the command that began the sweep again, which writes it";
        if !is_folder(path)? {
            return Err(RunError::new(format!("there is no folder {}", path.display()), NAMED));
        }
        let folder = SweepFolder::at(path);
        for (file, help) in [(folder.sweep(), NAMED), (folder.plan(), NOT_PLANNED)] {
            if !is_file(&file)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let what = format!("{} is not the folder of a sweep: it holds no {name}", path.display());
                return Err(RunError::new(what, help));
            }
        }
        let content = fs::read(folder.sweep()).map_err(|error| RunError::read(&folder.sweep(), &error))?;
        let hash = hash_of(content);
        if hash_in_name(path).is_some_and(|begun_as| begun_as != short(&hash)) {
            let what = format!("{} is not what the sweep was begun with", folder.sweep().display());
            return Err(RunError::new(what, "put the file back as it was, or start anew beside it with --force"));
        }
        Ok(SweepFolder { hash, ..folder })
    }

    /// The folder at `path` for reading: nothing checked.
    pub fn at(path: impl Into<PathBuf>) -> SweepFolder {
        SweepFolder { path: path.into(), hash: String::new() }
    }

    /// For the one process that runs all of the sweep: held until the value is dropped.
    pub fn lock(&self) -> Result<Lock, RunError> {
        Lock::take(&self.path)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn sweep(&self) -> PathBuf {
        self.path.join("sweep.toml")
    }

    pub fn plan(&self) -> PathBuf {
        self.table::<PlanRow>()
    }

    /// The table of these rows.
    pub fn table<R: Row>(&self) -> PathBuf {
        self.path.join(R::TABLE.file)
    }

    pub fn recommended(&self) -> PathBuf {
        self.path.join("recommended.toml")
    }

    /// What a trade-off asks for beside what the sweep is.
    pub fn trade_off(&self) -> PathBuf {
        self.path.join("trade_off.toml")
    }

    pub fn report(&self) -> PathBuf {
        self.path.join("report")
    }

    /// Whoever holds this folder's lock writes the tables of the sweep.
    pub fn packs(&self) -> PathBuf {
        self.path.join("packs")
    }

    /// The run folder of a trial, whether it exists or not.
    pub fn trial(&self, trial: usize) -> PathBuf {
        self.path.join("trials").join(format!("{trial:04}"))
    }

    /// The same for reading.
    pub fn trial_run(&self, trial: usize) -> RunFolder {
        RunFolder::at(self.trial(trial))
    }

    pub fn pack(&self, pack: usize) -> PackFolder {
        let path = self.packs().join(format!("{pack:04}"));
        PackFolder { path, owner: format!("{} pack {pack}", self.hash) }
    }

    /// The script of the jobs of some packs, and what they say.
    pub fn slurm(&self) -> PathBuf {
        self.path.join("slurm")
    }

    /// The jobs that were handed to Slurm.
    pub fn jobs_table(&self) -> PathBuf {
        self.slurm().join(JobRow::TABLE.file)
    }

    /// Removes what killed processes left half-written of the sweep's tables. For the holder of the lock of `packs`.
    pub fn clean(&self) {
        let names: Vec<&str> =
            OF_SWEEPS.iter().map(|table| table.file).chain(["recommended.toml", "trade_off.toml"]).collect();
        sweep_temporary_files(&self.path, &names);
    }
}

/// Where what belongs to all trials of a pack is kept.
#[derive(Debug)]
pub struct PackFolder {
    path: PathBuf,
    owner: String,
}

impl PackFolder {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder and claims the pack, and lets the log go into its log; `Ok(None)`: another process has it.
    pub fn claim(&self) -> Result<Option<Lock>, RunError> {
        make_folder(&self.path)?;
        let Some(lock) = Lock::try_take(&self.path)? else { return Ok(None) };
        super::log::attach(&self.path.join("log.txt"))?;
        Ok(Some(lock))
    }

    /// Whether a process works on it at this moment; an error where that cannot be known.
    pub fn is_claimed(&self) -> Result<bool, RunError> {
        Lock::is_known_to_be_held(&self.path)
    }

    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.path.join("checkpoint"), &self.owner)
    }
}

fn folder_name(name: &str, hash: &str) -> String {
    format!("{name}-sweep-{}", short(hash))
}

/// The letters of the hash in the folder's name, unless it has been given another one.
fn hash_in_name(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let hash = path.file_name()?.to_str()?.rsplit_once("-sweep-")?.1.split('-').next()?;
    (hash.len() == 8 && hash.bytes().all(|letter| letter.is_ascii_hexdigit())).then(|| hash.to_owned())
}

fn hash_of(sweep_toml: impl AsRef<[u8]>) -> String {
    checksums::digest(sweep_toml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_found_again_and_other_folders_are_refused() {
        let results = tempfile::tempdir().unwrap();
        let open =
            |text: &str, anew| SweepFolder::open(results.path(), "tms", text, anew).unwrap().path().to_path_buf();
        let first = open("a = 1\n", false);
        assert_eq!(open("a = 1\n", false), first);
        assert_ne!(open("a = 2\n", false), first);
        assert_eq!(open("a = 1\n", true).display().to_string(), format!("{}-2", first.display()));
        let error = SweepFolder::existing(&first).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{} is not the folder of a sweep: it holds no plan.csv\n  help: give the command that began the sweep \
                 again, which writes it",
                first.display()
            )
        );
    }

    #[test]
    fn a_changed_sweep_is_refused_unless_its_folder_has_another_name() {
        let results = tempfile::tempdir().unwrap();
        let folder = SweepFolder::open(results.path(), "tms", "a = 1\n", true).unwrap();
        std::fs::write(folder.plan(), "").unwrap();
        SweepFolder::existing(folder.path()).unwrap();
        std::fs::write(folder.sweep(), "a = 3\n").unwrap();
        assert_eq!(
            SweepFolder::existing(folder.path()).unwrap_err().to_string(),
            format!(
                "{} is not what the sweep was begun with\n  help: put the file back as it was, or start anew beside it with \
                 --force",
                folder.sweep().display()
            )
        );
        let renamed = results.path().join("mine");
        std::fs::rename(folder.path(), &renamed).unwrap();
        SweepFolder::existing(&renamed).unwrap();
    }

    #[test]
    fn a_pack_is_claimed_by_one() {
        let results = tempfile::tempdir().unwrap();
        let folder = SweepFolder::open(results.path(), "tms", "a = 1\n", false).unwrap();
        let lock = folder.pack(3).claim().unwrap();
        assert!(lock.is_some() && folder.pack(3).is_claimed().unwrap());
        assert!(folder.pack(3).claim().unwrap().is_none());
        drop(lock);
        assert!(!folder.pack(3).is_claimed().unwrap());
    }
}
