//! `apd sweep`.

mod hyperparameters;
mod launch;
mod plan;
mod status;
mod submit;
mod work;

use clap::{Args, Subcommand};
use indicatif::MultiProgress;

use super::{Ending, Failure, options::Options};

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
    pub fn run(&self, options: &Options, screen: &MultiProgress) -> Result<Ending, Failure> {
        match &self.what {
            What::Hyperparameters(sweep) => sweep.run(options, screen),
            What::Work(work) => work.run(options, screen),
            What::Status(status) => status.run(),
        }
    }
}
