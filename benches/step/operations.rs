//! How many floating-point operations a step takes, counted from the shapes: of the fast form and of the literal one. Those of
//! the derivatives along all components are the products that [`apd::execute::Tangent`] makes when it is run on zeros.
//!
//! A multiplication and an addition count as two. Zeros are counted like other numbers, although the loops over small
//! networks skip them; so are numbers that a tie or an interruption leaves unused. Of samples without any feature, which have
//! the same attributions, one is counted, as on the CPU. Activations and sums over values are left out: they are few beside
//! the products.

use apd::{
    components::{Components, Factors},
    execute::{Product, Tangent},
    graph::{Form, Matrix, SiteUse},
    method::{Method, apd::Apd},
    network::Network,
    selection::Selection,
    site::{PerSite, Site},
    spec::Spec,
    weights::Weights,
};
use tch::{Device, Kind, Tensor};

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
        let Method::Apd(Apd { components, rank, selection, .. }) = &spec.method else { panic!("the default method") };
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

    /// The derivatives along all components, and their squares at the end.
    fn tangents(&self, operations: &mut Operations) {
        let Self { replicas, components, rank, .. } = *self;
        let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let matrix = |site: &Site| zeros(&[replicas, site.d_in, site.d_out]);
        let weights = Weights {
            sites: self.sites.map(matrix),
            embeddings: self.embeddings.iter().map(matrix).collect(),
            biases: self.network.biases().iter().map(|(_, width)| zeros(&[replicas, *width])).collect(),
        };
        let factors = self.sites.map(|site| Factors {
            a: zeros(&[replicas, site.d_in, components, rank]),
            b: zeros(&[replicas, components, rank, site.d_out]),
        });
        let components = Components::everywhere(factors);
        let mut tangent = Tangent::new(&weights, &components);
        let input = zeros(&[replicas, self.attributed, self.network.features() as i64]);
        let outputs = tangent.run(&self.network.graph(), &input);
        operations.products.extend(tangent.products());
        operations.others += 2.0 * outputs.numel() as f64;
    }

    /// The products with the network's own matrices in the order of the forward pass.
    fn calls(&self) -> Vec<Call> {
        let graph = self.network.graph();
        // Of every value.
        let mut moved = vec![false];
        let mut calls = Vec::new();
        for (_, operation) in graph.operations() {
            let form = operation.form();
            let mut moves = false;
            form.inputs(|input| moves |= moved[input.index()]);
            if let Form::Product { matrix, .. } = form {
                let ((inner, columns), is_site) = match matrix {
                    Matrix::Site(site) => (self.shape(site), true),
                    Matrix::Embedding(embedding) => {
                        let Site { d_in, d_out, .. } = self.embeddings[embedding.0];
                        ((d_in, d_out), false)
                    }
                };
                let product = Product { number: self.replicas, rows: self.batch, inner, columns };
                calls.push(Call { product, is_site, moves_input: moves });
                moves |= is_site;
            }
            moved.push(moves);
        }
        calls
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
