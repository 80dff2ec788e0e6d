//! Passes over sums of products in which narrow matrices are multiplied first, and which can be walked back.
//!
//! A residual stream is wide, but what is added to it is narrow: a few numbers a sample times a matrix. Such a term waits, and
//! the matrices are multiplied first, once for all passes ([`Matrices`]): nothing of the size [sample, width of the stream] is
//! ever built. Passes share what they have in common; each is walked back and forgotten before the next.

use tch::Tensor;

use super::matrices::{Matrices, MatrixNode};
use crate::{
    graph::{Form, Graph, Matrix, Operation, SiteUse},
    weights::Weights,
};

/// Numbers of every sample, [replica, sample, width].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers(usize);

/// A value: the sum of its terms.
#[derive(Clone, Debug)]
pub struct Value(Vec<Term>);

#[derive(Clone, Copy, Debug)]
enum Term {
    /// As wide as the sum.
    Known(Numbers),
    /// Still to be multiplied by a matrix.
    Waiting { numbers: Numbers, matrix: MatrixNode },
}

impl From<Numbers> for Value {
    fn from(numbers: Numbers) -> Self {
        Self(vec![Term::Known(numbers)])
    }
}

/// What multiplies the numbers of every sample, entry by entry.
pub trait Weighing {
    fn value(&self, input: &Tensor) -> Tensor;

    /// The derivative with respect to `input`, given that with respect to the value; adds that with respect to what it is
    /// weighed by where it belongs.
    fn backward(&self, input: &Tensor, output_gradient: &Tensor) -> Tensor;

    /// Whether what it is weighed by moves.
    fn moves(&self) -> bool;
}

enum Origin {
    Given,
    Sum(Vec<Term>),
    Function { operation: Operation, inputs: Vec<Numbers> },
    Weighed { input: Numbers, by: Box<dyn Weighing> },
}

struct Node {
    value: Tensor,
    origin: Origin,
    moves: bool,
    /// Of what has been walked back so far.
    gradient: Option<Tensor>,
}

/// Passes on the same samples.
#[derive(Default)]
pub struct Sums {
    pub matrices: Matrices,
    nodes: Vec<Node>,
    /// Numbers made before this do not move for the time being, nor do matrices.
    held: Mark,
}

/// A moment that a run can be taken back to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(usize);

impl Mark {
    pub const BEGINNING: Self = Self(0);
}

impl Sums {
    /// Numbers that nothing moves.
    pub fn given(&mut self, value: Tensor) -> Numbers {
        self.push(value, Origin::Given, false)
    }

    fn push(&mut self, value: Tensor, origin: Origin, moves: bool) -> Numbers {
        self.nodes.push(Node { value, origin, moves, gradient: None });
        Numbers(self.nodes.len() - 1)
    }

    pub fn tensor(&self, Numbers(index): Numbers) -> &Tensor {
        &self.nodes[index].value
    }

    fn tensors(&self, numbers: &[Numbers]) -> Vec<&Tensor> {
        numbers.iter().map(|&numbers| self.tensor(numbers)).collect()
    }

    fn moves(&self, Numbers(index): Numbers) -> bool {
        index >= self.held.0 && self.nodes[index].moves
    }

    fn term_moves(&self, term: Term) -> bool {
        match term {
            Term::Known(numbers) => self.moves(numbers),
            Term::Waiting { numbers, matrix } => self.moves(numbers) || self.matrices.moves(matrix),
        }
    }

    /// Until they are let go, nothing that has been made so far moves.
    pub fn hold(&mut self, mark: Mark) {
        (self.held, self.matrices.held) = (mark, true);
    }

    pub fn let_go(&mut self) {
        (self.held, self.matrices.held) = (Mark::BEGINNING, false);
    }

    /// Computes what has waited.
    pub fn carry_out(&mut self, Value(terms): &Value) -> Numbers {
        let (&first, others) = terms.split_first().expect("a sum has a term");
        let mut total = match first {
            Term::Known(numbers) if others.is_empty() => return numbers,
            Term::Known(numbers) => self.tensor(numbers).copy(),
            Term::Waiting { numbers, matrix } => self.tensor(numbers).bmm(self.matrices.value(matrix)),
        };
        for &term in others {
            match term {
                Term::Known(numbers) => drop(total.g_add_(self.tensor(numbers))),
                Term::Waiting { numbers, matrix } => {
                    let _ = total.baddbmm_(self.tensor(numbers), self.matrices.value(matrix));
                }
            }
        }
        let moves = terms.iter().any(|&term| self.term_moves(term));
        self.push(total, Origin::Sum(terms.clone()), moves)
    }

    /// A sum waits while all its numbers together are narrower than what they sum up to; from there on it is cheaper to carry
    /// on one tensor than many.
    fn wait(&mut self, value: Value) -> Value {
        let width = |term: &Term| match *term {
            Term::Known(numbers) | Term::Waiting { numbers, .. } => self.tensor(numbers).size()[2],
        };
        let numbers: i64 = value.0.iter().map(width).sum();
        let wide = match value.0[0] {
            Term::Known(numbers) => self.tensor(numbers).size()[2],
            Term::Waiting { matrix, .. } => self.matrices.value(matrix).size()[2],
        };
        if numbers < wide { value } else { self.carry_out(&value).into() }
    }

    /// Every term times a matrix.
    pub fn times(&mut self, value: &Value, matrix: MatrixNode) -> Value {
        let product = |term: &Term| match *term {
            Term::Known(numbers) => Term::Waiting { numbers, matrix },
            Term::Waiting { numbers, matrix: before } => {
                Term::Waiting { numbers, matrix: self.matrices.product(before, matrix) }
            }
        };
        let terms = value.0.iter().map(product).collect();
        self.wait(Value(terms))
    }

    pub fn add(&mut self, left: &Value, right: &Value) -> Value {
        self.wait(Value(left.0.iter().chain(&right.0).copied().collect()))
    }

    /// Every term weighed alike by numbers of the samples.
    pub fn scaled<W: Weighing + Clone + 'static>(&mut self, value: &Value, by: &W) -> Value {
        let scaled = |term: &Term| match *term {
            Term::Known(numbers) => Term::Known(self.weighed(numbers, Box::new(by.clone()))),
            Term::Waiting { numbers, matrix } => {
                Term::Waiting { numbers: self.weighed(numbers, Box::new(by.clone())), matrix }
            }
        };
        Value(value.0.iter().map(scaled).collect())
    }

    pub fn weighed(&mut self, input: Numbers, by: Box<dyn Weighing>) -> Numbers {
        let value = by.value(self.tensor(input));
        let moves = by.moves() || self.moves(input);
        self.push(value, Origin::Weighed { input, by }, moves)
    }

    fn function(&mut self, operation: Operation, inputs: Vec<Numbers>) -> Numbers {
        let Form::Function { function, .. } = operation.form() else { unreachable!("asked for by its form") };
        let value = function.value(&self.tensors(&inputs));
        let moves = inputs.iter().any(|&input| self.moves(input));
        self.push(value, Origin::Function { operation, inputs }, moves)
    }

    pub fn mark(&self) -> Mark {
        Mark(self.nodes.len())
    }

    /// Walks back to a mark and forgets what has been made since; what was there before keeps its share of the derivative.
    pub fn backward_to(&mut self, Mark(mark): Mark, numbers: Numbers, gradient: Tensor) {
        self.add_gradient(numbers, gradient);
        self.finish_to(Mark(mark));
    }

    /// The same for the derivatives that have been added up already.
    pub fn finish_to(&mut self, Mark(mark): Mark) {
        while self.nodes.len() > mark {
            let Node { value: _, origin, gradient, .. } = self.nodes.pop().expect("there is one");
            let Some(gradient) = gradient else { continue };
            match origin {
                Origin::Given => {}
                Origin::Sum(terms) => {
                    for term in terms {
                        match term {
                            Term::Known(numbers) => self.add_gradient(numbers, gradient.shallow_clone()),
                            Term::Waiting { numbers, matrix } => {
                                if self.moves(numbers) {
                                    let through = gradient.bmm(&self.matrices.value(matrix).mt());
                                    self.add_gradient(numbers, through);
                                }
                                self.matrices.add_gradient(matrix, &self.nodes[numbers.0].value.mt(), &gradient);
                            }
                        }
                    }
                }
                Origin::Function { operation, inputs } => {
                    let Form::Function { function, .. } = operation.form() else { unreachable!("no other is kept") };
                    let gradients = function.backward(&self.tensors(&inputs), &gradient);
                    inputs.into_iter().zip(gradients).for_each(|(input, gradient)| self.add_gradient(input, gradient));
                }
                Origin::Weighed { input, by } => {
                    let gradient = by.backward(&self.nodes[input.0].value, &gradient);
                    self.add_gradient(input, gradient);
                }
            }
        }
    }

    /// Forgets what has been made since a mark.
    pub fn forget_to(&mut self, Mark(mark): Mark) {
        self.nodes.truncate(mark);
    }

    /// Adds to the derivative by these numbers, if they move.
    pub fn add_gradient(&mut self, numbers: Numbers, gradient: Tensor) {
        if self.moves(numbers) {
            let node = &mut self.nodes[numbers.0];
            // Not in place: several may share one derivative.
            node.gradient = Some(node.gradient.take().map_or_else(|| gradient.shallow_clone(), |sum| sum + &gradient));
        }
    }

    /// Runs `graph` on from the values that have been `made` of it, the input first; `site` says what becomes of a value at the
    /// use of a decomposed matrix. Returns all values.
    pub fn run(
        &mut self,
        graph: &Graph,
        fixed: &FixedMatrices,
        made: Vec<Value>,
        mut site: impl FnMut(&mut Self, SiteUse, &Value) -> Value,
    ) -> Vec<Value> {
        let mut made = made;
        let done = made.len() - 1;
        for (_, operation) in graph.operations().skip(done) {
            let value = match operation.form() {
                Form::Product { input, matrix: Matrix::Site(site_use) } => site(self, site_use, &made[input.index()]),
                Form::Product { input, matrix: Matrix::Embedding(embedding) } => {
                    self.times(&made[input.index()], fixed.embeddings[embedding.0])
                }
                Form::Sum { left, right } => self.add(&made[left.index()], &made[right.index()]),
                Form::PlusRow { input, bias } => {
                    let row = Value(vec![Term::Waiting { numbers: fixed.ones, matrix: fixed.biases[bias.0] }]);
                    self.add(&made[input.index()], &row)
                }
                Form::Function { inputs, .. } => {
                    let inputs = inputs.iter().map(|input| self.carry_out(&made[input.index()])).collect();
                    self.function(*operation, inputs).into()
                }
            };
            made.push(value);
        }
        made
    }
}

/// What a network has beside its decomposed matrices.
pub struct FixedMatrices {
    embeddings: Vec<MatrixNode>,
    /// Of a single row each.
    biases: Vec<MatrixNode>,
    /// 1 for every sample, which biases are multiplied by.
    ones: Numbers,
}

impl FixedMatrices {
    /// Those of `weights`, for samples like those of `input` [replica, sample, feature].
    pub fn new(sums: &mut Sums, weights: &Weights, input: &Tensor) -> Self {
        let ones = sums.given(input.narrow(2, 0, 1).ones_like());
        let mut given = |matrix: Tensor| sums.matrices.given(matrix, None);
        Self {
            embeddings: weights.embeddings.iter().map(|matrix| given(matrix.shallow_clone())).collect(),
            biases: weights.biases.iter().map(|bias| given(bias.unsqueeze(1))).collect(),
            ones,
        }
    }
}
