//! The product with a matrix that is not decomposed.

use super::{Form, Matrix};
use crate::graph::Value;

/// Which of a network's embeddings, the matrices that are not decomposed, in the order of
/// [`crate::network::Network::embeddings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EmbeddingIndex(pub usize);

/// x E. An embedding is no component's, d(x E) = dx E.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embed {
    pub embedding: EmbeddingIndex,
    pub input: Value,
}

impl Embed {
    pub(super) fn form(&self) -> Form<'_> {
        Form::Product { input: self.input, matrix: Matrix::Embedding(self.embedding) }
    }
}
