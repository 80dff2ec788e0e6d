//! The networks that can be taken apart. A network is its sizes and its forward pass.

mod tms;

use serde::Serialize;
pub use tms::{HiddenKind, Tms};

use crate::spec::{Choice, Variant};

/// Every network that the spec can name, `[target.<network>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    Tms(Tms),
}

impl Choice for Network {
    const VARIANTS: &'static [Variant<Self>] = &[Variant::Table("tms", |table| Self::Tms(Tms::read(table)))];
}
