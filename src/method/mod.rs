//! The ways to take a network apart.

mod apd;

pub use apd::{Apd, Coefficients, Decomposition, SparsePass};
use serde::Serialize;

/// Every method that the spec can name, `[method.<method>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Apd(Apd),
}
