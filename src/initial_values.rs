//! The rule by which weights and factors get their random initial values.

use serde::Serialize;

use crate::spec::TableReader;

/// Xavier's rule seen over an array with a leading axis of `instances`, as the authors' code applies it: the entries
/// of an array [instances, d_1, d_2, ...] are N(0, scale^2 * 2 / ((d_1 + instances) * d_2 * ...)). The number of
/// instances is a constant of the experiment, not the number of replicas that a run happens to train together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InitialValues {
    /// Length of the leading axis in the rule.
    pub instances: u64,
    /// Factor on the standard deviation.
    pub scale: f64,
}

impl InitialValues {
    /// One instance at full scale unless the spec says otherwise: Xavier's rule for a network on its own.
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            instances: table.number("instances").at_least(1).at_most(1_000_000).or(1),
            scale: table.number("scale").above(0.0).or(1.0),
        }
    }
}
