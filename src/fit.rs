//! The only training loop, for targets and components alike.

use serde::Serialize;

use crate::{schedule::Schedule, spec::TableReader};

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

impl Training {
    /// A constant learning rate from the first step on, unless the spec says otherwise.
    pub fn read(table: &mut TableReader, default_weight_decay: f64) -> Self {
        Self {
            steps: table.number("steps").at_least(1).at_most(1_000_000_000).such_as(5_000),
            batch: table.number("batch").at_least(1).at_most(10_000_000).such_as(2_048),
            learning_rate: table.number("learning_rate").above(0.0).such_as(0.005),
            warm_up: table.number("warm_up").at_least(0.0).below(1.0).or(0.0),
            weight_decay: table.number("weight_decay").at_least(0.0).or(default_weight_decay),
            schedule: table.choice("schedule").or(Schedule::Constant),
        }
    }
}
