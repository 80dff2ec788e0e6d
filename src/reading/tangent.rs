//! The reading that carries, beside every value, its derivative along every component.
//!
//! J(x) P_c is the directional derivative of the network's output along component c: one forward sweep with a tangent a
//! component replaces one backward pass an output.
//!
//! A tensor of tangents in a wide residual stream would be huge. But such a tangent is narrow numbers times a matrix, and
//! the next product makes it narrow again: so a product that would widen waits, and the matrices are multiplied first.

use std::collections::HashMap;

use tch::Tensor;

use super::{Activation, BiasIndex, EmbeddingIndex, Reading, SiteUse};
use crate::{
    components::{Components, Factors},
    weights::Weights,
};

/// A value and its derivatives along every component.
#[derive(Clone)]
pub struct WithTangents {
    /// [replica, sample, width].
    value: Sum,
    /// [replica, component, sample, width]; empty before the first site, where all are zero.
    tangents: Sum,
}

impl WithTangents {
    /// A network's input, which no parameter moves.
    pub fn input(value: Tensor) -> Self {
        Self { value: vec![Term { numbers: value, path: Vec::new() }], tangents: Vec::new() }
    }
}

type Sum = Vec<Term>;

/// Numbers that are still to be multiplied by the matrices along a path.
struct Term {
    numbers: Tensor,
    path: Vec<Matrix>,
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

/// Reads a forward pass as its derivatives along all components. One reading serves any number of blocks of samples: the
/// products of matrices are made once.
pub struct Tangent<'a> {
    weights: &'a Weights,
    components: &'a Components,
    products: HashMap<Vec<Matrix>, Tensor>,
}

impl<'a> Tangent<'a> {
    /// Derivatives at `weights` along `components`.
    pub fn new(weights: &'a Weights, components: &'a Components) -> Self {
        Self { weights, components, products: HashMap::new() }
    }

    /// The tangents [replica, component, sample, width] of a value that a site has been applied to.
    pub fn tangents(&mut self, value: &WithTangents) -> Tensor {
        self.multiplied_out(&value.tangents).expect("a network applies a site")
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
        if let Some(product) = self.products.get(path) {
            return product.shallow_clone();
        }
        let (last, before) = path.split_last().expect("a path has a matrix");
        let product = self.product(before).bmm(&self.matrix(*last));
        self.products.insert(path.to_vec(), product.shallow_clone());
        product
    }

    /// A term with the matrices multiplied in, [replica, (component,) sample, width].
    fn carried_out(&mut self, Term { numbers, path }: &Term) -> Tensor {
        if path.is_empty() {
            return numbers.shallow_clone();
        }
        let product = self.product(path);
        match path[0] {
            Matrix::Right(_) => numbers.matmul(&product.unflatten(1, [self.components.number(), -1])),
            _ if numbers.dim() == 4 => numbers.flatten(1, 2).bmm(&product).unflatten(1, [self.components.number(), -1]),
            _ => numbers.bmm(&product),
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
        waiting.extend(narrow.map(|numbers| Term { numbers, path: Vec::new() }));
        waiting
    }
}

impl Reading for Tangent<'_> {
    type Value = WithTangents;

    /// Product rule: d(x W) = x P_c + dx W, with x P_c = (x A_c) B_c.
    fn apply(&mut self, site: impl Into<SiteUse>, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let site = site.into();
        let inner = value.iter().map(|Term { numbers, path }| {
            let path = path.iter().copied().chain([Matrix::Left(site)]).collect();
            self.carried_out(&Term { numbers: numbers.shallow_clone(), path })
        });
        let inner = inner.reduce(|sum, term| sum + term).expect("a value has a term");
        let inner = inner.unflatten(2, [self.components.number(), -1]).transpose(1, 2).contiguous();
        let own = self.times(&[Term { numbers: inner, path: Vec::new() }], Matrix::Right(site));
        let carried = self.times(&tangents, Matrix::Site(site));
        let value = self.times(&value, Matrix::Site(site));
        WithTangents { value, tangents: own.into_iter().chain(carried).collect() }
    }

    fn embed(&mut self, embedding: EmbeddingIndex, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let matrix = Matrix::Embedding(embedding);
        WithTangents { value: self.times(&value, matrix), tangents: self.times(&tangents, matrix) }
    }

    fn add(&mut self, mut left: WithTangents, right: WithTangents) -> WithTangents {
        left.value.extend(right.value);
        left.tangents.extend(right.tangents);
        left
    }

    /// A bias is no component's.
    fn add_bias(&mut self, bias: BiasIndex, mut input: WithTangents) -> WithTangents {
        let numbers = &input.value[0].numbers;
        let one = Tensor::ones([numbers.size()[0], numbers.size()[1], 1], (numbers.kind(), numbers.device()));
        input.value.push(Term { numbers: one, path: vec![Matrix::Bias(bias)] });
        input
    }

    /// Chain rule: d(f(x)) = f'(x) dx.
    fn activate(&mut self, activation: Activation, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let input = self.multiplied_out(&value).expect("a value has a term");
        let slope = activation.slope(&input).unsqueeze(1);
        let term = |numbers| Term { numbers, path: Vec::new() };
        let tangents = self.multiplied_out(&tangents).map(|tangents| term(tangents * slope));
        WithTangents { value: vec![term(activation.of(&input))], tangents: tangents.into_iter().collect() }
    }
}
