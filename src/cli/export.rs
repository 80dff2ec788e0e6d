//! `apd export tensorboard RUN...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Ending, Failure};
use crate::report;

/// Write runs for other programs
#[derive(Debug, Args)]
pub struct Export {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    /// Write event files of TensorBoard, which W&B and Aim read too
    ///
    /// One folder a replica, RUN/tensorboard/replica_0 and so on, with the losses over the steps, the numbers of
    /// summary.csv at the last step, and the spec. A run that is still going can be exported again and again.
    #[command(after_help = "\
Examples:
  apd export tensorboard runs/tms_5-2-7918ae8e
  apd export tensorboard runs/tms_* --out events
  tensorboard --logdir events")]
    Tensorboard(Tensorboard),
}

#[derive(Debug, Args)]
struct Tensorboard {
    /// Run folders
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Write to FOLDER/<name of the run> [default: RUN/tensorboard]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Export {
    pub fn run(&self) -> Result<Ending, Failure> {
        let Format::Tensorboard(Tensorboard { runs, out }) = &self.format;
        for run in runs {
            let name = run.canonicalize().ok().and_then(|path| path.file_name().map(PathBuf::from)).unwrap_or_default();
            let folder = out.as_ref().map_or_else(|| run.join("tensorboard"), |out| out.join(name));
            let written = report::export_to_tensorboard(run, &folder).map_err(Failure::work)?;
            let count = written.len();
            tracing::info!(
                "{count} replica{} for TensorBoard: {1}\n  help: look at them with: tensorboard --logdir {1}",
                if count == 1 { "" } else { "s" },
                folder.display()
            );
        }
        Ok(Ending::Done)
    }
}
