//! Readings: the ways to run a network's forward pass.
//!
//! A network says what it computes over the few operations of [`Reading`]; a reading says what a value is and what the
//! operations do. [`Dense`] computes with the network's own weights, [`Tape`] with masked components ([`Masked`],
//! [`Selected`]; [`MaskDerivative`] for the derivative by the mask), and both remember what a backward pass needs; [`Tangent`] carries the derivative along every component
//! beside each value; [`SampleTangent`] does so for one sample at a time, [`LaneTangent`] for a few.

mod activation;
mod dense;
mod lane_tangent;
mod mask_derivative;
mod masked;
mod sample_tangent;
mod selected;
mod tangent;
mod tangent_matrices;
mod tape;

pub use activation::Activation;
pub use dense::{Dense, Node};
pub use lane_tangent::{LANES, LaneTangent, LaneValue, Lanes};
pub use mask_derivative::MaskDerivative;
pub use masked::Masked;
pub use sample_tangent::SampleTangent;
pub use selected::Selected;
pub use tangent::{Tangent, WithTangents};
pub use tangent_matrices::{TangentMatrices, components_innermost};
pub use tape::{SiteProduct, Tape, Value};

use crate::site::SiteIndex;

/// Which of a network's biases, in the order of [`crate::network::Network::biases`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BiasIndex(pub usize);

/// Which of a network's embeddings, the matrices that are not decomposed, in the order of
/// [`crate::network::Network::embeddings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EmbeddingIndex(pub usize);

/// One use of a site's matrix W [d_in, d_out]: y = x W, or, where a tied weight is used again transposed, y = x W^T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteUse {
    pub site: SiteIndex,
    pub transposed: bool,
}

impl From<SiteIndex> for SiteUse {
    fn from(site: SiteIndex) -> Self {
        Self { site, transposed: false }
    }
}

impl SiteIndex {
    /// The site's matrix used transposed.
    pub fn transposed(self) -> SiteUse {
        SiteUse { site: self, transposed: true }
    }
}

/// What a network's forward pass is written in. Values stand for [replica, sample, width].
pub trait Reading {
    /// Cloned where it is used twice.
    type Value: Clone;

    /// x W, or x W^T.
    fn apply(&mut self, site: impl Into<SiteUse>, input: Self::Value) -> Self::Value;

    /// x E with a matrix that is no component's.
    fn embed(&mut self, embedding: EmbeddingIndex, input: Self::Value) -> Self::Value;

    /// x + y.
    fn add(&mut self, left: Self::Value, right: Self::Value) -> Self::Value;

    /// x + b.
    fn add_bias(&mut self, bias: BiasIndex, input: Self::Value) -> Self::Value;

    /// The function of every entry.
    fn activate(&mut self, activation: Activation, input: Self::Value) -> Self::Value;
}
