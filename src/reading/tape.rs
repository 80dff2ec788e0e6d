//! The reading with components, which computes tensors and remembers what a backward pass needs.

use tch::Tensor;

use super::{Activation, BiasIndex, EmbeddingIndex, Reading, SiteUse};
use crate::{small_matmul, weights::Weights};

/// How the components of a site act on a value and how the derivative comes back: all in which masked and selected
/// components differ.
pub trait SiteProduct {
    /// What the backward pass needs of the forward one beside the input.
    type Saved;
    /// Where the derivatives with respect to the site matrices' parameters are added up.
    type Gradient;

    /// The product with `input` [replica, sample, d_in].
    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Self::Saved);

    /// Adds the parameters' derivative to `gradient`, given that of the product; returns the input's derivative where
    /// it is wanted.
    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Self::Saved>,
        output_gradient: &Tensor,
        gradient: &mut Self::Gradient,
    ) -> Option<Tensor>;
}

/// What the backward pass of a product sees of the forward one.
pub struct Forward<'a, Saved> {
    pub input: &'a Tensor,
    pub saved: &'a Saved,
    /// Whether anything before the input wants its derivative.
    pub input_gradient_wanted: bool,
}

/// A value on the tape.
#[derive(Clone, Copy, Debug)]
pub struct Value(usize);

enum Operation<Saved> {
    Input,
    Apply { site: SiteUse, input: Value, saved: Saved },
    Embed { embedding: EmbeddingIndex, input: Value },
    AddBias { input: Value },
    Activate { activation: Activation, input: Value },
    Add { left: Value, right: Value },
}

struct Node<Saved> {
    operation: Operation<Saved>,
    output: Tensor,
    /// Whether a parameter is behind it.
    moves: bool,
}

/// A forward pass that can be walked backwards. The derivatives are written out by hand, in a fixed order of
/// summation, so that a step repeated gives the same bytes.
pub struct Tape<'a, P: SiteProduct> {
    product: P,
    /// Whose biases and embeddings are used.
    weights: &'a Weights,
    nodes: Vec<Node<P::Saved>>,
}

impl<'a, P: SiteProduct> Tape<'a, P> {
    /// An empty tape; biases and embeddings are those of `weights`.
    pub fn new(product: P, weights: &'a Weights) -> Self {
        Self { product, weights, nodes: Vec::new() }
    }

    /// Puts the network's input [replica, sample, width] on the tape.
    pub fn input(&mut self, input: &Tensor) -> Value {
        self.push(Operation::Input, input.shallow_clone(), false)
    }

    pub fn tensor(&self, value: Value) -> &Tensor {
        &self.nodes[value.0].output
    }

    /// What came out of the activations within the network, in their order; an activation at its end is its output.
    pub fn hidden_activations(&self) -> Vec<Value> {
        let inner = &self.nodes[..self.nodes.len() - 1];
        let activations =
            inner.iter().enumerate().filter(|(_, node)| matches!(node.operation, Operation::Activate { .. }));
        activations.map(|(index, _)| Value(index)).collect()
    }

    /// Every use of a site with what entered it.
    pub fn site_uses(&self) -> impl Iterator<Item = (SiteUse, &Tensor)> {
        self.nodes.iter().filter_map(|node| match node.operation {
            Operation::Apply { site, input, .. } => Some((site, self.tensor(input))),
            _ => None,
        })
    }

    fn push(&mut self, operation: Operation<P::Saved>, output: Tensor, moves: bool) -> Value {
        self.nodes.push(Node { operation, output, moves });
        Value(self.nodes.len() - 1)
    }

    fn moves(&self, value: Value) -> bool {
        self.nodes[value.0].moves
    }

    /// Adds the derivative of every parameter to `gradient`, given the derivatives of some values on the tape.
    pub fn backward(&self, derivatives: impl IntoIterator<Item = (Value, Tensor)>, gradient: &mut P::Gradient) {
        let mut pending = Pending(self.nodes.iter().map(|_| None).collect());
        derivatives.into_iter().for_each(|(value, derivative)| pending.add(value, derivative));
        for (index, node) in self.nodes.iter().enumerate().rev().filter(|(_, node)| node.moves) {
            let Some(derivative) = pending.take(Value(index)) else { continue };
            match &node.operation {
                Operation::Input => {}
                Operation::Apply { site, input, saved } => {
                    let input_gradient_wanted = self.moves(*input);
                    let forward = Forward { input: self.tensor(*input), saved, input_gradient_wanted };
                    if let Some(input_gradient) = self.product.backward(*site, forward, &derivative, gradient) {
                        pending.add(*input, input_gradient);
                    }
                }
                Operation::Embed { embedding, input } => {
                    pending.add(*input, derivative.bmm(&self.weights.embeddings[embedding.0].mt()));
                }
                Operation::AddBias { input } => pending.add(*input, derivative),
                Operation::Activate { activation, input } => {
                    pending.add(*input, activation.backward(self.tensor(*input), &derivative));
                }
                Operation::Add { left, right } => {
                    pending.add(*left, derivative.shallow_clone());
                    pending.add(*right, derivative);
                }
            }
        }
    }
}

/// The derivatives of values whose uses have been walked back over, summed in the order of the walk.
struct Pending(Vec<Option<Tensor>>);

impl Pending {
    fn add(&mut self, Value(index): Value, derivative: Tensor) {
        let slot = &mut self.0[index];
        // Not in place: both sides of a sum share one derivative.
        *slot = Some(slot.take().map_or_else(|| derivative.shallow_clone(), |sum| sum + &derivative));
    }

    fn take(&mut self, Value(index): Value) -> Option<Tensor> {
        self.0[index].take()
    }
}

impl<P: SiteProduct> Reading for Tape<'_, P> {
    type Value = Value;

    fn apply(&mut self, site: impl Into<SiteUse>, input: Value) -> Value {
        let site = site.into();
        let (output, saved) = self.product.forward(site, self.tensor(input));
        self.push(Operation::Apply { site, input, saved }, output, true)
    }

    fn embed(&mut self, embedding: EmbeddingIndex, input: Value) -> Value {
        let output = self.tensor(input).bmm(&self.weights.embeddings[embedding.0]);
        let moves = self.moves(input);
        self.push(Operation::Embed { embedding, input }, output, moves)
    }

    fn add(&mut self, left: Value, right: Value) -> Value {
        let output = self.tensor(left) + self.tensor(right);
        let moves = self.moves(left) || self.moves(right);
        self.push(Operation::Add { left, right }, output, moves)
    }

    fn add_bias(&mut self, bias: BiasIndex, input: Value) -> Value {
        let output = small_matmul::plus_row(self.tensor(input), &self.weights.biases[bias.0].unsqueeze(1));
        let moves = self.moves(input);
        self.push(Operation::AddBias { input }, output, moves)
    }

    fn activate(&mut self, activation: Activation, input: Value) -> Value {
        let output = activation.of(self.tensor(input));
        let moves = self.moves(input);
        self.push(Operation::Activate { activation, input }, output, moves)
    }
}
