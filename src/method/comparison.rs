//! A pass with components held against the target's pass.

use tch::Tensor;

use crate::{
    components::Components,
    fit::Term,
    loss::{MeanSquaredError, per_replica},
    network::{Network, Weights},
    reading::{Dense, SiteProduct, Tape, Value},
};

/// The target's own pass.
pub struct Target<'a> {
    network: &'a Network,
    weights: &'a Weights,
    input: Tensor,
    tape: Tape<'a, Dense<'a>>,
    output: Value,
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

    fn values<P: SiteProduct>(&self, tape: &Tape<'_, P>, output: Value) -> Vec<Value> {
        if self.hidden { tape.hidden_activations() } else { vec![output] }
    }
}

impl<'a> Target<'a> {
    pub fn new(network: &'a Network, weights: &'a Weights, input: &Tensor) -> Self {
        let mut tape = Tape::new(Dense::new(weights), weights);
        let features = tape.input(input);
        let output = network.forward(&mut tape, features);
        Self { network, weights, input: input.shallow_clone(), tape, output }
    }

    /// The pass in which sites are `product`.
    pub fn compare<P>(&self, product: P, parts: Vec<Part>) -> Box<dyn Comparison + 'a>
    where
        P: SiteProduct<Gradient = Components> + 'a,
    {
        let mut tape = Tape::new(product, self.weights);
        let features = tape.input(&self.input);
        let output = self.network.forward(&mut tape, features);
        let compared = parts.into_iter().map(|part| {
            let values = part.values(&tape, output);
            let targets = part.values(&self.tape, self.output);
            let pairs =
                values.iter().zip(&targets).map(|(&value, &target)| (tape.tensor(value), self.tape.tensor(target)));
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
