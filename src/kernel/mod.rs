//! Loops written by hand, each in the place of a plainer form that computes the same.
//!
//! Every one has a switch, so that `scripts/bench --kernels` can measure what it gains on each experiment. A loop that makes no
//! shipped experiment 1.10 times faster has no place here.
//!
//! - [`Kernel`]: the switches
//! - `lane_tangent`, `sample_tangent`, `tangent_matrices`: derivatives along all components of small networks, for graphs that
//!   `claims` accepts
//! - `pairs`: products of the active (sample, component) pairs with their components' factors
//! - `adam`: the update of the parameters
//! - `scalar_mlps`: small perceptrons that read one number each
//! - `gelu`: the exact gelu and its slope, for vectors
//! - `simd`: sums over long rows and the widest vectors
//! - `threads`: work spread over threads

pub(crate) mod adam;
mod gelu;
mod lane_tangent;
pub(crate) mod pairs;
mod sample_tangent;
mod scalar_mlps;
pub(crate) mod simd;
mod tangent_matrices;
pub(crate) mod threads;

use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use lane_tangent::{LANES, LaneTangent};
pub(crate) use sample_tangent::SampleTangent;
pub(crate) use scalar_mlps::{ScalarMlpGradients, ScalarMlps};
use serde::Serialize;
pub(crate) use simd::BLOCK;
pub(crate) use tangent_matrices::{TangentMatrices, claims};

/// A loop that stands in the place of a plainer form. Switched off, it is replaced by that form in the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// Derivatives of tiny networks for 32 samples side by side, in the place of [`Kernel::SampleTangents`].
    LaneTangents,
    /// Derivatives of small networks sample by sample without what is zero, in the place of matrix products over blocks of
    /// samples ([`crate::execute::Tangent`]).
    SampleTangents,
    /// The sparse pass over the active pairs, in the place of products with all components ([`crate::execute::Masked`]).
    ActivePairs,
    /// Small factors copied next to each other, in the place of reading them as they lie in memory.
    PackedFactors,
    /// The update in one pass over the memory, in the place of a chain of tensor operations.
    Adam,
    /// Sums of products over the rows and columns of factors in one pass, in the place of two tensor operations.
    FactorSums,
    /// Uniform numbers of the generator Philox in one loop over vectors, in the place of a chain of integer tensor operations.
    Philox,
    /// Masks of subcomponents applied in one pass over the memory, in the place of a chain of tensor operations.
    Ablations,
    /// Causal importances of single numbers without stored hidden activations, in the place of a chain of tensor operations.
    ScalarMlps,
    /// Vectors as wide as the processor has, in the place of those that every processor of its kind has.
    WidestVectors,
    /// Loops spread over threads, in the place of one thread.
    LoopThreads,
    /// Loops on libtorch's own threads, in the place of threads started for each loop.
    LibtorchThreads,
    /// Replicas spread over threads in lanes, in the place of one lane for all. Takes effect when a training begins.
    Lanes,
    /// More lanes than threads where these would not be equally busy, in the place of one for each thread. Takes effect when a
    /// training begins.
    SpareLanes,
}

/// A bit for each kernel that is switched off.
static SWITCHED_OFF: AtomicU32 = AtomicU32::new(0);

impl Kernel {
    pub const ALL: [Self; 14] = [
        Self::LaneTangents,
        Self::SampleTangents,
        Self::ActivePairs,
        Self::PackedFactors,
        Self::Adam,
        Self::FactorSums,
        Self::Philox,
        Self::Ablations,
        Self::ScalarMlps,
        Self::WidestVectors,
        Self::LoopThreads,
        Self::LibtorchThreads,
        Self::Lanes,
        Self::SpareLanes,
    ];

    /// Whether the kernel is used where it suits; its plain form is, otherwise.
    #[inline]
    pub fn is_on(self) -> bool {
        SWITCHED_OFF.load(Ordering::Relaxed) & self.bit() == 0
    }

    /// Switches the kernel for the whole process, from the next call on. For measurements and tests.
    pub fn switch(self, on: bool) {
        if on {
            SWITCHED_OFF.fetch_and(!self.bit(), Ordering::Relaxed);
        } else {
            SWITCHED_OFF.fetch_or(self.bit(), Ordering::Relaxed);
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}
