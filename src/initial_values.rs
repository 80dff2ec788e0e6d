//! The rule by which weights and factors get their random initial values.

use serde::Serialize;

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
