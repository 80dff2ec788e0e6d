//! The reading with the network's own weights, which remembers what a backward pass needs.
//!
//! A residual stream is wide, but what is added to it is narrow: a few numbers a sample times a matrix. Such a term waits,
//! and the matrices are multiplied first: x W_E W_in is x (W_E W_in), and nothing of the size [sample, width of the
//! stream] is ever built, forwards or backwards. Matrices and samples are alike here: nodes of one graph of sums of
//! products.

use tch::Tensor;

use super::{Activation, BiasIndex, EmbeddingIndex, Reading, SiteUse};
use crate::{
    small_matmul,
    weights::{RequiresGrad, Weights},
};

/// A tensor that has been computed, [replica, sample, width] or, for matrices, [replica, d_in, d_out].
#[derive(Clone, Copy, Debug)]
pub struct Node(usize);

/// A value of the reading: the sum of its terms.
#[derive(Clone, Debug)]
pub struct Sum(Vec<Term>);

#[derive(Clone, Copy, Debug)]
enum Term {
    /// As wide as the sum. A single row, as of a bias, counts for every sample.
    Known(Node),
    /// Numbers of every sample that are still to be multiplied by a matrix.
    Waiting { numbers: Node, matrix: Node },
}

impl From<Term> for Sum {
    fn from(term: Term) -> Self {
        Self(vec![term])
    }
}

#[derive(Clone, Copy)]
enum Parameter {
    Site(SiteUse),
    Embedding(EmbeddingIndex),
    Bias(BiasIndex),
}

impl Parameter {
    /// The parameter, or what `weights` holds in its place, as it is used: a matrix; a bias is one of a single row.
    fn of(self, weights: &Weights) -> Tensor {
        match self {
            Parameter::Site(SiteUse { site, transposed: false }) => weights.sites[site].shallow_clone(),
            Parameter::Site(SiteUse { site, transposed: true }) => weights.sites[site].mt(),
            Parameter::Embedding(embedding) => weights.embeddings[embedding.0].shallow_clone(),
            Parameter::Bias(bias) => weights.biases[bias.0].unsqueeze(1),
        }
    }

    fn is_trained(self, requires_grad: &RequiresGrad) -> bool {
        match self {
            Parameter::Site(SiteUse { site, .. }) => requires_grad.sites[site],
            Parameter::Embedding(_) => requires_grad.embeddings,
            Parameter::Bias(_) => true,
        }
    }
}

enum Operation {
    Input,
    Parameter(Parameter),
    Sum(Sum),
    Activate { activation: Activation, input: Node },
}

/// A forward pass that can be walked backwards. The derivatives are written out by hand, in a fixed order of
/// summation, so that a step repeated gives the same bytes.
pub struct Dense<'a> {
    weights: &'a Weights,
    nodes: Vec<(Operation, Tensor)>,
}

impl<'a> Dense<'a> {
    pub fn new(weights: &'a Weights) -> Self {
        Self { weights, nodes: Vec::new() }
    }

    /// What `forward` makes of `input` [replica, sample, feature].
    pub fn read(&mut self, input: &Tensor, forward: impl FnOnce(&mut Self, Sum) -> Sum) -> Node {
        let input = Term::Known(self.push(Operation::Input, input.shallow_clone()));
        let output = forward(self, input.into());
        self.carry_out(output)
    }

    pub fn tensor(&self, Node(index): Node) -> &Tensor {
        &self.nodes[index].1
    }

    /// What came out of the activations within the network, in their order; an activation at its end is its output.
    pub fn hidden_activations(&self) -> Vec<Node> {
        let inner = &self.nodes[..self.nodes.len() - 1];
        let activations =
            inner.iter().enumerate().filter(|(_, (operation, _))| matches!(operation, Operation::Activate { .. }));
        activations.map(|(index, _)| Node(index)).collect()
    }

    /// Computes what has waited.
    fn carry_out(&mut self, sum: Sum) -> Node {
        let (first, others) = sum.0.split_first().expect("a sum has a term");
        let mut total = match *first {
            Term::Known(node) if others.is_empty() => return node,
            Term::Known(node) => self.tensor(node).copy(),
            Term::Waiting { numbers, matrix } => small_matmul::product(self.tensor(numbers), self.tensor(matrix)),
        };
        for &term in others {
            match term {
                Term::Known(row) if self.is_single_row(row) => small_matmul::add_row(&mut total, self.tensor(row)),
                Term::Known(node) => drop(total.g_add_(self.tensor(node))),
                Term::Waiting { numbers, matrix } => drop(total.baddbmm_(self.tensor(numbers), self.tensor(matrix))),
            }
        }
        self.push(Operation::Sum(sum), total)
    }

    fn push(&mut self, operation: Operation, output: Tensor) -> Node {
        self.nodes.push((operation, output));
        Node(self.nodes.len() - 1)
    }

    fn parameter(&mut self, parameter: Parameter) -> Node {
        self.push(Operation::Parameter(parameter), parameter.of(self.weights))
    }

    fn width(&self, node: Node) -> i64 {
        self.tensor(node).size()[2]
    }

    fn is_single_row(&self, node: Node) -> bool {
        self.tensor(node).size()[1] == 1
    }

    /// A sum waits while all its numbers together are narrower than what they sum up to; from there on it is cheaper to carry
    /// on one tensor than many.
    fn wait(&mut self, sum: Sum) -> Sum {
        let numbers = sum.0.iter().map(|&term| match term {
            Term::Known(node) if self.is_single_row(node) => 0,
            Term::Known(numbers) | Term::Waiting { numbers, .. } => self.width(numbers),
        });
        let (Term::Known(wide) | Term::Waiting { matrix: wide, .. }) = sum.0[0];
        if numbers.sum::<i64>() < self.width(wide) { sum } else { Term::Known(self.carry_out(sum)).into() }
    }

    fn product(&mut self, numbers: Node, matrix: Node) -> Node {
        self.carry_out(Term::Waiting { numbers, matrix }.into())
    }

    /// Every term times a matrix.
    fn times(&mut self, Sum(terms): Sum, parameter: Parameter) -> Sum {
        let matrix = self.parameter(parameter);
        let product = |term| match term {
            Term::Known(row) if self.is_single_row(row) => Term::Known(self.product(row, matrix)),
            Term::Known(numbers) => Term::Waiting { numbers, matrix },
            Term::Waiting { numbers, matrix: before } => {
                Term::Waiting { numbers, matrix: self.product(before, matrix) }
            }
        };
        let sum = Sum(terms.into_iter().map(product).collect());
        self.wait(sum)
    }

    /// Adds the derivative of every parameter that requires one to `gradient`, given the derivatives of some nodes.
    pub fn backward(
        &self,
        requires_grad: &RequiresGrad,
        derivatives: impl IntoIterator<Item = (Node, Tensor)>,
        gradient: &mut Weights,
    ) {
        let mut pending = Pending::new(&self.nodes, requires_grad, gradient);
        derivatives.into_iter().for_each(|(node, derivative)| pending.add(node, derivative));
        for (index, (operation, _)) in self.nodes.iter().enumerate().rev() {
            let Some(derivative) = pending.derivatives[index].take() else { continue };
            match operation {
                Operation::Input | Operation::Parameter(_) => {}
                Operation::Sum(Sum(terms)) => {
                    for &term in terms {
                        match term {
                            Term::Known(row) if self.is_single_row(row) => {
                                pending.add(row, derivative.sum_dim_intlist([1].as_slice(), true, None));
                            }
                            Term::Known(node) => pending.add(node, derivative.copy()),
                            Term::Waiting { numbers, matrix } => {
                                pending.add_product(numbers, &derivative, &self.tensor(matrix).mt());
                                pending.add_product(matrix, &self.tensor(numbers).mt(), &derivative);
                            }
                        }
                    }
                }
                Operation::Activate { activation, input } => {
                    pending.add(*input, activation.backward(self.tensor(*input), &derivative));
                }
            }
        }
    }
}

/// The derivatives of nodes whose uses have been walked back over, summed in the order of the walk.
struct Pending {
    /// Those of the parameters are the caller's gradient itself.
    derivatives: Vec<Option<Tensor>>,
    /// Whether a trained parameter is in the node.
    moves: Vec<bool>,
}

impl Pending {
    fn new(nodes: &[(Operation, Tensor)], requires_grad: &RequiresGrad, gradient: &Weights) -> Self {
        let mut derivatives = Vec::new();
        let mut moves: Vec<bool> = Vec::new();
        for (operation, _) in nodes {
            let moved = |node: Node| moves[node.0];
            let (own, derivative) = match operation {
                Operation::Input => (false, None),
                Operation::Parameter(parameter) => (parameter.is_trained(requires_grad), Some(parameter.of(gradient))),
                Operation::Sum(Sum(terms)) => {
                    let moved = |term: &Term| match *term {
                        Term::Known(node) => moved(node),
                        Term::Waiting { numbers, matrix } => moved(numbers) || moved(matrix),
                    };
                    (terms.iter().any(moved), None)
                }
                Operation::Activate { input, .. } => (moved(*input), None),
            };
            moves.push(own);
            derivatives.push(derivative);
        }
        Self { derivatives, moves }
    }

    fn add(&mut self, Node(index): Node, derivative: Tensor) {
        match &mut self.derivatives[index] {
            _ if !self.moves[index] => {}
            Some(sum) => drop(sum.g_add_(&derivative)),
            none => *none = Some(derivative),
        }
    }

    fn add_product(&mut self, Node(index): Node, left: &Tensor, right: &Tensor) {
        match &mut self.derivatives[index] {
            _ if !self.moves[index] => {}
            Some(sum) => drop(sum.baddbmm_(left, right)),
            none => *none = Some(left.bmm(right)),
        }
    }
}

impl Reading for Dense<'_> {
    type Value = Sum;

    fn apply(&mut self, site: impl Into<SiteUse>, input: Sum) -> Sum {
        self.times(input, Parameter::Site(site.into()))
    }

    fn embed(&mut self, embedding: EmbeddingIndex, input: Sum) -> Sum {
        self.times(input, Parameter::Embedding(embedding))
    }

    fn add(&mut self, mut left: Sum, right: Sum) -> Sum {
        left.0.extend(right.0);
        self.wait(left)
    }

    fn add_bias(&mut self, bias: BiasIndex, mut input: Sum) -> Sum {
        input.0.push(Term::Known(self.parameter(Parameter::Bias(bias))));
        self.wait(input)
    }

    fn activate(&mut self, activation: Activation, input: Sum) -> Sum {
        let input = self.carry_out(input);
        let output = activation.of(self.tensor(input));
        Term::Known(self.push(Operation::Activate { activation, input }, output)).into()
    }
}
