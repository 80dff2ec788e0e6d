//! Which components are active on which sample.

use serde::Serialize;

use crate::spec::{Choice, TableReader, Variant};

/// Every selection rule that the spec can name, `[method.apd.selection.<rule>]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    BatchTopK(BatchTopK),
}

impl Choice for Selection {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Table("batch_top_k", |table| Self::BatchTopK(BatchTopK::read(table)))];
}

/// The floor(k * batch) largest attributions of the whole batch x component table (Braun et al. 2025, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BatchTopK {
    /// Mean number of active components a sample.
    pub k: f64,
}

impl BatchTopK {
    fn read(table: &mut TableReader) -> Self {
        Self { k: table.number("k").above(0.0).such_as(0.211) }
    }
}
