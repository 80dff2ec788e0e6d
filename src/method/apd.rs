//! Attribution-based Parameter Decomposition (Braun et al. 2025, section 2), top-k form.

use serde::Serialize;

use crate::{initial_values::InitialValues, selection::Selection};

/// The settings of Attribution-based Parameter Decomposition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Apd {
    /// Number of components C.
    pub components: usize,
    /// Rank budget m of each component at each site.
    pub rank: usize,
    /// Power p of the Schatten norm in the simplicity loss.
    pub schatten_power: f64,
    pub coefficients: Coefficients,
    pub initial_values: InitialValues,
    pub selection: Selection,
}

/// The weights of the loss terms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coefficients {
    pub faithfulness: f64,
    pub minimality: f64,
    pub simplicity: f64,
}
