//! The only training loop, for targets and components alike.

use serde::Serialize;

use crate::schedule::Schedule;

/// The settings of one training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Training {
    /// Number of updates.
    pub steps: u64,
    /// Number of samples in each step.
    pub batch: usize,
    /// Learning rate at the top of its schedule.
    pub learning_rate: f64,
    /// Share of the steps in which the learning rate rises from zero.
    pub warm_up: f64,
    /// Decoupled weight decay (Loshchilov and Hutter 2019); 0 is Adam.
    pub weight_decay: f64,
    pub schedule: Schedule,
}
