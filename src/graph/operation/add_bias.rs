//! The sum with a bias.

use super::Form;
use crate::graph::Value;

/// Which of a network's biases, in the order of [`crate::network::Network::biases`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BiasIndex(pub usize);

/// x + b. A bias is no component's, d(x + b) = dx.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddBias {
    pub bias: BiasIndex,
    pub input: Value,
}

impl AddBias {
    pub(super) fn form(&self) -> Form<'_> {
        Form::PlusRow { input: self.input, bias: self.bias }
    }
}
