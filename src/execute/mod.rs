//! The ways to run a network's graph.
//!
//! [`Dense`] computes with the network's own weights, [`Tape`] with components ([`Masked`], [`Selected`]; [`MaskDerivative`] for
//! the derivative by the mask), and both remember what a backward pass needs. [`Tangent`] carries the derivatives along all
//! components beside each value; of small networks the loops of [`crate::kernel`] do so, for one sample at a time or for a few.

mod dense;
mod mask_derivative;
mod masked;
mod matrices;
mod selected;
mod sums;
mod tangent;
mod tape;

pub use dense::{Dense, Node};
pub use mask_derivative::MaskDerivative;
pub use masked::Masked;
pub use matrices::MatrixNode;
pub use selected::Selected;
pub use sums::{FixedMatrices, Mark, Numbers, Sums, Value, Weighing};
pub use tangent::{Product, Tangent};
pub use tape::{SiteProduct, Tape};
