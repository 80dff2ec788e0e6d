//! The networks that can be taken apart. A network is its sizes and its forward pass.

mod tms;

use serde::Serialize;
pub use tms::{HiddenKind, Tms};

/// Every network that the spec can name, `[target.<network>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    Tms(Tms),
}
