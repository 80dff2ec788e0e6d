//! The folders that are meant by the paths of a command line: `runs/*` names more than runs, and a path may lead to a file of
//! the run that is meant.

use std::path::{Path, PathBuf};

use super::{Ending, Failure, complain};
use crate::run::{FolderKind, RunError, RunFolder, SweepFolder, exists, look_at};

/// Folders above a path in which the run that it belongs to is looked for.
const LEVELS: usize = 3;

/// Paths that are named where something is passed over; more are counted.
const NAMED: usize = 5;

/// What a command can work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Runs,
    Sweeps,
    RunsAndSweeps,
}

/// What is to be worked on.
#[derive(Debug)]
pub struct Meant {
    /// Each once, in the order of the paths.
    pub folders: Vec<PathBuf>,
    /// How the command is to end if all goes well: a path that could not be read is told, and makes it fail.
    pub ending: Ending,
}

/// The folders that `paths` mean. Of several, what is none of those that are wanted is passed over, with a line that says so.
///
/// # Errors
/// If a path does not exist, or if nothing remains.
pub fn meant(paths: &[PathBuf], wanted: Wanted) -> Result<Meant, Failure> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let (mut others, mut unreadable) = (Vec::new(), None);
    for path in paths {
        match find(path) {
            Ok(Found::Folder(kind, folder)) if wanted.has(kind) => {
                if !folders.iter().any(|other| is_same(other, &folder)) {
                    if folder != *path && paths.len() == 1 {
                        tracing::info!("{} belongs to {}, which is taken", path.display(), folder.display());
                    }
                    folders.push(folder);
                }
            }
            Ok(Found::Folder(kind, folder)) => others.push(Other::of_kind(path, kind, folder)),
            Ok(Found::Other(other)) => others.push(other),
            Ok(Found::Nothing) => return Err(Failure::Work(nowhere(path, wanted).to_string())),
            Err(error) if paths.len() == 1 => return Err(Failure::work(error)),
            Err(error) => {
                tracing::warn!("{}; it is passed over", error.what());
                unreadable = unreadable.or(Some(error));
            }
        }
    }
    match (folders.is_empty(), unreadable) {
        (true, Some(error)) => Err(Failure::work(error)),
        (true, None) => Err(Failure::Work(refusal(&others, wanted).to_string())),
        (false, unreadable) => {
            if !others.is_empty() {
                tracing::info!("passed over, as {}: {}", wanted.none(), listed(&others));
            }
            let ending = if unreadable.is_some() { Ending::Failed } else { Ending::Done };
            Ok(Meant { folders, ending })
        }
    }
}

impl Meant {
    /// Does the same to every folder. Of several, one that fails is told and does not keep the others from being done.
    pub fn each(&self, mut act: impl FnMut(&Path) -> Result<Ending, Failure>) -> Result<Ending, Failure> {
        let mut ending = self.ending;
        for folder in &self.folders {
            match act(folder) {
                Ok(Ending::Done) => {}
                Ok(_) => ending = Ending::Failed,
                Err(failure @ Failure::Interrupted(_)) => return Err(failure),
                Err(failure) if self.folders.len() == 1 => return Err(failure),
                Err(failure) => {
                    complain(&failure);
                    ending = Ending::Failed;
                }
            }
        }
        Ok(ending)
    }
}

impl Wanted {
    fn has(self, kind: FolderKind) -> bool {
        match kind {
            FolderKind::Run => self != Wanted::Sweeps,
            FolderKind::Sweep => self != Wanted::Runs,
            _ => false,
        }
    }

    /// What a path to something else leads to.
    fn none(self) -> &'static str {
        match self {
            Wanted::Runs => "no run",
            Wanted::Sweeps => "no sweep",
            Wanted::RunsAndSweeps => "neither a run nor a sweep",
        }
    }

    /// What the folder of something else is.
    fn no_folder(self) -> &'static str {
        match self {
            Wanted::Runs => "not the folder of a run",
            Wanted::Sweeps => "not the folder of a sweep",
            Wanted::RunsAndSweeps => "neither the folder of a run nor that of a sweep",
        }
    }
}

/// What there is at a path.
enum Found {
    /// A run or a sweep, at the path or around it.
    Folder(FolderKind, PathBuf),
    Other(Other),
    Nothing,
}

/// Something that is not wanted.
struct Other {
    path: PathBuf,
    /// Such as "it is a file".
    why: String,
    /// What to give instead, where that is known.
    help: Option<String>,
}

fn find(path: &Path) -> Result<Found, RunError> {
    let Some(about) = look_at(path)? else { return Ok(Found::Nothing) };
    let kind = if about.is_dir() { kind_of(path)? } else { FolderKind::Other };
    if matches!(kind, FolderKind::Run | FolderKind::Sweep) {
        return Ok(Found::Folder(kind, path.to_owned()));
    }
    Ok(match (kind, around(path)) {
        (FolderKind::Other, Some((kind, folder))) => Found::Folder(kind, folder),
        (FolderKind::Other, None) if !about.is_dir() => Found::Other(Other::new(path, "it is a file", None)),
        (FolderKind::Other, None) => Found::Other(Other::of_folder(path)),
        (kind, _) => Found::Other(Other::of_kind(path, kind, path.to_owned())),
    })
}

/// The kind of `folder` as [`FolderKind::of`] tells it; a folder that a file system keeps for itself may not be read and is known by its name.
fn kind_of(folder: &Path) -> Result<FolderKind, RunError> {
    match FolderKind::of(folder) {
        Err(_) if folder.ends_with("lost+found") => Ok(FolderKind::Other),
        kind => kind,
    }
}

/// The run or the sweep that a file or a folder belongs to: one that has begun, so that no spec of somebody's is taken for one.
fn around(path: &Path) -> Option<(FolderKind, PathBuf)> {
    let begun = |folder: &Path| {
        let kind = FolderKind::of(folder).ok()?;
        let beside = match kind {
            FolderKind::Run => RunFolder::at(folder).provenance(),
            FolderKind::Sweep => SweepFolder::at(folder).plan(),
            _ => return None,
        };
        exists(&beside).ok()?.then(|| (kind, folder.to_owned()))
    };
    let above = |path: &Path| {
        let above = path.ancestors().skip(1).take(LEVELS);
        above.filter(|folder| !folder.as_os_str().is_empty()).find_map(begun)
    };
    above(path).or_else(|| above(&path.canonicalize().ok()?))
}

impl Other {
    fn new(path: &Path, why: impl Into<String>, help: Option<String>) -> Self {
        Self { path: path.to_owned(), why: why.into(), help }
    }

    /// A folder that apd knows, and that is not wanted.
    fn of_kind(path: &Path, kind: FolderKind, folder: PathBuf) -> Self {
        let shown = folder.display();
        match kind {
            FolderKind::Run => Self::new(path, "it is a run", None),
            FolderKind::Sweep => {
                let help = format!(
                    "the runs of its trials are in {0}: give one of them, or {0}/*",
                    folder.join("trials").display()
                );
                Self::new(path, "it is a sweep", Some(help))
            }
            FolderKind::Target => Self::new(path, "it is a trained target", None),
            FolderKind::Targets => Self::new(path, "it holds trained targets", None),
            FolderKind::Other => unreachable!("{shown} is looked into"),
        }
    }

    /// A folder of another kind.
    fn of_folder(folder: &Path) -> Self {
        let within = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let count =
            within.filter(|path| matches!(FolderKind::of(path), Ok(FolderKind::Run | FolderKind::Sweep))).count();
        match count {
            0 => Self::new(folder, "it holds no spec.toml", None),
            count => {
                let plural = if count == 1 { "" } else { "s" };
                let help = format!("give one of them, or {} for all", folder.join("*").display());
                Self::new(folder, format!("it holds {count} folder{plural} of runs or sweeps"), Some(help))
            }
        }
    }
}

/// What is said where a path leads to nothing.
fn nowhere(path: &Path, wanted: Wanted) -> RunError {
    let (what, names) = match wanted {
        Wanted::Sweeps => ("a sweep", "`apd sweep hyperparameters` names when it begins"),
        _ => ("a run", "`apd list` lists"),
    };
    RunError::new(format!("there is no folder {}", path.display()), format!("give the folder of {what}, which {names}"))
}

/// What is said where nothing of what was given is wanted.
fn refusal(others: &[Other], wanted: Wanted) -> RunError {
    const LISTED: &str = "give one of the folders in the results folder, which `apd list` lists";
    const BEGUN: &str = "give the folder of a sweep, which `apd sweep hyperparameters` names when it begins";
    let [Other { path, why, help }] = others else {
        let all = others.len();
        return RunError::new(format!("of these {all} paths each is {}: {}", wanted.none(), listed(others)), LISTED);
    };
    let why = match (wanted, why.as_str()) {
        (Wanted::RunsAndSweeps, "it holds no spec.toml") => "it holds no spec.toml and no sweep.toml",
        (Wanted::Sweeps, "it holds no spec.toml") => "it holds no sweep.toml",
        (_, why) => why,
    };
    let default = if wanted == Wanted::Sweeps { BEGUN } else { LISTED };
    let help = help.as_deref().unwrap_or(default);
    RunError::new(format!("{} is {}: {why}", path.display(), wanted.no_folder()), help)
}

fn listed(others: &[Other]) -> String {
    let named = others.iter().take(NAMED).map(|Other { path, why, .. }| format!("{} ({why})", path.display()));
    let more = others.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    named.chain(more).collect::<Vec<_>>().join(", ")
}

/// Whether two paths lead to one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    one == other || real(one) == real(other)
}
