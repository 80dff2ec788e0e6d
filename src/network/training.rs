//! What a target network is trained on.

use std::ops::Range;

use tch::Tensor;

use super::{Network, Weights};
use crate::{
    fit::{Objective, Term},
    loss::MeanSquaredError,
    optimizer::Parameter,
    reading::{Dense, Tape},
    site::SiteIndex,
    threads,
};

/// The task of a target network: to give back its inputs, in mean squared error.
pub struct Task<'a> {
    network: &'a Network,
    weights: Weights,
    gradient: Weights,
}

impl<'a> Task<'a> {
    pub fn new(network: &'a Network, weights: Weights) -> Self {
        Self { network, gradient: weights.zeros_like(), weights }
    }

    pub fn into_weights(self) -> Weights {
        self.weights
    }
}

impl Objective for Task<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let sites = self.network.sites().iter().count();
        let fixed = |index: usize| index < sites && !self.network.is_trained(SiteIndex(index));
        let pairs = self.weights.named(self.network).into_iter().zip(self.gradient.named(self.network)).enumerate();
        pairs
            .filter(|(index, _)| !fixed(*index))
            .map(|(_, ((name, value), (_, gradient)))| Parameter { name, value, gradient })
            .collect()
    }

    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_> {
        Box::new(Task {
            network: self.network,
            weights: self.weights.of_replicas(replicas.clone()),
            gradient: self.gradient.of_replicas(replicas),
        })
    }

    fn is_small(&self) -> bool {
        threads::fits_a_core(self.network.parameters())
    }

    fn add_gradients(&mut self, input: &Tensor, logged: bool) -> Vec<Term> {
        let mut tape = Tape::new(Dense::new(&self.weights), &self.weights.biases);
        let features = tape.input(input);
        let output = self.network.forward(&mut tape, features);
        let error = MeanSquaredError::new(tape.tensor(output), input);
        let replicas = input.size()[0] as usize;
        let terms = logged.then(|| Term::new("error", std::iter::repeat_n(1.0, replicas), &error.value()));
        let ones = Tensor::ones([replicas as i64], (input.kind(), input.device()));
        tape.backward(error.backward(&ones), &mut self.gradient);
        terms.into_iter().collect()
    }
}
