//! Attribution-based Parameter Decomposition (Braun et al. 2025, section 2), top-k form.

use serde::Serialize;
use tch::Tensor;

use crate::{
    attribution::gradient_attributions,
    components::Components,
    fit::{Objective, Term},
    initial_values::InitialValues,
    loss::{Faithfulness, MeanSquaredError, Simplicity, per_replica},
    network::{Network, Weights},
    optimizer::Parameter,
    reading::{Masked, Selected, SiteProduct, Tape},
    selection::{ActivePairs, Selection, largest_as_mask},
    spec::TableReader,
};

/// The settings of Attribution-based Parameter Decomposition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Apd {
    /// Number of components C.
    pub components: usize,
    /// Rank budget m of each component at each site.
    pub rank: usize,
    /// Power p of the Schatten norm in the simplicity loss.
    pub schatten_power: f64,
    pub coefficients: Coefficients,
    pub initial_values: InitialValues,
    pub selection: Selection,
}

impl Apd {
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            components: table.size("components").such_as(5),
            rank: table.size("rank").such_as(3),
            schatten_power: table.number("schatten_power").above(0.0).at_most(2.0).such_as(1.0),
            coefficients: table.table("coefficients", Coefficients::read),
            initial_values: table.table("initial_values", InitialValues::read),
            selection: table.table("selection", TableReader::variant),
        }
    }
}

/// The weights of the loss terms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coefficients {
    pub faithfulness: f64,
    pub minimality: f64,
    pub simplicity: f64,
}

impl Coefficients {
    /// Faithfulness and minimality count once unless the spec says otherwise, as in most experiments of the paper; what
    /// is tuned is simplicity.
    fn read(table: &mut TableReader) -> Self {
        Self {
            faithfulness: table.number("faithfulness").at_least(0.0).or(1.0),
            minimality: table.number("minimality").at_least(0.0).or(1.0),
            simplicity: table.number("simplicity").at_least(0.0).such_as(0.7),
        }
    }
}

/// The components of a network under decomposition.
pub struct Decomposition<'a> {
    network: &'a Network,
    weights: &'a Weights,
    /// One for every replica; equal in the number of components and rank.
    settings: Vec<Apd>,
    components: Components,
    gradient: Components,
    sparse_pass: SparsePass,
}

/// How the pass with the selected components is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparsePass {
    /// Loops over the active pairs: least work, shapes that depend on the data. For the CPU.
    Pairs,
    /// Masked products over all pairs: shapes that do not depend on the data. For a GPU.
    Masks,
}

impl<'a> Decomposition<'a> {
    /// Decomposes `weights`, beginning with `components`; the sparse pass is the one that suits their device.
    pub fn new(network: &'a Network, weights: &'a Weights, settings: Vec<Apd>, components: Components) -> Self {
        assert_eq!(settings.len() as i64, components.replicas(), "every replica has its settings");
        let sparse_pass = if components.device().is_cuda() { SparsePass::Masks } else { SparsePass::Pairs };
        Self { network, weights, settings, gradient: components.zeros_like(), components, sparse_pass }
    }

    pub fn with_sparse_pass(mut self, sparse_pass: SparsePass) -> Self {
        self.sparse_pass = sparse_pass;
        self
    }

    pub fn components(&self) -> &Components {
        &self.components
    }

    pub fn into_components(self) -> Components {
        self.components
    }

    /// How many (sample, component) pairs each replica selects.
    fn counts(&self, batch: i64) -> Vec<usize> {
        self.settings.iter().map(|settings| settings.selection.pairs(batch as usize)).collect()
    }

    fn coefficients(&self, coefficient: impl Fn(&Coefficients) -> f64) -> impl Iterator<Item = f64> {
        self.settings.iter().map(move |settings| coefficient(&settings.coefficients))
    }

    /// Adds the gradient of the weighted minimality; returns the unweighted term [replica] if `logged`.
    fn minimality<P>(&self, product: P, input: &Tensor, gradient: &mut Components, logged: bool) -> Option<Tensor>
    where
        P: SiteProduct<Gradient = Components>,
    {
        let target = self.network.output(self.weights, input);
        let mut tape = Tape::new(product, &self.weights.biases);
        let features = tape.input(input);
        let output = self.network.forward(&mut tape, features);
        let error = MeanSquaredError::new(tape.tensor(output), &target);
        let value = logged.then(|| error.value());
        let coefficients = per_replica(self.coefficients(|coefficients| coefficients.minimality), &self.components);
        tape.backward(error.backward(&coefficients), gradient);
        value
    }
}

impl Objective for Decomposition<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let sites = self.network.sites();
        let pairs = self.components.named(&sites).into_iter().zip(self.gradient.named(&sites));
        pairs.map(|((name, value), (_, gradient))| Parameter { name, value, gradient }).collect()
    }

    fn add_gradients(&mut self, input: &Tensor, logged: bool) -> Vec<Term> {
        let Self { network, weights, components, .. } = &*self;
        let mut gradient = self.gradient.map(Tensor::shallow_clone);
        let batch = input.size()[1];

        let attributions = gradient_attributions(network, weights, components, input);
        let (minimality, active_counts) = match self.sparse_pass {
            SparsePass::Pairs => {
                let pairs = ActivePairs::largest(&attributions, &self.counts(batch));
                let product = Selected::new(components, &pairs);
                (self.minimality(product, input, &mut gradient, logged), pairs.counts())
            }
            SparsePass::Masks => {
                let mask = largest_as_mask(&attributions, &self.counts(batch));
                let product = Masked::new(components, &mask);
                let counts = mask.sum_dim_intlist([1].as_slice(), false, None);
                (self.minimality(product, input, &mut gradient, logged), counts)
            }
        };

        let faithfulness = Faithfulness::new(components, weights);
        let coefficients = per_replica(self.coefficients(|coefficients| coefficients.faithfulness), components);
        faithfulness.backward(&coefficients, components, &mut gradient);

        let powers = per_replica(self.settings.iter().map(|settings| settings.schatten_power), components);
        let simplicity = Simplicity::new(components, &active_counts, batch, &powers);
        let coefficients = per_replica(self.coefficients(|coefficients| coefficients.simplicity), components);
        simplicity.backward(&coefficients, &mut gradient);

        let Some(minimality) = minimality else { return Vec::new() };
        vec![
            Term::new(
                "faithfulness",
                self.coefficients(|coefficients| coefficients.faithfulness),
                &faithfulness.value(),
            ),
            Term::new("minimality", self.coefficients(|coefficients| coefficients.minimality), &minimality),
            Term::new("simplicity", self.coefficients(|coefficients| coefficients.simplicity), &simplicity.value()),
        ]
    }
}
