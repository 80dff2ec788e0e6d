//! Measurements: pure functions from components to numbers. They see one replica at a time.

mod activity;
mod alone;
mod assignment;
mod gated;
mod rank;
mod recovery;

pub use activity::{Activity, measure_activity};
pub use alone::error_with_one_component;
pub use gated::{FunctionAgreement, FunctionMatch, GatedRecovery, gated_recovery};
pub use rank::{Spectrum, spectra};
pub use recovery::{ComponentMatch, FeatureMatch, Recovery, recovery};
