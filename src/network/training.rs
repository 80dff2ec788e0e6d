//! What a target network is trained on.

use std::ops::Range;

use tch::Tensor;

use super::Network;
use crate::weights::Weights;
use crate::{
    execute::Dense,
    fit::{Moment, Objective, Term},
    kernel::threads,
    optimizer::Parameter,
    profile::{Phase, phase},
    site::SiteIndex,
};

/// The task of a target network: to answer with the labels of its inputs, in mean squared error.
pub struct Task<'a> {
    network: &'a Network,
    /// [replica, 1, feature].
    label_coefficients: Tensor,
    weights: Weights,
    gradient: Weights,
}

impl<'a> Task<'a> {
    /// One seed for every replica: some labels are drawn.
    pub fn new(network: &'a Network, weights: Weights, seeds: &[u64]) -> Self {
        let device = weights.sites.iter().next().expect("a network has a site").device();
        let label_coefficients = network.label_coefficients(seeds).to_device(device);
        Self { network, label_coefficients, gradient: weights.zeros_like(), weights }
    }

    pub fn into_weights(self) -> Weights {
        self.weights
    }
}

impl Objective for Task<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let (sites, embeddings) = (self.network.sites().iter().count(), self.network.embeddings().len());
        let fixed = |index: usize| match index {
            site if site < sites => !self.network.is_trained(SiteIndex(site)),
            other => other < sites + embeddings && !self.network.trains_embeddings(),
        };
        let pairs = self.weights.named(self.network).into_iter().zip(self.gradient.named(self.network)).enumerate();
        pairs
            .filter(|(index, _)| !fixed(*index))
            .map(|(_, ((name, value), (_, gradient)))| Parameter { name, value, gradient, lengthwise: None, group: 0 })
            .collect()
    }

    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_> {
        Box::new(Task {
            network: self.network,
            label_coefficients: self.label_coefficients.narrow(0, replicas.start as i64, replicas.len() as i64),
            weights: self.weights.of_replicas(replicas.clone()),
            gradient: self.gradient.of_replicas(replicas),
        })
    }

    fn is_small(&self) -> bool {
        threads::fits_a_core(self.network.parameters())
    }

    fn add_gradients(&mut self, moment: Moment, input: &Tensor) -> Vec<Term> {
        let dense = phase(Phase::TargetPass, || Dense::new(&self.network.answer(), &self.weights, input));
        let answer = dense.output();
        let labels = self.network.as_compared(&self.weights, &self.network.labels(input, &self.label_coefficients));
        let error = self.network.answer_error(dense.tensor(answer), &labels);
        let replicas = input.size()[0] as usize;
        let terms = moment.logged.then(|| Term::new("error", std::iter::repeat_n(1.0, replicas), &error.value()));
        let ones = Tensor::ones([replicas as i64], (input.kind(), input.device()));
        phase(Phase::Backward, || {
            dense.backward(&self.network.requires_grad(), [(answer, error.backward(&ones))], &mut self.gradient);
        });
        terms.into_iter().collect()
    }
}
