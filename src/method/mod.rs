//! The ways to take a network apart.

mod apd;
mod comparison;
mod decomposition;
mod lp;

pub use apd::{Apd, Coefficients, Columns, LastComponent};
pub use decomposition::{Decomposition, Observed, SparsePass};
use serde::Serialize;

use crate::settings::{Choice, Variant};

/// Every method that the spec can name, `[method.<method>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Apd(Apd),
}

impl Choice for Method {
    const VARIANTS: &'static [Variant<Self>] = &[Variant::Table("apd", |table| Self::Apd(Apd::read(table)))];
}
