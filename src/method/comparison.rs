//! A pass with components held against the target's pass.

use tch::Tensor;

use crate::{
    components::Components,
    execute::{Dense, SiteProduct, Tape},
    fit::Term,
    graph::Value,
    loss::{MeanSquaredError, per_replica},
    network::Network,
    weights::Weights,
};

/// The target's own pass.
pub struct Target<'a> {
    network: &'a Network,
    weights: &'a Weights,
    input: Tensor,
    dense: Dense<'a>,
}

/// A loss term of a pass: what is compared, and what it counts for every replica.
pub struct Part {
    name: &'static str,
    coefficients: Vec<f64>,
    hidden: bool,
}

impl Part {
    /// The outputs.
    pub fn output(name: &'static str, coefficients: Vec<f64>) -> Self {
        Self { name, coefficients, hidden: false }
    }

    /// The hidden activations of all layers.
    pub fn hidden(name: &'static str, coefficients: Vec<f64>) -> Self {
        Self { name, coefficients, hidden: true }
    }

    /// What is compared of a pass.
    fn of<T>(&self, hidden_activations: impl FnOnce() -> Vec<T>, output: T) -> Vec<T> {
        if self.hidden { hidden_activations() } else { vec![output] }
    }
}

impl<'a> Target<'a> {
    pub fn new(network: &'a Network, weights: &'a Weights, input: &Tensor) -> Self {
        let dense = Dense::new(&network.graph(), weights, input);
        Self { network, weights, input: input.shallow_clone(), dense }
    }

    /// The pass in which sites are `product`.
    pub fn compare<P>(&self, product: P, parts: Vec<Part>) -> Box<dyn Comparison + 'a>
    where
        P: SiteProduct<Gradient = Components> + 'a,
    {
        let tape = Tape::new(self.network.graph(), product, self.weights, &self.input);
        let compared = parts.into_iter().map(|part| {
            let values = part.of(|| tape.graph().hidden_activations().collect(), tape.graph().output());
            let targets = part.of(|| self.dense.hidden_activations().to_vec(), self.dense.output());
            let pairs =
                values.iter().zip(&targets).map(|(&value, &target)| (tape.tensor(value), self.dense.tensor(target)));
            let error = MeanSquaredError::new(pairs);
            Compared { part, values, error }
        });
        let compared = compared.collect();
        Box::new(Pass { tape, compared })
    }
}

/// A compared pass, whatever the form of its products.
pub trait Comparison {
    /// The unweighted terms.
    fn terms(&self) -> Vec<Term>;

    /// Adds the derivative of the weighted terms to that of the factors.
    fn backward(self: Box<Self>, gradient: &mut Components);
}

struct Pass<'a, P: SiteProduct> {
    tape: Tape<'a, P>,
    compared: Vec<Compared>,
}

struct Compared {
    part: Part,
    values: Vec<Value>,
    error: MeanSquaredError,
}

impl<P: SiteProduct<Gradient = Components>> Comparison for Pass<'_, P> {
    fn terms(&self) -> Vec<Term> {
        let term = |Compared { part, error, .. }: &Compared| {
            Term::new(part.name, part.coefficients.iter().copied(), &error.value())
        };
        self.compared.iter().map(term).collect()
    }

    fn backward(self: Box<Self>, gradient: &mut Components) {
        let Pass { tape, compared } = *self;
        let derivatives = compared.into_iter().flat_map(|Compared { part, values, error }| {
            let weights = per_replica(part.coefficients.into_iter(), gradient);
            values.into_iter().zip(error.backward(&weights))
        });
        let derivatives: Vec<(Value, Tensor)> = derivatives.collect();
        tape.backward(derivatives, gradient);
    }
}
