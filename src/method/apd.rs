//! Attribution-based Parameter Decomposition (Braun et al. 2025, section 2), top-k form.

use serde::Serialize;
use std::ops::Range;

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
    threads,
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
    weights: Weights,
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
    pub fn new(network: &'a Network, weights: &Weights, settings: Vec<Apd>, components: Components) -> Self {
        assert_eq!(settings.len() as i64, components.replicas(), "every replica has its settings");
        let sparse_pass = if components.device().is_cuda() { SparsePass::Masks } else { SparsePass::Pairs };
        let weights = weights.map(Tensor::shallow_clone);
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

    /// Attributions, selection and loss terms at `input` [replica, sample, feature]; moves nothing.
    pub fn observe(&self, input: &Tensor) -> Observed {
        let attributions = self.attributions(input);
        let active = self.select(&attributions, input.size()[1]);
        let terms = self.losses(&active, input, None, true);
        Observed { attributions, mask: active.into_mask(), terms }
    }

    fn attributions(&self, input: &Tensor) -> Tensor {
        gradient_attributions(self.network, &self.weights, &self.components, input)
    }

    fn select(&self, attributions: &Tensor, batch: i64) -> Active {
        let counts = self.settings.iter().map(|settings| settings.selection.pairs(batch as usize));
        let counts: Vec<usize> = counts.collect();
        match self.sparse_pass {
            SparsePass::Pairs => Active::Pairs(ActivePairs::largest(attributions, &counts)),
            SparsePass::Masks => Active::Mask(largest_as_mask(attributions, &counts)),
        }
    }

    /// Adds the gradient of the weighted terms to `gradient`; returns the terms if `logged`.
    fn losses(&self, active: &Active, input: &Tensor, gradient: Option<&mut Components>, logged: bool) -> Vec<Term> {
        let Self { weights, components, .. } = self;
        let setting = |setting: fn(&Apd) -> f64| self.settings.iter().map(setting);
        let (faithful, minimal, simple) = (
            setting(|apd| apd.coefficients.faithfulness),
            setting(|apd| apd.coefficients.minimality),
            setting(|apd| apd.coefficients.simplicity),
        );
        let powers = per_replica(setting(|apd| apd.schatten_power), components);

        let faithfulness = Faithfulness::new(components, weights);
        let simplicity = Simplicity::new(components, &active.counts(), input.size()[1], &powers);
        let minimality = match active {
            Active::Pairs(pairs) => self.minimality(Selected::new(components, pairs), input),
            Active::Mask(mask) => self.minimality(Masked::new(components, mask), input),
        };
        let mut terms = Vec::new();
        if logged {
            terms.push(Term::new("faithfulness", faithful.clone(), &faithfulness.value()));
            terms.push(Term::new("minimality", minimal.clone(), &minimality.value()));
            terms.push(Term::new("simplicity", simple.clone(), &simplicity.value()));
        }
        if let Some(gradient) = gradient {
            faithfulness.backward(&per_replica(faithful, components), components, gradient);
            simplicity.backward(&per_replica(simple, components), gradient);
            minimality.backward(&per_replica(minimal, components), gradient);
        }
        terms
    }

    /// The pass with the active components against the target's output.
    fn minimality<'p, P>(&'p self, product: P, input: &Tensor) -> Box<dyn Minimality + 'p>
    where
        P: SiteProduct<Gradient = Components> + 'p,
    {
        let target = self.network.output(&self.weights, input);
        let mut tape = Tape::new(product, &self.weights.biases);
        let features = tape.input(input);
        let output = self.network.forward(&mut tape, features);
        let error = MeanSquaredError::new(tape.tensor(output), &target);
        Box::new(SparseError { tape, error })
    }
}

/// L_m of a sparse pass, whatever the form of its products.
trait Minimality {
    /// [replica].
    fn value(&self) -> Tensor;

    /// Adds the derivative, weighted by `coefficients` [replica], to that of the factors.
    fn backward(self: Box<Self>, coefficients: &Tensor, gradient: &mut Components);
}

struct SparseError<'a, P: SiteProduct> {
    tape: Tape<'a, P>,
    error: MeanSquaredError,
}

impl<P: SiteProduct<Gradient = Components>> Minimality for SparseError<'_, P> {
    fn value(&self) -> Tensor {
        self.error.value()
    }

    fn backward(self: Box<Self>, coefficients: &Tensor, gradient: &mut Components) {
        let SparseError { tape, error } = *self;
        tape.backward(error.backward(coefficients), gradient);
    }
}

/// What a decomposition makes of some inputs.
pub struct Observed {
    /// A_c(x)^2, [replica, sample, component].
    pub attributions: Tensor,
    /// Zeros and ones [replica, sample, component].
    pub mask: Tensor,
    /// The unweighted loss terms.
    pub terms: Vec<Term>,
}

/// The components active in one batch, in the form that suits the sparse pass.
enum Active {
    Pairs(ActivePairs),
    Mask(Tensor),
}

impl Active {
    /// On how many samples each component is active, [replica, component].
    fn counts(&self) -> Tensor {
        match self {
            Active::Pairs(pairs) => pairs.counts(),
            Active::Mask(mask) => mask.sum_dim_intlist([1].as_slice(), false, None),
        }
    }

    /// Zeros and ones [replica, sample, component].
    fn into_mask(self) -> Tensor {
        match self {
            Active::Pairs(pairs) => pairs.to_mask(),
            Active::Mask(mask) => mask,
        }
    }
}

impl Objective for Decomposition<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let sites = self.network.sites();
        let pairs = self.components.named(&sites).into_iter().zip(self.gradient.named(&sites));
        pairs.map(|((name, value), (_, gradient))| Parameter { name, value, gradient }).collect()
    }

    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_> {
        Box::new(Decomposition {
            network: self.network,
            weights: self.weights.of_replicas(replicas.clone()),
            settings: self.settings[replicas.clone()].to_vec(),
            components: self.components.of_replicas(replicas.clone()),
            gradient: self.gradient.of_replicas(replicas),
            sparse_pass: self.sparse_pass,
        })
    }

    fn is_small(&self) -> bool {
        threads::fits_a_core(self.network.parameters() * self.components.number())
    }

    fn add_gradients(&mut self, input: &Tensor, logged: bool) -> Vec<Term> {
        let mut gradient = self.gradient.map(Tensor::shallow_clone);
        let active = self.select(&self.attributions(input), input.size()[1]);
        self.losses(&active, input, Some(&mut gradient), logged)
    }
}
