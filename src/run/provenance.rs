//! What made a run: program, machine, command, times, and how it ended.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::{
    RunDescription, RunError,
    checksums::{self, Checksums, PLACEHOLDER},
    description::if_known,
    folder::{SPEC, files, is_of_training, tables_of_targets},
    utc_now, write_whole,
};
use crate::{libtorch, version};

/// How a run stands. `Running` in a folder that no process has locked: it was killed, and its command goes on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Running,
    Interrupted,
    Finished,
    Failed,
    /// Its components come from a file, and have not been measured yet.
    Imported,
}

impl Status {
    /// As it is stored and shown.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Interrupted => "interrupted",
            Status::Finished => "finished",
            Status::Failed => "failed",
            Status::Imported => "imported",
        }
    }
}

/// What the run computes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// For example `cpu` or `cuda:0`.
    pub device: String,
    /// Of the numbers computed with.
    #[serde(default = "single")]
    pub precision: String,
    pub threads: usize,
    pub host: String,
    pub libtorch: String,
}

impl Machine {
    /// This host, with the device that the run computes on.
    pub fn new(device: impl Into<String>, threads: usize) -> Self {
        let version = libtorch::loaded_folder().and_then(|folder| libtorch::version_in(&folder));
        let libtorch = version.unwrap_or_else(|| libtorch::NEEDED_VERSION.into());
        Self { device: device.into(), precision: single(), threads, host: host(), libtorch }
    }
}

/// The only precision so far, and so that of runs that do not say theirs.
fn single() -> String {
    "float32".into()
}

/// As much of it as a program must understand to know whether it understands the rest.
#[derive(Deserialize)]
struct Format {
    format: u64,
}

/// What made the tables of a run anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    pub apd: String,
    pub commit: String,
    pub commit_dirty: bool,
    #[serde(flatten)]
    pub machine: Machine,
    pub command: Vec<String>,
    pub ended: String,
}

/// `provenance.json`.
///
/// ```
/// # use apd::run::{Machine, Provenance, Status};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("provenance.json");
/// let mut provenance = Provenance::begin(&path, Machine::new("cpu", 2), None)?; // status: running
/// // ... work ...
/// provenance.end(Status::Finished)?;
/// # Ok::<(), apd::run::RunError>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this file's layout.
    pub format: u64,
    /// Version of apd.
    pub apd: String,
    /// In full, or `unknown`.
    pub commit: String,
    /// Whether the source differed from the commit.
    pub commit_dirty: bool,
    #[serde(flatten)]
    pub machine: Machine,
    /// The command line as given; of a resumed run, the last one.
    pub command: Vec<String>,
    /// UTC, RFC 3339.
    pub started: String,
    pub ended: Option<String>,
    /// Working time, summed over the resumptions.
    pub seconds: f64,
    /// Those of the training of the components; of runs that are trained together, of all of them. `None` of targets and of
    /// older runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_seconds: Option<f64>,
    /// How often the run was gone on with.
    pub resumed: u64,
    pub status: Status,
    /// Why it failed.
    pub reason: Option<String>,
    /// The steps after which its training was ended, as those of trials that are behind are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted_at: Option<u64>,
    /// What the run is; `None` of targets and of older runs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_known")]
    pub run: Option<RunDescription>,
    /// The last measurement that was not part of the run itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// What is known of the files beside this one: of the spec and the targets' tables from the beginning, of all tables from
    /// the end on.
    #[serde(default)]
    pub files: Checksums,
    /// Of this file's text, with zeros in its own place.
    #[serde(default)]
    sha256: String,
    #[serde(skip)]
    path: PathBuf,
    #[serde(skip)]
    session: Option<(Instant, f64)>,
}

impl Provenance {
    /// The newest layout of the file that is known here.
    pub const FORMAT: u64 = 2;

    /// Notes that a run begins, or that the run of the provenance at `path` is gone on with. `run` says what it is, unless it
    /// is the training of a target.
    pub fn begin(path: &Path, machine: Machine, run: Option<RunDescription>) -> Result<Provenance, RunError> {
        let earlier = match Self::read(path) {
            Ok(earlier) => Some(earlier),
            Err(error) if error.is_missing() => None,
            Err(error) if error.is_damaged() => {
                tracing::warn!("{}; writing a new one", error.what());
                None
            }
            Err(error) => return Err(error),
        };
        let mut provenance = Provenance {
            format: Self::FORMAT,
            apd: version::VERSION.into(),
            commit: version::COMMIT.into(),
            commit_dirty: version::IS_DIRTY,
            machine,
            command: command(),
            started: utc_now(),
            ended: None,
            seconds: 0.0,
            training_seconds: None,
            resumed: 0,
            status: Status::Running,
            reason: None,
            halted_at: None,
            run,
            evaluation: None,
            // Whoever opened the folder has compared it with what it is to be.
            files: checksums::of_files(folder_of(path), [SPEC])?,
            sha256: String::new(),
            path: path.into(),
            session: None,
        };
        if let Some(earlier) = earlier {
            provenance.warn_of_changes(&earlier);
            provenance.started = earlier.started;
            provenance.seconds = earlier.seconds;
            provenance.training_seconds = earlier.training_seconds;
            provenance.resumed = earlier.resumed + 1;
        }
        provenance.session = Some((Instant::now(), provenance.seconds));
        provenance.write()?;
        Ok(provenance)
    }

    /// Notes that the run ends, for now or for good.
    pub fn end(&mut self, status: Status) -> Result<(), RunError> {
        self.status = status;
        self.ended = Some(utc_now());
        self.files = checksums::of_files(folder_of(&self.path), vouched_for())?;
        self.write()
    }

    /// Counts so many seconds of training, to be written with what is noted next.
    pub fn has_trained(&mut self, seconds: f64) {
        *self.training_seconds.get_or_insert(0.0) += seconds;
    }

    /// Notes that the run fails.
    pub fn fail(&mut self, reason: impl ToString) -> Result<(), RunError> {
        self.reason = Some(reason.to_string());
        self.end(Status::Failed)
    }

    /// Notes that the tables of a `run` have been made anew; how it came about stays as it is.
    pub fn evaluated(mut self, machine: Machine, run: RunDescription) -> Result<(), RunError> {
        self.run = Some(run);
        self.status = Status::Finished;
        self.format = Self::FORMAT;
        let known = std::mem::take(&mut self.files);
        self.files = checksums::of_files(folder_of(&self.path), vouched_for())?;
        // What an evaluation does not write keeps the checksum that it was written with: damage does not become sound by it.
        let is_kept = |(name, _): &(String, String)| *name == SPEC || is_of_training(name);
        self.files.extend(known.into_iter().filter(is_kept));
        self.evaluation = Some(Evaluation {
            apd: version::VERSION.into(),
            commit: version::COMMIT.into(),
            commit_dirty: version::IS_DIRTY,
            machine,
            command: command(),
            ended: utc_now(),
        });
        self.write()
    }

    /// Notes that the run has its targets' tables, and how long it has worked by now: after a kill, the time since the last
    /// note is not counted.
    pub fn has_targets(&mut self) -> Result<(), RunError> {
        self.files.extend(checksums::of_files(folder_of(&self.path), tables_of_targets())?);
        self.write()
    }

    /// What `provenance.json` says.
    pub fn read(path: &Path) -> Result<Provenance, RunError> {
        let content = std::fs::read(path).map_err(|error| RunError::read(path, &error))?;
        let damaged = |error: serde_json::Error| RunError::damaged(path, error);
        let Format { format } = serde_json::from_slice(&content).map_err(damaged)?;
        // Before its checksum, which a newer apd may compute otherwise.
        if format > Self::FORMAT {
            return Err(RunError::new(
                format!("{} has the format {format}; this apd knows formats up to {}", path.display(), Self::FORMAT),
                "use the apd that made it or a newer one, or start anew beside it with --force",
            ));
        }
        let text = checksums::read_sealed(path)?;
        let mut provenance: Provenance = serde_json::from_str(&text).map_err(damaged)?;
        provenance.path = path.into();
        Ok(provenance)
    }

    fn write(&mut self) -> Result<(), RunError> {
        if let Some((since, before)) = self.session {
            self.seconds = before + since.elapsed().as_secs_f64();
        }
        self.sha256 = PLACEHOLDER.into();
        let text = checksums::seal(&(serde_json::to_string_pretty(self).expect("plain data") + "\n"));
        write_whole(&self.path, |out| out.write_all(text.as_bytes()))
    }

    /// The last digits of a result may depend on these.
    fn warn_of_changes(&self, earlier: &Provenance) {
        let (now, then) = (&self.machine, &earlier.machine);
        let changes = [
            ("device", then.device.clone(), now.device.clone()),
            ("threads", then.threads.to_string(), now.threads.to_string()),
            ("libtorch", then.libtorch.clone(), now.libtorch.clone()),
            ("commit", earlier.commit.clone(), self.commit.clone()),
        ];
        for (what, then, now) in changes.into_iter().filter(|(_, then, now)| then != now) {
            tracing::warn!("going on with another {what} ({now} after {then}): the last digits may differ");
        }
    }
}

/// The files whose checksums are kept: those without one of their own.
fn vouched_for() -> impl Iterator<Item = &'static str> {
    files().into_iter().filter(|name| *name == SPEC || name.ends_with(".csv"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn command() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// Whether the run of the provenance at `path` stands so. One without a provenance, or with a damaged one, does not: it is
/// begun, with a warning, as if it were new.
pub(super) fn has_status(path: &Path, status: Status) -> Result<bool, RunError> {
    match Provenance::read(path) {
        Ok(provenance) => Ok(provenance.status == status),
        Err(error) if error.is_missing() || error.is_damaged() => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "unknown host".into() } else { name.trim().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_run_keeps_its_beginning_and_adds_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provenance.json");
        let mut first = Provenance::begin(&path, Machine::new("cpu", 2), None).unwrap();
        assert_eq!(Provenance::read(&path).unwrap().status, Status::Running);
        first.session = Some((Instant::now(), 100.0));
        first.end(Status::Interrupted).unwrap();
        assert!(!has_status(&path, Status::Finished).unwrap());

        let mut second = Provenance::begin(&path, Machine::new("cpu", 2), None).unwrap();
        second.end(Status::Finished).unwrap();
        let read = Provenance::read(&path).unwrap();
        assert_eq!((read.status, read.resumed, read.started), (Status::Finished, 1, first.started));
        assert!(read.seconds >= 100.0);
        assert!(has_status(&path, Status::Finished).unwrap());
    }

    /// Neither as damaged, which would be written anew, nor as finished.
    #[test]
    fn the_provenance_of_a_newer_apd_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provenance.json");
        std::fs::write(&path, r#"{ "format": 3, "status": { "finished": true } }"#).unwrap();
        let error = Provenance::begin(&path, Machine::new("cpu", 2), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{} has the format 3; this apd knows formats up to 2\n  help: use the apd that made it or a newer one, or \
                 start anew beside it with --force",
                path.display()
            )
        );
        assert!(
            has_status(&path, Status::Finished).is_err()
                && std::fs::read_to_string(&path).unwrap().contains(r#""format": 3"#)
        );
    }

    #[test]
    fn a_failure_keeps_its_reason_and_a_damaged_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provenance.json");
        std::fs::write(&path, "{").unwrap();
        let mut provenance = Provenance::begin(&path, Machine::new("cpu", 2), None).unwrap();
        provenance.fail("no room").unwrap();
        let read = Provenance::read(&path).unwrap();
        assert_eq!((read.status, read.reason.as_deref(), read.resumed), (Status::Failed, Some("no room"), 0));
    }
}
