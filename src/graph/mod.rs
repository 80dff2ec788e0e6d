//! A network's forward pass as a list of operations.
//!
//! A network builds the list ([`crate::network::Network::graph`]), and the ways to run it walk along it: [`crate::execute`] with
//! the network's own weights, with components, or with derivatives along them. An [`operation`] is a file of its own; none of
//! the ways to run a graph knows it by name, only by its [`Form`].

mod live;
pub mod operation;

pub use live::Live;
use operation::{Activate, Add, AddBias, Apply, Embed};
pub use operation::{Activation, BiasIndex, EmbeddingIndex, Form, Function, Matrix, Operation, SiteUse};

/// A value of a graph, [replica, sample, width] when it is run: the input, or what an operation makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(usize);

impl Value {
    pub const INPUT: Self = Self(0);

    /// Its place among the values: the input is the first, the others follow in the order of the operations.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Operations in the order in which they are run; the last one makes the output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    operations: Vec<Operation>,
}

impl Graph {
    /// The operations by which `forward` makes the output from the input.
    ///
    /// # Panics
    /// If the output is not what was made last.
    pub fn build(forward: impl FnOnce(&mut Self, Value) -> Value) -> Self {
        let mut graph = Self::default();
        let output = forward(&mut graph, Value::INPUT);
        assert_eq!(output, graph.output(), "the output is made last");
        graph
    }

    /// x W, or x W^T.
    pub fn apply(&mut self, site: impl Into<SiteUse>, input: Value) -> Value {
        self.push(Operation::Apply(Apply { site: site.into(), input }))
    }

    /// x E with a matrix that is no component's.
    pub fn embed(&mut self, embedding: EmbeddingIndex, input: Value) -> Value {
        self.push(Operation::Embed(Embed { embedding, input }))
    }

    /// x + y.
    pub fn add(&mut self, left: Value, right: Value) -> Value {
        self.push(Operation::Add(Add { left, right }))
    }

    /// x + b.
    pub fn add_bias(&mut self, bias: BiasIndex, input: Value) -> Value {
        self.push(Operation::AddBias(AddBias { bias, input }))
    }

    /// The function of every entry.
    pub fn activate(&mut self, activation: Activation, input: Value) -> Value {
        self.push(Operation::Activate(Activate { activation, input }))
    }

    fn push(&mut self, operation: Operation) -> Value {
        self.operations.push(operation);
        self.output()
    }

    /// Every operation with the value that it makes.
    pub fn operations(&self) -> impl DoubleEndedIterator<Item = (Value, &Operation)> {
        self.operations.iter().enumerate().map(|(index, operation)| (Value(index + 1), operation))
    }

    /// Every use of a decomposed matrix, in the order of the forward pass.
    pub fn uses(&self) -> impl Iterator<Item = SiteUse> {
        self.operations.iter().filter_map(|operation| match operation.form() {
            Form::Product { matrix: Matrix::Site(site_use), .. } => Some(site_use),
            _ => None,
        })
    }

    /// Number of values, the input among them.
    pub fn values(&self) -> usize {
        self.operations.len() + 1
    }

    pub fn output(&self) -> Value {
        Value(self.operations.len())
    }

    /// What comes out of the activations within the network, in their order; an activation at its end is its output.
    pub fn hidden_activations(&self) -> impl Iterator<Item = Value> {
        let activations = self
            .operations()
            .filter(|(_, operation)| matches!(operation, Operation::Activate(_)))
            .map(|(value, _)| value);
        activations.filter(|value| *value != self.output())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::SiteIndex;

    #[test]
    fn an_activation_at_the_end_is_no_hidden_one() {
        let graph = Graph::build(|graph, input| {
            let hidden = graph.activate(Activation::Relu, input);
            let output = graph.apply(SiteIndex(0), hidden);
            graph.activate(Activation::Relu, output)
        });
        assert!(graph.hidden_activations().eq([Value(1)]));
        assert_eq!(graph.output(), Value(3));
    }

    #[test]
    #[should_panic(expected = "the output is made last")]
    fn an_operation_that_the_output_does_not_need_is_a_mistake() {
        Graph::build(|graph, input| {
            let output = graph.activate(Activation::Relu, input);
            graph.apply(SiteIndex(0), output);
            output
        });
    }
}
