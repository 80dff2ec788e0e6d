//! Measurements: pure functions from components to numbers. They see one replica at a time.
//!
//! - Of every network: [`measure_activity`], [`spectra`], [`Description`], [`rate_distortion()`].
//! - Of toy models of superposition: [`recovery()`], [`error_with_one_component`].
//! - Of residual MLPs: [`feature_work`] (the verdict), [`Contributions`], [`Serving`], [`scrub`], [`layer_shares`].

mod activity;
mod alone;
mod assignment;
mod contribution;
mod description;
mod gated;
mod layers;
mod one_feature;
mod own_component;
mod partial;
mod rank;
mod rate_distortion;
mod recovery;
mod scrubbing;
mod serving;
#[cfg(test)]
mod tiny;

pub use activity::{Activity, measure_activity};
pub use alone::error_with_one_component;
pub use contribution::Contributions;
pub use description::{BITS_PER_RANK, Description, total_ranks};
pub use gated::{FunctionAgreement, FunctionMatch, GatedRecovery, gated_recovery};
pub use layers::{layer_shares, layers_spanned};
pub use one_feature::OneFeatureInputs;
pub use own_component::{FeatureWork, feature_work};
pub use partial::{Partial, squared_errors};
pub use rank::{Spectrum, spectra};
pub use rate_distortion::{RatePoint, rate_distortion};
pub use recovery::{ComponentMatch, FeatureMatch, Recovery, recovery};
pub use scrubbing::{Scrubbing, scrub};
pub use serving::{ComponentState, SERVING_SHARE, Serving};
