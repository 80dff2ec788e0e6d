//! Measurements: pure functions from components to numbers. They see one replica at a time.
//!
//! - Of every network: [`measure_activity`], [`coactivities`], [`spectra`], [`Description`], [`rate_distortion()`].
//! - Of importances that are learned at every use of a matrix: [`UseActivity`], [`identity_error`], [`dense_error`].
//! - To tell right from wrong without the mechanisms: [`score()`], from [`Distortion`] and [`Profiles`]; its rivals
//!   [`ablate_inactive`], [`agreement()`].
//! - Which features have a mechanism that can be recovered: [`represented()`].
//! - Of toy models of superposition: [`recovery()`], [`error_with_components`].
//! - Of residual MLPs: [`feature_work`] (the verdict), [`Contributions`], [`Serving`], [`scrub`], [`FeatureScrubbing`],
//!   [`layer_shares`].
//! - Which components make up a feature's mechanism: [`Mechanisms`].
//! - What networks answer to one feature alone: [`OneFeatureInputs`], [`responses`], [`response_curves`].

mod ablation;
mod activity;
mod agreement;
mod alone;
mod assignment;
mod at_use;
mod attribution_profile;
mod coactivity;
mod contribution;
mod description;
mod distortion;
mod gated;
mod layers;
mod mechanism;
mod one_feature;
mod own_component;
mod partial;
mod rank;
mod rate_distortion;
mod recovery;
mod represented;
mod response;
mod score;
mod scrubbing;
mod scrubbing_curve;
mod serving;
#[cfg(test)]
mod tiny;

pub use ablation::{Ablation, ablate_inactive};
pub use activity::{Activity, measure_activity};
pub use agreement::{agreement, mean_agreements, parameter_cosines};
pub use alone::error_with_components;
pub use at_use::{IMPORTANCE_TOLERANCE, UseActivity, dense_error, identity_error};
pub use attribution_profile::Profiles;
pub use coactivity::{Coactivity, coactivities};
pub use contribution::Contributions;
pub use description::{BITS_PER_RANK, Description, total_ranks};
pub use distortion::{Distortion, STATED_SHARE};
pub use gated::{FunctionAgreement, FunctionMatch, GatedRecovery, gated_recovery};
pub use layers::{layer_shares, layers_spanned};
pub use mechanism::Mechanisms;
pub use one_feature::{OneFeatureInputs, curve_values};
pub use own_component::{FeatureWork, feature_work};
pub use partial::{Partial, squared_errors};
pub use rank::{Spectrum, spectra};
pub use rate_distortion::{RatePoint, rate_distortion};
pub use recovery::{ComponentMatch, FeatureMatch, Recovery, Verdict, recovery, without_dead};
pub use represented::{LEAST_SHARE, left_out_in_words, represented};
pub use response::{Company, ResponseCurves, Responses, response_curves, responses, selection_by_value};
pub use score::{best, mean_log_error, score};
pub use scrubbing::{Scrubbing, scrub};
pub use scrubbing_curve::{FeatureScrubbing, ScrubbedResponses};
pub use serving::{ComponentState, SERVING_SHARE, Serving};
