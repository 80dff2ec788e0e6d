//! The sum of two values, as of a residual stream and what a layer adds to it.

use super::Form;
use crate::graph::Value;

/// x + y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add {
    pub left: Value,
    pub right: Value,
}

impl Add {
    pub(super) fn form(&self) -> Form<'_> {
        Form::Sum { left: self.left, right: self.right }
    }
}
