//! Many trials of one experiment: which they are, how they are run, and where they stand.
//!
//! - `settings`, `space`, `space_reader`, `strategy`, `slurm_settings`: what a spec's `[sweep]` says; `trials`: the spec of every trial
//! - `plan`: which trials are trained together
//! - `work`: the packs in turn; `rows`: what came of them, in one table; `ending`: how a replica ended
//! - `workers`, `slurm`, `queue`: in several processes, of this machine or of others
//! - `standing`, `status`: how far it is
//! - `results`, `sensitivity`, `recommendation`, `shortfall`: which setting did best, what that depends on, or why none did
//! - `trade_off_settings`, `trade_off`: active components against error, and the fewest that keep to a stated one
//! - `overview`: all of these at once, for the report

mod ending;
mod overview;
mod plan;
mod queue;
mod recommendation;
mod results;
mod rows;
mod sensitivity;
mod settings;
mod shortfall;
mod slurm;
mod slurm_settings;
mod space;
mod space_reader;
mod standing;
mod status;
mod strategy;
mod trade_off;
mod trade_off_settings;
mod trials;
mod work;
mod workers;

pub use ending::Ending;
pub use overview::{Overview, overview};
pub use plan::Plan;
pub use queue::{Queue, note};
pub use recommendation::recommendation;
pub use results::{TrialResult, best};
pub use sensitivity::{Group, Sensitivity, sensitivities};
pub use settings::Sweep;
pub use shortfall::{diverged_trials, shortfall};
pub use slurm::{Array, Lane, arrays, dependency, ranges};
pub use slurm_settings::Slurm;
pub use space::{Domain, Drawn, Parameter, Range, Scale};
pub use space_reader::Written;
pub use standing::{Standing, Unreadable, standing, standings};
pub use status::status;
pub use strategy::{Draws, MOST_TRIALS, Strategy, in_words};
pub use trade_off::{Point, TradeOff, TradedValue};
pub use trade_off_settings::TradeOffSettings;
pub use trials::{
    SweptSpec, Trial, Trials, load_planned, load_trade_off, load_trials, load_with_sweep, parse_trials,
    parse_with_sweep, reference,
};
pub use work::{Part, Shard, work};
pub use workers::run_workers;
