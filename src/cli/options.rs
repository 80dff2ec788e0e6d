//! The flags that all commands know.

use std::{
    num::NonZeroU16,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};

use clap::Args;

use super::Loudness;
use crate::{device::DeviceChoice, shell::quoted_path};

/// Where results are unless something else is said.
const USUAL_RESULTS: &str = "runs";

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub struct Options {
    /// Where to compute: auto (the first GPU if there is one), cpu, cuda or cuda:N
    #[arg(long, global = true, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,

    /// Change a value of the spec, for example method.apd.rank=1 (repeatable)
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// The folder for run folders and trained targets
    #[arg(long, global = true, value_name = "DIR", default_value = USUAL_RESULTS)]
    pub results: PathBuf,

    /// Number of CPU threads to compute with [default: all cores]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroU16>,

    /// How old a checkpoint may be when a run is killed; 0 saves every few steps
    ///
    /// Older where saving would otherwise take more than 2 % of the time.
    #[arg(long, global = true, value_name = "N", default_value_t = 20)]
    checkpoint_seconds: u32,

    /// Start anew beside earlier results; nothing is deleted
    #[arg(long, global = true)]
    pub force: bool,

    /// Say only what is wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Options {
    pub fn threads(&self) -> NonZeroU16 {
        let cores = || available_parallelism().ok().and_then(|cores| NonZeroU16::try_from(cores).ok());
        self.threads.or_else(cores).unwrap_or(NonZeroU16::MIN)
    }

    /// ` --results DIR` for a command to copy; nothing where it is the usual folder.
    pub fn results_again(&self) -> String {
        let is_usual = self.results == Path::new(USUAL_RESULTS);
        if is_usual { String::new() } else { format!(" --results {}", quoted_path(&self.results)) }
    }

    pub fn checkpoint_age(&self) -> Duration {
        Duration::from_secs(self.checkpoint_seconds.into())
    }

    pub fn loudness(&self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (_, true) => Loudness::Verbose,
            _ => Loudness::Normal,
        }
    }
}
