//! The reading that computes tensors and remembers what a backward pass needs.

use tch::Tensor;

use super::{Activation, BiasIndex, Reading, SiteUse};

/// How a site's matrix acts on a value and how the derivative comes back: all in which the network's own weights,
/// masked components and selected components differ.
pub trait SiteProduct {
    /// What the backward pass needs of the forward one beside the input.
    type Saved;
    /// Where the derivatives with respect to the site matrices' parameters are added up.
    type Gradient;

    /// The product with `input` [replica, sample, d_in].
    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Self::Saved);

    /// Adds the parameters' derivative to `gradient`, given that of the product; returns the input's derivative where
    /// it is wanted.
    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Self::Saved>,
        output_gradient: &Tensor,
        gradient: &mut Self::Gradient,
    ) -> Option<Tensor>;

    /// Adds the derivative of a bias, where biases are parameters.
    fn backward_bias(&self, _bias: BiasIndex, _output_gradient: &Tensor, _gradient: &mut Self::Gradient) {}
}

/// What the backward pass of a product sees of the forward one.
pub struct Forward<'a, Saved> {
    pub input: &'a Tensor,
    pub saved: &'a Saved,
    /// Whether anything before the input wants its derivative.
    pub input_gradient_wanted: bool,
}

/// A value on the tape.
#[derive(Clone, Copy, Debug)]
pub struct Value(usize);

enum Operation<Saved> {
    Input,
    Apply { site: SiteUse, input: Value, saved: Saved },
    AddBias { bias: BiasIndex },
    Activate { activation: Activation },
}

/// A forward pass that can be walked backwards. The derivatives are written out by hand, in a fixed order of
/// summation, so that a step repeated gives the same bytes.
pub struct Tape<'a, P: SiteProduct> {
    product: P,
    biases: &'a [Tensor],
    nodes: Vec<(Operation<P::Saved>, Tensor)>,
}

impl<'a, P: SiteProduct> Tape<'a, P> {
    /// An empty tape; `biases` are [replica, width] each.
    pub fn new(product: P, biases: &'a [Tensor]) -> Self {
        Self { product, biases, nodes: Vec::new() }
    }

    /// Puts the network's input [replica, sample, width] on the tape.
    pub fn input(&mut self, input: &Tensor) -> Value {
        self.push(Operation::Input, input.shallow_clone())
    }

    pub fn tensor(&self, value: Value) -> &Tensor {
        &self.nodes[value.0].1
    }

    fn push(&mut self, operation: Operation<P::Saved>, tensor: Tensor) -> Value {
        self.nodes.push((operation, tensor));
        Value(self.nodes.len() - 1)
    }

    /// Adds the derivative of every parameter to `gradient`, given the derivative of the last value on the tape.
    pub fn backward(&self, output_gradient: Tensor, gradient: &mut P::Gradient) {
        let mut pending = output_gradient;
        // Every value is used once and by the next operation, so walking back needs one pending derivative.
        for (operation, output) in self.nodes.iter().rev() {
            match operation {
                Operation::Input => {}
                Operation::Apply { site, input, saved } => {
                    let input_gradient_wanted = !self.is_input(*input);
                    let forward = Forward { input: self.tensor(*input), saved, input_gradient_wanted };
                    if let Some(input_gradient) = self.product.backward(*site, forward, &pending, gradient) {
                        pending = input_gradient;
                    }
                }
                Operation::AddBias { bias } => self.product.backward_bias(*bias, &pending, gradient),
                Operation::Activate { activation: Activation::Relu } => {
                    pending = output.threshold_backward(&pending, 0.0)
                }
            }
        }
    }

    fn is_input(&self, value: Value) -> bool {
        matches!(self.nodes[value.0].0, Operation::Input)
    }
}

impl<P: SiteProduct> Reading for Tape<'_, P> {
    type Value = Value;

    fn apply(&mut self, site: impl Into<SiteUse>, input: Value) -> Value {
        let site = site.into();
        let (output, saved) = self.product.forward(site, self.tensor(input));
        self.push(Operation::Apply { site, input, saved }, output)
    }

    fn add_bias(&mut self, bias: BiasIndex, input: Value) -> Value {
        let output = self.tensor(input) + self.biases[bias.0].unsqueeze(1);
        self.push(Operation::AddBias { bias }, output)
    }

    fn activate(&mut self, activation: Activation, input: Value) -> Value {
        let output = match activation {
            Activation::Relu => self.tensor(input).relu(),
        };
        self.push(Operation::Activate { activation }, output)
    }
}
