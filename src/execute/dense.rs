//! A pass with the network's own weights, which remembers what a backward pass needs.
//!
//! A residual stream is wide, but what is added to it is narrow: a few numbers a sample times a matrix. Such a term waits,
//! and the matrices are multiplied first: x W_E W_in is x (W_E W_in), and nothing of the size [sample, width of the
//! stream] is ever built, forwards or backwards. Matrices and samples are alike here: nodes of one graph of sums of
//! products.

use tch::Tensor;

use crate::{
    graph::{BiasIndex, EmbeddingIndex, Form, Graph, Live, Matrix, Operation, SiteUse},
    weights::{RequiresGrad, Weights},
};

/// A tensor that has been computed, [replica, sample, width] or, for matrices, [replica, d_in, d_out].
#[derive(Clone, Copy, Debug)]
pub struct Node(usize);

/// A value of the graph: the sum of its terms.
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

impl From<Matrix> for Parameter {
    fn from(matrix: Matrix) -> Self {
        match matrix {
            Matrix::Site(site) => Self::Site(site),
            Matrix::Embedding(embedding) => Self::Embedding(embedding),
        }
    }
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

/// Where a tensor comes from.
enum Origin {
    Input,
    Parameter(Parameter),
    Sum(Sum),
    Function { operation: Operation, inputs: Vec<Node> },
}

/// A forward pass that can be walked backwards. The derivatives are written out by hand, in a fixed order of
/// summation, so that a step repeated gives the same bytes.
pub struct Dense<'a> {
    weights: &'a Weights,
    nodes: Vec<(Origin, Tensor)>,
    hidden_activations: Vec<Node>,
    output: Node,
}

impl<'a> Dense<'a> {
    /// Runs `graph` on `input` [replica, sample, feature].
    pub fn new(graph: &Graph, weights: &'a Weights, input: &Tensor) -> Self {
        let mut dense = Self { weights, nodes: Vec::new(), hidden_activations: Vec::new(), output: Node(0) };
        let input = Term::Known(dense.push(Origin::Input, input.shallow_clone()));
        let mut live = Live::new(graph, Sum::from(input));
        for (value, operation) in graph.operations() {
            let sum = match operation.form() {
                Form::Product { input, matrix } => dense.times(live.take(input), matrix.into()),
                Form::Sum { left, right } => {
                    let mut sum = live.take(left);
                    sum.0.extend(live.take(right).0);
                    dense.wait(sum)
                }
                Form::PlusRow { input, bias } => {
                    let mut sum = live.take(input);
                    sum.0.push(Term::Known(dense.parameter(Parameter::Bias(bias))));
                    dense.wait(sum)
                }
                Form::Function { inputs, function } => {
                    let inputs: Vec<Node> = inputs.iter().map(|&input| dense.carry_out(live.take(input))).collect();
                    let output = function.value(&dense.tensors(&inputs));
                    let node = dense.push(Origin::Function { operation: *operation, inputs }, output);
                    if graph.hidden_activations().any(|hidden| hidden == value) {
                        dense.hidden_activations.push(node);
                    }
                    Term::Known(node).into()
                }
            };
            live.push(sum);
        }
        dense.output = dense.carry_out(live.take(graph.output()));
        dense
    }

    pub fn tensor(&self, Node(index): Node) -> &Tensor {
        &self.nodes[index].1
    }

    fn tensors(&self, nodes: &[Node]) -> Vec<&Tensor> {
        nodes.iter().map(|&node| self.tensor(node)).collect()
    }

    /// What came out of the network, [replica, sample, output].
    pub fn output(&self) -> Node {
        self.output
    }

    /// What came out of the activations within the network, as [`Graph::hidden_activations`].
    pub fn hidden_activations(&self) -> &[Node] {
        &self.hidden_activations
    }

    /// Computes what has waited.
    fn carry_out(&mut self, sum: Sum) -> Node {
        let (first, others) = sum.0.split_first().expect("a sum has a term");
        let mut total = match *first {
            Term::Known(node) if others.is_empty() => return node,
            Term::Known(node) => self.tensor(node).copy(),
            Term::Waiting { numbers, matrix } => self.tensor(numbers).bmm(self.tensor(matrix)),
        };
        for &term in others {
            match term {
                Term::Known(node) => drop(total.g_add_(self.tensor(node))),
                Term::Waiting { numbers, matrix } => drop(total.baddbmm_(self.tensor(numbers), self.tensor(matrix))),
            }
        }
        self.push(Origin::Sum(sum), total)
    }

    fn push(&mut self, origin: Origin, output: Tensor) -> Node {
        self.nodes.push((origin, output));
        Node(self.nodes.len() - 1)
    }

    fn parameter(&mut self, parameter: Parameter) -> Node {
        self.push(Origin::Parameter(parameter), parameter.of(self.weights))
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
        for (index, (origin, _)) in self.nodes.iter().enumerate().rev() {
            let Some(derivative) = pending.derivatives[index].take() else { continue };
            match origin {
                Origin::Input | Origin::Parameter(_) => {}
                Origin::Sum(Sum(terms)) => {
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
                Origin::Function { operation, inputs } => {
                    let Form::Function { function, .. } = operation.form() else { unreachable!("no other is kept") };
                    let derivatives = function.backward(&self.tensors(inputs), &derivative);
                    inputs.iter().zip(derivatives).for_each(|(&input, derivative)| pending.add(input, derivative));
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
    fn new(nodes: &[(Origin, Tensor)], requires_grad: &RequiresGrad, gradient: &Weights) -> Self {
        let mut derivatives = Vec::new();
        let mut moves: Vec<bool> = Vec::new();
        for (origin, _) in nodes {
            let moved = |node: Node| moves[node.0];
            let (own, derivative) = match origin {
                Origin::Input => (false, None),
                Origin::Parameter(parameter) => (parameter.is_trained(requires_grad), Some(parameter.of(gradient))),
                Origin::Sum(Sum(terms)) => {
                    let moved = |term: &Term| match *term {
                        Term::Known(node) => moved(node),
                        Term::Waiting { numbers, matrix } => moved(numbers) || moved(matrix),
                    };
                    (terms.iter().any(moved), None)
                }
                Origin::Function { inputs, .. } => (inputs.iter().any(|&input| moved(input)), None),
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
