//! What a run leaves on disk: its folder, checkpoints, tensors, tables, log and provenance.
//!
//! This module knows file names and nothing about mathematics. Everything is written whole or not at all, the moment it
//! exists, and what is read back is either what was written or an error.

mod atomic;
mod checkpoint;
mod checksums;
mod description;
mod error;
mod folder;
mod kind;
mod lock;
pub mod log;
mod numbered;
mod presence;
mod provenance;
mod sweep_folder;
mod table;
mod target_folder;
mod tensors;
mod time;

pub use atomic::{check_results, folder_error, in_the_way, prepare_results, refuse_link, write_whole};
pub use checkpoint::{Checkpoint, Checkpoints};
pub use checksums::{read_checked, read_sealed};
pub use description::{DescribedMethod, DescribedSite, DescribedTarget, Reference, RunDescription, TargetKind};
pub use error::{Elsewhere, RunError, Unfinished, reason};
pub use folder::RunFolder;
pub use kind::FolderKind;
pub use lock::{Lock, locks_work};
pub use presence::{exists, is_file, is_folder, look_at};
pub use provenance::{Machine, Provenance, Status};
pub use sweep_folder::{PackFolder, SweepFolder};
pub use table::{read_table, write_columns, write_table};
pub use target_folder::TargetFolder;
pub use tensors::{TensorFile, check_tensors, read_tensors, write_tensors};
pub use time::{seconds_since_1970, utc_now};
