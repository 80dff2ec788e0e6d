//! One row of `training.csv`.

use serde::{Deserialize, Serialize};

/// One value of one term of one replica at one logged step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    pub replica: u64,
    pub step: u64,
    pub term: String,
    pub value: f64,
}

impl LogRow {
    /// The columns of `training.csv`.
    pub const HEADER: [&str; 4] = ["replica", "step", "term", "value"];
}
