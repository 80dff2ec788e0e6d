//! The random numbers of a step.

use tch::Tensor;

use crate::random::philox::Rows;

/// What numbers are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Drawn {
    /// Masks of all uses at once.
    Stochastic,
    /// Masks of one use at a time.
    Layerwise,
    /// Masks of a random subset of the uses.
    Subset,
    /// Where the ascent of an adversary made anew begins.
    FreshAdversary,
    /// Masks of the samples that do not face the adversary that lives on.
    Merged,
    /// The noise of the gate under binomial masks.
    Gate,
    /// Masks that importances have no share in.
    Random,
}

/// Where the random numbers of a step come from, each a function of what it is for alone.
pub trait Draws {
    /// In [0, 1), for the masks of the use of that place, [replica, row, column]: a column a subcomponent, and the last one for
    /// the delta component where there is one. A row is a sample, or all of them.
    fn sources(&self, drawn: Drawn, draw: usize, place: usize, rows: Rows, columns: i64) -> Tensor;

    /// Zeros and ones [replica, sample, use]: of n uses k, uniform among 1..n, on every sample.
    fn routes(&self, drawn: Drawn, draw: usize, rows: Rows, uses: i64) -> Tensor;

    /// In [0, 1), for the choice of the samples that face the adversary that lives on, [replica, sample, 1].
    fn choices(&self, rows: Rows) -> Tensor;
}
