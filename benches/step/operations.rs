//! How many floating-point operations a step takes, counted from the shapes: of the fast form and of the literal one.
//!
//! A multiplication and an addition count as two. Zeros are counted like other numbers, although the loops over small
//! networks skip them; so are numbers that a tie or an interruption leaves unused. Of samples without any feature, which have
//! the same attributions, one is counted, as on the CPU. Activations and sums over values are left out: they are few beside
//! the products.

use std::collections::BTreeSet;

use apd::{
    method::{Method, apd::Apd},
    network::Network,
    reading::{Activation, BiasIndex, EmbeddingIndex, Reading, SiteUse},
    selection::Selection,
    site::{PerSite, Site},
    spec::Spec,
};

/// `number` products of matrices [rows, inner] x [inner, columns].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Product {
    pub number: i64,
    pub rows: i64,
    pub inner: i64,
    pub columns: i64,
}

impl Product {
    pub fn operations(self) -> f64 {
        2.0 * [self.number, self.rows, self.inner, self.columns].map(|length| length as f64).iter().product::<f64>()
    }
}

/// What a step consists of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operations {
    /// Products of whole matrices.
    pub products: Vec<Product>,
    /// Operations on single (sample, component) pairs and on single entries.
    pub others: f64,
}

impl Operations {
    /// All of them.
    pub fn total(&self) -> f64 {
        self.products.iter().map(|product| product.operations()).sum::<f64>() + self.others
    }

    fn push(&mut self, number: i64, rows: i64, inner: i64, columns: i64) {
        self.products.push(Product { number, rows, inner, columns });
    }
}

/// Of a factor in one update of Adam: three for the first moment, four for the second, three for the denominator, four for
/// the value.
const OF_AN_UPDATE: f64 = 14.0;

/// Of a factor in the simplicity loss: its square, its part of a sum, and a multiplication and an addition for the derivative.
const OF_SIMPLICITY: f64 = 4.0;

/// Times that the optimizer and the losses must read or write each factor's four numbers: the update reads value, gradient
/// and two moments and writes all four; faithfulness reads the value twice and adds to the gradient.
const PASSES_OVER_FACTORS: f64 = 12.0;

/// The shapes of one step of a decomposition.
pub struct Step<'a> {
    network: &'a Network,
    sites: PerSite<Site>,
    embeddings: Vec<Site>,
    replicas: i64,
    batch: i64,
    /// Mean number of samples whose attributions are computed.
    attributed: i64,
    components: i64,
    rank: i64,
    /// Selected (sample, component) pairs of a replica.
    pairs: i64,
}

impl<'a> Step<'a> {
    /// Of the experiment's decomposition.
    ///
    /// # Panics
    /// If the number of selected pairs depends on the data.
    pub fn of(spec: &'a Spec) -> Self {
        let Method::Apd(Apd { components, rank, selection, .. }) = &spec.method;
        let batch = spec.decomposition.batch;
        let pairs = match selection {
            Selection::BatchTopK(rule) => rule.pairs(batch),
            Selection::SampleTopK { k } => k * batch,
            Selection::Exact {} | Selection::Lp { .. } => panic!("the shapes of this selection depend on the data"),
        };
        let network = &spec.target.network;
        let empty = (batch as f64 * spec.target.inputs.share_of_empty(network.features())).round() as i64;
        Self {
            network,
            sites: network.sites(),
            embeddings: network.embeddings(),
            replicas: spec.seeds.len() as i64,
            batch: batch as i64,
            attributed: batch as i64 - (empty - 1).max(0),
            components: *components as i64,
            rank: *rank as i64,
            pairs: pairs as i64,
        }
    }

    /// Entries of A and B at all sites of all replicas.
    pub fn factors(&self) -> i64 {
        let of_site = |site: &Site| self.components * self.rank * (site.d_in + site.d_out);
        self.replicas * self.sites.iter().map(of_site).sum::<i64>()
    }

    /// Bytes that optimizer and losses must move between memory and processor, where the factors do not stay in its cache.
    pub fn bytes(&self) -> f64 {
        4.0 * PASSES_OVER_FACTORS * self.factors() as f64
    }

    /// Of a step of [`crate::method::apd::ApdObjective`] and its update.
    pub fn fast(&self) -> Operations {
        let mut operations = Operations::default();
        self.target_pass(&mut operations);
        self.tangents(&mut operations);
        self.embeddings_of_sparse_pass(&mut operations);
        for call in self.calls().iter().filter(|call| call.is_site) {
            let (width_in, width_out) = (call.product.inner, call.product.columns);
            // Forwards x A and that times B; backwards the same for both factors and, where wanted, for the input.
            let of_pair = 2 * self.rank * (width_in + width_out);
            let backwards = 2 * self.rank * (width_in + 2 * width_out + if call.moves_input { width_in } else { 0 });
            operations.others += (self.replicas * self.pairs * (of_pair + backwards)) as f64;
        }
        for site in self.sites.iter() {
            // sum_c A_c B_c, and from its difference to W the derivatives of both factors.
            let inner = self.components * self.rank;
            operations.push(self.replicas, site.d_in, inner, site.d_out);
            operations.push(self.replicas, site.d_in, site.d_out, inner);
            operations.push(self.replicas, inner, site.d_in, site.d_out);
        }
        operations.others += (OF_SIMPLICITY + OF_AN_UPDATE) * self.factors() as f64;
        operations
    }

    /// Of a step of the literal form and its update.
    pub fn literal(&self) -> Operations {
        let Self { replicas, batch, components, rank, .. } = *self;
        let mut operations = Operations::default();
        // Once for the losses, once for the attributions.
        self.target_pass(&mut operations);
        self.target_pass(&mut operations);
        self.embeddings_of_sparse_pass(&mut operations);
        let outputs = self.network.features() as i64;
        for call in self.calls() {
            let Product { inner: width_in, columns: width_out, .. } = call.product;
            if call.moves_input {
                // A backward pass an output.
                operations.push(replicas * outputs, batch, width_out, width_in);
            }
            if call.is_site {
                // (x A_c) B_c for the attributions, each output's derivatives along them, and the sparse pass.
                let number = replicas * components;
                for _ in 0..2 {
                    operations.push(number, batch, width_in, rank);
                    operations.push(number, batch, rank, width_out);
                }
                operations.push(replicas * outputs * batch, components, width_out, 1);
                // Back through both products of the sparse pass.
                operations.push(number, batch, width_out, rank);
                operations.push(number, rank, batch, width_out);
                operations.push(number, width_in, batch, rank);
                if call.moves_input {
                    operations.push(number, batch, rank, width_in);
                }
            }
        }
        for site in self.sites.iter() {
            // Every P_c, and the derivatives of both factors.
            operations.push(replicas * components, site.d_in, rank, site.d_out);
            operations.push(replicas * components, site.d_in, site.d_out, rank);
            operations.push(replicas * components, rank, site.d_in, site.d_out);
        }
        operations.others += (OF_SIMPLICITY + OF_AN_UPDATE) * self.factors() as f64;
        operations
    }

    fn target_pass(&self, operations: &mut Operations) {
        operations.products.extend(self.calls().iter().map(|call| call.product));
    }

    /// Forwards, and backwards where a decomposed parameter is before them.
    fn embeddings_of_sparse_pass(&self, operations: &mut Operations) {
        for call in self.calls().iter().filter(|call| !call.is_site) {
            let Product { number, rows, inner, columns } = call.product;
            operations.push(number, rows, inner, columns);
            if call.moves_input {
                operations.push(number, rows, columns, inner);
            }
        }
    }

    /// The forward sweep with a tangent a component, and the squares of its end.
    fn tangents(&self, operations: &mut Operations) {
        let mut sweep = Sweep { step: self, made: BTreeSet::new(), operations };
        let input = WithTangents {
            value: vec![Term { width: self.network.features() as i64, path: Vec::new() }],
            tangents: Vec::new(),
        };
        let output = self.network.forward(&mut sweep, input);
        sweep.carry_out_all(&output.tangents, true);
        operations.others +=
            (2 * self.replicas * self.attributed * self.components * self.network.features() as i64) as f64;
    }

    fn calls(&self) -> Vec<Call> {
        let mut calls = Calls { step: self, calls: Vec::new() };
        self.network.forward(&mut calls, false);
        calls.calls
    }

    /// Rows and columns of a site's matrix as it is used.
    fn shape(&self, site: SiteUse) -> (i64, i64) {
        let Site { d_in, d_out, .. } = self.sites[site.site];
        if site.transposed { (d_out, d_in) } else { (d_in, d_out) }
    }
}

/// A product with a weight matrix.
#[derive(Clone, Copy)]
struct Call {
    product: Product,
    is_site: bool,
    /// Whether a decomposed parameter is behind the input.
    moves_input: bool,
}

/// Reads a forward pass as the list of its products; a value is whether a decomposed parameter is behind it.
struct Calls<'a> {
    step: &'a Step<'a>,
    calls: Vec<Call>,
}

impl Calls<'_> {
    fn push(&mut self, (inner, columns): (i64, i64), is_site: bool, moves_input: bool) {
        let product = Product { number: self.step.replicas, rows: self.step.batch, inner, columns };
        self.calls.push(Call { product, is_site, moves_input });
    }
}

impl Reading for Calls<'_> {
    type Value = bool;

    fn apply(&mut self, site: impl Into<SiteUse>, moves: bool) -> bool {
        self.push(self.step.shape(site.into()), true, moves);
        true
    }

    fn embed(&mut self, embedding: EmbeddingIndex, moves: bool) -> bool {
        let Site { d_in, d_out, .. } = self.step.embeddings[embedding.0];
        self.push((d_in, d_out), false, moves);
        moves
    }

    fn add(&mut self, left: bool, right: bool) -> bool {
        left || right
    }

    fn add_bias(&mut self, _bias: BiasIndex, moves: bool) -> bool {
        moves
    }

    fn activate(&mut self, _activation: Activation, moves: bool) -> bool {
        moves
    }
}

/// A matrix by which numbers are multiplied, as in [`crate::reading::Tangent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Matrix {
    Weights {
        site: usize,
        transposed: bool,
    },
    Embedding(usize),
    Bias(usize),
    /// The first factors of all components side by side.
    Left {
        site: usize,
        transposed: bool,
    },
    /// The second factors, each for its component.
    Right {
        site: usize,
        transposed: bool,
    },
}

/// Numbers that are still to be multiplied by the matrices along a path.
#[derive(Clone)]
struct Term {
    width: i64,
    path: Vec<(Matrix, (i64, i64))>,
}

#[derive(Clone)]
struct WithTangents {
    value: Vec<Term>,
    tangents: Vec<Term>,
}

/// Reads a forward pass as the products that [`crate::reading::Tangent`] makes of it.
struct Sweep<'a> {
    step: &'a Step<'a>,
    /// Products of matrices that have been made already.
    made: BTreeSet<Vec<Matrix>>,
    operations: &'a mut Operations,
}

impl Sweep<'_> {
    fn of_site(&self, site: SiteUse, of: fn(usize, bool) -> Matrix) -> Matrix {
        of(site.site.0, site.transposed)
    }

    /// The numbers times the matrices along their path; `of_tangents`: they are numbers of every component. Their width.
    fn carry_out(&mut self, Term { width, path }: &Term, of_tangents: bool) -> i64 {
        let Some(((first, _), (_, (_, columns)))) = path.first().zip(path.last()) else { return *width };
        self.multiply_matrices(path);
        let Step { replicas, attributed, components, .. } = *self.step;
        match first {
            Matrix::Right { .. } => self.operations.push(replicas * components, attributed, *width, *columns),
            _ if of_tangents => self.operations.push(replicas, attributed * components, *width, *columns),
            _ => self.operations.push(replicas, attributed, *width, *columns),
        }
        *columns
    }

    fn multiply_matrices(&mut self, path: &[(Matrix, (i64, i64))]) {
        let Some((_, before)) = path.split_last().filter(|(_, before)| !before.is_empty()) else { return };
        if self.made.insert(path.iter().map(|(matrix, _)| *matrix).collect()) {
            self.multiply_matrices(before);
            let [(_, (rows, _)), .., (_, (inner, columns))] = path[..] else { unreachable!("two matrices at least") };
            self.operations.push(self.step.replicas, rows, inner, columns);
        }
    }

    fn carry_out_all(&mut self, sum: &[Term], of_tangents: bool) -> Option<i64> {
        sum.iter().map(|term| self.carry_out(term, of_tangents)).last()
    }

    /// Every term times a matrix: carried out, unless the product would be wider than the numbers are.
    fn times(&mut self, sum: &[Term], matrix: Matrix, shape: (i64, i64), of_tangents: bool) -> Vec<Term> {
        let mut narrow = None;
        let mut waiting = Vec::new();
        for Term { width, path } in sum {
            let path = path.iter().copied().chain([(matrix, shape)]).collect();
            let term = Term { width: *width, path };
            if shape.1 > *width {
                waiting.push(term);
            } else {
                narrow = Some(self.carry_out(&term, of_tangents));
            }
        }
        waiting.extend(narrow.map(|width| Term { width, path: Vec::new() }));
        waiting
    }
}

impl Reading for Sweep<'_> {
    type Value = WithTangents;

    fn apply(&mut self, site: impl Into<SiteUse>, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let site = site.into();
        let Step { components, rank, .. } = *self.step;
        let (rows, columns) = self.step.shape(site);
        let left = self.of_site(site, |site, transposed| Matrix::Left { site, transposed });
        for Term { width, path } in &value {
            let path = path.iter().copied().chain([(left, (rows, components * rank))]).collect();
            self.carry_out(&Term { width: *width, path }, false);
        }
        let right = self.of_site(site, |site, transposed| Matrix::Right { site, transposed });
        let inner = [Term { width: rank, path: Vec::new() }];
        let own = self.times(&inner, right, (components * rank, columns), true);
        let weights = self.of_site(site, |site, transposed| Matrix::Weights { site, transposed });
        let carried = self.times(&tangents, weights, (rows, columns), true);
        let value = self.times(&value, weights, (rows, columns), false);
        WithTangents { value, tangents: own.into_iter().chain(carried).collect() }
    }

    fn embed(&mut self, embedding: EmbeddingIndex, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let Site { d_in, d_out, .. } = self.step.embeddings[embedding.0];
        let matrix = Matrix::Embedding(embedding.0);
        let value = self.times(&value, matrix, (d_in, d_out), false);
        WithTangents { value, tangents: self.times(&tangents, matrix, (d_in, d_out), true) }
    }

    fn add(&mut self, mut left: WithTangents, right: WithTangents) -> WithTangents {
        left.value.extend(right.value);
        left.tangents.extend(right.tangents);
        left
    }

    fn add_bias(&mut self, bias: BiasIndex, mut input: WithTangents) -> WithTangents {
        let (_, width) = self.step.network.biases()[bias.0];
        input.value.push(Term { width: 1, path: vec![(Matrix::Bias(bias.0), (1, width))] });
        input
    }

    fn activate(&mut self, _activation: Activation, WithTangents { value, tangents }: WithTangents) -> WithTangents {
        let width = self.carry_out_all(&value, false).expect("a value has a term");
        let tangents = self.carry_out_all(&tangents, true).map(|width| Term { width, path: Vec::new() });
        WithTangents { value: vec![Term { width, path: Vec::new() }], tangents: tangents.into_iter().collect() }
    }
}
