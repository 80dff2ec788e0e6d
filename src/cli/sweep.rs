//! `apd sweep`.

mod hyperparameters;
mod launch;
mod plan;
mod status;
mod submit;
mod work;

use clap::{Args, Subcommand};
use indicatif::MultiProgress;

use super::{Ending, Failure};

/// Run many trials of one experiment
#[derive(Debug, Args)]
pub struct Sweep {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Hyperparameters(hyperparameters::Hyperparameters),
    Work(work::Work),
    Status(status::Status),
}

impl Sweep {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        match &self.what {
            What::Hyperparameters(sweep) => sweep.run(screen),
            What::Work(work) => work.run(screen),
            What::Status(status) => status.run(),
        }
    }
}
