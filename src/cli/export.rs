//! `apd export tensorboard RUN...`, `apd export png RUN...`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, value_parser};

use super::{
    Ending, Failure,
    folders::{Wanted, meant},
};
use crate::{
    report,
    run::{Elsewhere, RunError, refuse_link},
    shell::quoted_path,
};

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
    /// Write the figures as PNG
    ///
    /// The report has them as SVG, which any size suits; PNG is for what cannot show SVG.
    #[command(after_help = "\
Examples:
  apd export png runs/tms_5-2-7918ae8e
  apd export png runs/tms_* --out slides --width 1920")]
    Png(Png),
}

#[derive(Debug, Args)]
struct Tensorboard {
    #[command(flatten)]
    runs: Runs,
}

#[derive(Debug, Args)]
struct Png {
    #[command(flatten)]
    runs: Runs,
    /// Width of a figure; 1320 pixels are 85 mm at 395 pixels an inch
    #[arg(long, value_name = "PIXELS", default_value_t = 1320, value_parser = value_parser!(u32).range(100..=20_000))]
    width: u32,
}

#[derive(Debug, Args)]
struct Runs {
    /// Run folders; of several paths those that are no runs are passed over
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Write to a folder in FOLDER that is named like the run [default: in RUN]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Export {
    pub fn run(&self) -> Result<Ending, Failure> {
        match &self.format {
            Format::Tensorboard(Tensorboard { runs }) => runs.export("tensorboard", |run, folder| {
                let count = report::export_to_tensorboard(run, folder)?.len();
                let plural = if count == 1 { "" } else { "s" };
                tracing::info!(
                    "{count} replica{plural} for TensorBoard: {}\n  help: look with: tensorboard --logdir {}",
                    folder.display(),
                    quoted_path(folder)
                );
                Ok(())
            }),
            Format::Png(Png { runs, width }) => runs.export("report", |run, folder| {
                let count = report::export_as_png(run, folder, *width)?.len();
                tracing::info!("{count} figure{}: {}", if count == 1 { "" } else { "s" }, folder.display());
                Ok(())
            }),
        }
    }
}

impl Runs {
    /// Calls `export` with every run and the folder that its files belong into, `own` in the run where none was given.
    fn export(&self, own: &str, export: impl Fn(&Path, &Path) -> Result<(), RunError>) -> Result<Ending, Failure> {
        let runs = meant(&self.runs, Wanted::Runs)?;
        let paths: Vec<&Path> = runs.folders.iter().map(PathBuf::as_path).collect();
        let mut names = report::place::names(&paths).into_iter();
        runs.each(|run| {
            let exported = match (&self.out, names.next()) {
                (Some(out), Some(name)) => export(run, &out.join(name)),
                _ => refuse_link(&run.join(own)).and_then(|()| export(run, &run.join(own))),
            };
            exported.map_err(|error| Failure::work(error.of_command(Elsewhere::Out)))?;
            Ok(Ending::Done)
        })
    }
}
