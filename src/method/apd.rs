//! Attribution-based Parameter Decomposition (Braun et al. 2025, section 2), top-k form.

use serde::Serialize;

use crate::{initial_values::InitialValues, selection::Selection, spec::TableReader};

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

impl Apd {
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            components: table.size("components").such_as(5),
            rank: table.size("rank").such_as(3),
            schatten_power: table.number("schatten_power").above(0.0).at_most(2.0).such_as(1.0),
            coefficients: table.table("coefficients", Coefficients::read),
            initial_values: table.table("initial_values", InitialValues::read),
            selection: table.table("selection", TableReader::variant),
        }
    }
}

/// The weights of the loss terms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coefficients {
    pub faithfulness: f64,
    pub minimality: f64,
    pub simplicity: f64,
}

impl Coefficients {
    /// Faithfulness and minimality count once unless the spec says otherwise, as in most experiments of the paper; what
    /// is tuned is simplicity.
    fn read(table: &mut TableReader) -> Self {
        Self {
            faithfulness: table.number("faithfulness").at_least(0.0).or(1.0),
            minimality: table.number("minimality").at_least(0.0).or(1.0),
            simplicity: table.number("simplicity").at_least(0.0).such_as(0.7),
        }
    }
}
