//! Where an interrupted training goes on: everything that decides the steps still to come.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tch::Tensor;

use super::{
    RunError, TensorFile,
    atomic::{make_new_folder, refuse_link, sweep_temporary_files},
    exists,
    tensors::{notes_of, write_tensors_then},
};
use crate::table::{Row, TrainingRow};

/// The state of a training after `step` steps. Inputs are a function of (seed, step), so no generator's state is in it.
#[derive(Debug)]
pub struct Checkpoint {
    /// Number of steps done.
    pub step: u64,
    /// Factors, moments and whatever else the next step reads.
    pub tensors: Vec<(String, Tensor)>,
    /// The rows of `training.csv` so far.
    pub log: Vec<TrainingRow>,
    /// What else is to be kept, as text; empty in checkpoints of older versions.
    pub remark: String,
}

const NEWEST: &str = "newest.safetensors";
const PREVIOUS: &str = "previous.safetensors";
const DAMAGED: &str = "damaged.safetensors";
/// The tensor, of bytes, that holds the log as CSV.
const LOG: &str = "training.csv";
/// Version of the files' layout.
const FORMAT: &str = "1";

/// The checkpoints of one training: the newest, and the one before it until the next is safely on disk.
///
/// ```
/// # use apd::{run::{Checkpoint, Checkpoints}, table::TrainingRow};
/// # let folder = tempfile::tempdir().unwrap();
/// let checkpoints = Checkpoints::new(folder.path().join("checkpoint"), "hash of the spec");
/// assert!(checkpoints.load()?.is_none());
/// let tensors = vec![("embed.A".to_string(), tch::Tensor::from_slice(&[0.5_f32]))];
/// let log: Vec<TrainingRow> = vec![];
/// checkpoints.save(100, &tensors, &log, "")?;
/// let Checkpoint { step, tensors, log, .. } = checkpoints.load()?.unwrap();
/// assert_eq!((step, tensors[0].0.as_str(), log.len()), (100, "embed.A", 0));
/// checkpoints.clear()?; // the training is finished
/// # Ok::<(), apd::run::RunError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    owner: String,
}

impl Checkpoints {
    /// The checkpoints in `folder` that belong to `owner`, the hash of what is trained; others are refused.
    pub fn new(folder: impl Into<PathBuf>, owner: &str) -> Checkpoints {
        Checkpoints { folder: folder.into(), owner: owner.into() }
    }

    /// The checkpoints of a part of what the owner trains, in a folder of their own beside this one.
    pub fn of(&self, part: &str) -> Checkpoints {
        let owner = format!("{}, {part}", self.owner);
        let digest = Sha256::digest(part.as_bytes());
        let name: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let mut folder = self.folder.clone().into_os_string();
        folder.push(format!("-{name}"));
        Checkpoints { folder: folder.into(), owner }
    }

    /// Writes the newest checkpoint. What was the newest becomes the previous one, once this one is on disk.
    pub fn save(
        &self,
        step: u64,
        tensors: &[(String, Tensor)],
        log: &[TrainingRow],
        remark: &str,
    ) -> Result<(), RunError> {
        // Its parent must be there: a run whose folder was removed shall say so and not go on in what is left of it.
        make_new_folder(&self.folder)?;
        let mut tensors: Vec<_> = tensors.iter().map(|(name, t)| (name.clone(), t.shallow_clone())).collect();
        tensors.push((LOG.into(), Tensor::from_slice(&as_csv(log))));
        let notes = [
            ("format", FORMAT.into()),
            ("owner", self.owner.clone()),
            ("step", step.to_string()),
            ("remark", remark.into()),
        ];
        let (newest, previous) = (self.path(NEWEST), self.path(PREVIOUS));
        let keep_newest = || if_there(fs::rename(&newest, &previous));
        write_tensors_then(&newest, &tensors, &notes, keep_newest)
    }

    /// The newest sound checkpoint. A damaged one is reported, put aside as `damaged.safetensors`, and the one before it
    /// used. `Ok(None)`: there is none, begin at step 0.
    pub fn load(&self) -> Result<Option<Checkpoint>, RunError> {
        refuse_link(&self.folder)?;
        // Left half-written by a process that was killed.
        sweep_temporary_files(&self.folder, &[NEWEST]);
        let mut damaged = false;
        for name in [NEWEST, PREVIOUS] {
            let path = self.path(name);
            if !exists(&path)? {
                continue;
            }
            match self.read(&path) {
                Ok(checkpoint) => {
                    if damaged {
                        tracing::warn!("using the checkpoint before it, of step {}", checkpoint.step);
                    }
                    return Ok(Some(checkpoint));
                }
                Err(error) if error.is_damaged() => {
                    tracing::warn!("{}", error.what());
                    // Out of the way: the next save must not put it in the place of a sound previous one.
                    let aside = self.path(DAMAGED);
                    fs::rename(&path, &aside).map_err(|error| RunError::write(&aside, &error))?;
                    damaged = true;
                }
                Err(error) => return Err(error),
            }
        }
        if damaged {
            tracing::warn!("no sound checkpoint is left in {}: beginning at step 0", self.folder.display());
        }
        Ok(None)
    }

    /// Removes the checkpoints of a finished training.
    pub fn clear(&self) -> Result<(), RunError> {
        for name in [PREVIOUS, NEWEST, DAMAGED] {
            let path = self.path(name);
            if_there(fs::remove_file(&path)).map_err(|error| RunError::write(&path, &error))?;
        }
        // Stays if something else is in it.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// After how many steps the newest one was saved, as far as a glance tells: nothing of it is checked. `None`: there is none.
    pub fn newest_step(&self) -> Option<u64> {
        [NEWEST, PREVIOUS].iter().find_map(|name| notes_of(&self.path(name)).ok()?.get("step")?.parse().ok())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, path: &Path) -> Result<Checkpoint, RunError> {
        let mut file = TensorFile::read(path)?;
        let note = |key: &str| {
            let missing = || RunError::damaged(path, format!("it has no {key}"));
            file.notes.get(key).cloned().ok_or_else(missing)
        };
        let (format, owner) = (note("format")?, note("owner")?);
        if format != FORMAT {
            return Err(RunError::new(
                format!("{} has format {format}, this apd reads {FORMAT}", path.display()),
                "finish the run with the apd that began it (provenance.json names it), or start anew with --force",
            ));
        }
        if owner != self.owner {
            return Err(RunError::new(
                format!("{} belongs to another run", path.display()),
                "remove it, or start anew with --force",
            ));
        }
        let step = note("step")?.parse().map_err(|_| RunError::damaged(path, "its step is not a number"))?;
        let index = file.tensors.iter().position(|(name, _)| name == LOG);
        let log = index.map(|index| file.tensors.remove(index).1);
        let log = log.ok_or_else(|| RunError::damaged(path, "it has no log"))?;
        let log = Vec::<u8>::try_from(&log).map_err(|_| RunError::damaged(path, "its log is not text"))?;
        let log = from_csv(&log).map_err(|error| RunError::damaged(path, format!("log: {error}")))?;
        let remark = note("remark").unwrap_or_default();
        Ok(Checkpoint { step, tensors: file.tensors, log, remark })
    }
}

/// The outcome of what is done to a file, which may as well not be there.
fn if_there(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn as_csv(rows: &[TrainingRow]) -> Vec<u8> {
    let mut table = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    rows.iter().for_each(|row| table.serialize(row).expect("a row of plain values, written to memory"));
    table.into_inner().expect("written to memory")
}

fn from_csv(text: &[u8]) -> Result<Vec<TrainingRow>, csv::Error> {
    let mut table = csv::Reader::from_reader(text);
    // There is no line of names; which column is which is known.
    table.set_headers(TrainingRow::TABLE.columns.iter().map(|column| column.name).collect());
    table.into_deserialize().collect()
}

#[cfg(test)]
mod tests;
