//! A pass that carries, beside every value, its derivative along every component.
//!
//! J(x) P_c is the directional derivative of the network's output along component c: one forward sweep with a tangent a
//! component replaces one backward pass an output.
//!
//! A tensor of tangents in a wide residual stream would be huge. But such a tangent is narrow numbers times a matrix, and
//! the next product makes it narrow again: so a product that would widen waits, and the matrices are multiplied first.

use std::collections::HashMap;

use tch::Tensor;

use crate::{
    components::{Components, Factors},
    graph::{self, BiasIndex, EmbeddingIndex, Form, Graph, Live, SiteUse},
    weights::Weights,
};

/// A value and its derivatives along every component.
#[derive(Clone)]
struct WithTangents {
    /// [replica, sample, width].
    value: Sum,
    /// [replica, component, sample, width]; empty before the first site, where all are zero.
    tangents: Sum,
}

type Sum = Vec<Term>;

/// Numbers that are still to be multiplied by the matrices along a path.
struct Term {
    numbers: Tensor,
    path: Vec<Matrix>,
}

impl From<Tensor> for Term {
    fn from(numbers: Tensor) -> Self {
        Self { numbers, path: Vec::new() }
    }
}

impl Clone for Term {
    fn clone(&self) -> Self {
        Self { numbers: self.numbers.shallow_clone(), path: self.path.clone() }
    }
}

/// A matrix by which numbers can be multiplied, [replica, rows, columns].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Matrix {
    Site(SiteUse),
    Embedding(EmbeddingIndex),
    /// One row; the number is one.
    Bias(BiasIndex),
    /// The first factors of all components side by side, [replica, d_in, component * rank].
    Left(SiteUse),
    /// The second factors, each for its component's tangents, [replica, component * rank, d_out].
    Right(SiteUse),
}

impl From<graph::Matrix> for Matrix {
    fn from(matrix: graph::Matrix) -> Self {
        match matrix {
            graph::Matrix::Site(site) => Self::Site(site),
            graph::Matrix::Embedding(embedding) => Self::Embedding(embedding),
        }
    }
}

/// Runs graphs for their derivatives along all components. It serves any number of blocks of samples: the products of matrices
/// are made once.
pub struct Tangent<'a> {
    weights: &'a Weights,
    components: &'a Components,
    products_of_matrices: HashMap<Vec<Matrix>, Tensor>,
    /// The shapes of all products made so far.
    products: Vec<Product>,
}

/// The shapes of `number` products of matrices side by side, [rows, inner] x [inner, columns].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Product {
    pub number: i64,
    pub rows: i64,
    pub inner: i64,
    pub columns: i64,
}

impl Product {
    /// Floating-point operations; a multiplication and an addition are two.
    pub fn operations(self) -> f64 {
        2.0 * [self.number, self.rows, self.inner, self.columns].map(|length| length as f64).iter().product::<f64>()
    }
}

impl<'a> Tangent<'a> {
    /// Derivatives at `weights` along `components`.
    pub fn new(weights: &'a Weights, components: &'a Components) -> Self {
        Self { weights, components, products_of_matrices: HashMap::new(), products: Vec::new() }
    }

    /// The shapes of all products that have been made, those of one matrix with another included.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// J(x) P_c of `graph`'s output at `input` [replica, sample, feature], [replica, component, sample, output].
    ///
    /// # Panics
    /// If the graph applies no site.
    pub fn run(&mut self, graph: &Graph, input: &Tensor) -> Tensor {
        let input = WithTangents { value: vec![input.shallow_clone().into()], tangents: Vec::new() };
        let mut live = Live::new(graph, input);
        for (_, operation) in graph.operations() {
            let made = match operation.form() {
                Form::Product { input, matrix } => self.product_with(live.take(input), matrix),
                Form::Sum { left, right } => {
                    let mut sum = live.take(left);
                    let right = live.take(right);
                    sum.value.extend(right.value);
                    sum.tangents.extend(right.tangents);
                    sum
                }
                Form::PlusRow { input, bias } => {
                    let mut sum = live.take(input);
                    let numbers = &sum.value[0].numbers;
                    let one =
                        Tensor::ones([numbers.size()[0], numbers.size()[1], 1], (numbers.kind(), numbers.device()));
                    sum.value.push(Term { numbers: one, path: vec![Matrix::Bias(bias)] });
                    sum
                }
                Form::Function { inputs, function } => {
                    let mut values = Vec::new();
                    let mut tangents = Vec::new();
                    for &input in inputs {
                        let input = live.take(input);
                        values.push(self.multiplied_out(&input.value).expect("a value has a term"));
                        tangents.push(self.multiplied_out(&input.tangents));
                    }
                    let values: Vec<&Tensor> = values.iter().collect();
                    let tangents = function.tangents(&values, &tangents);
                    let value = function.value(&values);
                    WithTangents { value: vec![value.into()], tangents: tangents.map(Term::from).into_iter().collect() }
                }
            };
            live.push(made);
        }
        let output = live.take(graph.output());
        self.multiplied_out(&output.tangents).expect("a network applies a site")
    }

    /// Product rule along component c: d(x W) = x P_c + dx W, with x P_c = (x A_c) B_c; an embedding is no component's.
    fn product_with(&mut self, WithTangents { value, tangents }: WithTangents, matrix: graph::Matrix) -> WithTangents {
        let mut own = Vec::new();
        if let graph::Matrix::Site(site) = matrix {
            let inner = value.iter().map(|Term { numbers, path }| {
                let path = path.iter().copied().chain([Matrix::Left(site)]).collect();
                self.carried_out(&Term { numbers: numbers.shallow_clone(), path })
            });
            let inner = inner.reduce(|sum, term| sum + term).expect("a value has a term");
            let inner = inner.unflatten(2, [self.components.number(), -1]).transpose(1, 2).contiguous();
            own = self.times(&[inner.into()], Matrix::Right(site));
        }
        let carried = self.times(&tangents, matrix.into());
        let value = self.times(&value, matrix.into());
        WithTangents { value, tangents: own.into_iter().chain(carried).collect() }
    }

    fn matrix(&self, matrix: Matrix) -> Tensor {
        let oriented =
            |matrix: &Tensor, site: SiteUse| if site.transposed { matrix.mt() } else { matrix.shallow_clone() };
        match matrix {
            Matrix::Site(site) => oriented(&self.weights.sites[site.site], site),
            Matrix::Embedding(embedding) => self.weights.embeddings[embedding.0].shallow_clone(),
            Matrix::Bias(bias) => self.weights.biases[bias.0].unsqueeze(1),
            Matrix::Left(site) | Matrix::Right(site) => {
                let Factors { a, b } = &self.components.factors[site.site];
                let (a, b) = (a.flatten(2, 3), b.flatten(1, 2));
                let first = matches!(matrix, Matrix::Left(_)) != site.transposed;
                oriented(if first { &a } else { &b }, site)
            }
        }
    }

    /// The product of the matrices along a path.
    fn product(&mut self, path: &[Matrix]) -> Tensor {
        if let [matrix] = path {
            return self.matrix(*matrix);
        }
        if let Some(product) = self.products_of_matrices.get(path) {
            return product.shallow_clone();
        }
        let (last, before) = path.split_last().expect("a path has a matrix");
        let (before, last) = (self.product(before), self.matrix(*last));
        let product = self.times_matrix(&before, &last);
        self.products_of_matrices.insert(path.to_vec(), product.shallow_clone());
        product
    }

    /// The product of matrices of as many axes before the last two.
    fn times_matrix(&mut self, left: &Tensor, right: &Tensor) -> Tensor {
        let shape = left.size();
        let [batches @ .., rows, inner] = &shape[..] else { panic!("matrices have two axes") };
        let columns = right.size()[right.dim() - 1];
        self.products.push(Product { number: batches.iter().product(), rows: *rows, inner: *inner, columns });
        left.matmul(right)
    }

    /// A term with the matrices multiplied in, [replica, (component,) sample, width].
    fn carried_out(&mut self, Term { numbers, path }: &Term) -> Tensor {
        if path.is_empty() {
            return numbers.shallow_clone();
        }
        let product = self.product(path);
        match path[0] {
            Matrix::Right(_) => self.times_matrix(numbers, &product.unflatten(1, [self.components.number(), -1])),
            _ if numbers.dim() == 4 => {
                self.times_matrix(&numbers.flatten(1, 2), &product).unflatten(1, [self.components.number(), -1])
            }
            _ => self.times_matrix(numbers, &product),
        }
    }

    /// The whole sum; `None` for zero.
    fn multiplied_out(&mut self, sum: &[Term]) -> Option<Tensor> {
        let (first, others) = sum.split_first()?;
        let mut total = self.carried_out(first);
        // Tangents are the largest tensors of a step: what was made here is added to in its place.
        let mut is_own = !first.path.is_empty();
        for term in others {
            let product = self.carried_out(term);
            total = if is_own { total.g_add_(&product) } else { total + product };
            is_own = true;
        }
        Some(total)
    }

    /// Every term of a sum times a matrix: carried out, unless the product would be wider than the numbers are.
    fn times(&mut self, sum: &[Term], matrix: Matrix) -> Sum {
        let width = self.matrix(matrix).size()[2];
        let mut narrow: Option<Tensor> = None;
        let mut waiting = Vec::new();
        for Term { numbers, path } in sum {
            let path: Vec<Matrix> = path.iter().copied().chain([matrix]).collect();
            let term = Term { numbers: numbers.shallow_clone(), path };
            if width > *numbers.size().last().expect("numbers have axes") {
                waiting.push(term);
            } else {
                let product = self.carried_out(&term);
                narrow = Some(narrow.map_or_else(|| product.shallow_clone(), |sum| sum + &product));
            }
        }
        waiting.extend(narrow.map(Term::from));
        waiting
    }
}
