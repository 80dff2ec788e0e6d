//! Many trials of one experiment: which they are, how they are run, and where they stand.
//!
//! - `settings`, `space`, `strategy`, `slurm_settings`: what a spec's `[sweep]` says, and the values of every trial

mod settings;
mod slurm_settings;
mod space;
mod strategy;

pub use settings::Sweep;
pub use slurm_settings::Slurm;
pub use space::{Domain, Drawn, Parameter, Range, Scale};
pub use strategy::{Draws, Strategy, in_words};
