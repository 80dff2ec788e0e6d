//! A pass with components, which computes tensors and remembers what a backward pass needs.

use tch::Tensor;

use crate::{
    graph::{Form, Graph, Matrix, SiteUse, Value},
    weights::Weights,
};

/// How the components of a site act on a value and how the derivative comes back: all in which masked and selected
/// components differ.
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
}

/// What the backward pass of a product sees of the forward one.
pub struct Forward<'a, Saved> {
    pub input: &'a Tensor,
    pub saved: &'a Saved,
    /// Whether anything before the input wants its derivative.
    pub input_gradient_wanted: bool,
}

/// A forward pass that can be walked backwards. The derivatives are written out by hand, in a fixed order of
/// summation, so that a step repeated gives the same bytes.
pub struct Tape<'a, P: SiteProduct> {
    graph: Graph,
    product: P,
    /// Whose biases and embeddings are used.
    weights: &'a Weights,
    /// Of every value of the graph.
    made: Vec<Made<P::Saved>>,
}

/// What was made of a value of the graph.
struct Made<Saved> {
    tensor: Tensor,
    /// What a product with components has saved.
    saved: Option<Saved>,
    /// Whether a parameter is behind it.
    requires_grad: bool,
}

impl<'a, P: SiteProduct> Tape<'a, P> {
    /// Runs `graph` on `input` [replica, sample, width]; biases and embeddings are those of `weights`.
    pub fn new(graph: Graph, product: P, weights: &'a Weights, input: &Tensor) -> Self {
        let made = Vec::with_capacity(graph.values());
        let mut tape = Self { graph, product, weights, made };
        tape.made.push(Made { tensor: input.shallow_clone(), saved: None, requires_grad: false });
        for (_, operation) in tape.graph.operations() {
            let mut requires_grad = false;
            let form = operation.form();
            form.inputs(|input| requires_grad |= tape.requires_grad(input));
            let (tensor, saved) = match form {
                Form::Product { matrix: Matrix::Site(site), input } => {
                    requires_grad = true;
                    let (output, saved) = tape.product.forward(site, tape.tensor(input));
                    (output, Some(saved))
                }
                Form::Product { matrix: Matrix::Embedding(embedding), input } => {
                    (tape.tensor(input).bmm(&weights.embeddings[embedding.0]), None)
                }
                Form::Sum { left, right } => (tape.tensor(left) + tape.tensor(right), None),
                Form::PlusRow { input, bias } => (tape.tensor(input) + weights.biases[bias.0].unsqueeze(1), None),
                Form::Function { inputs, function } => (function.value(&tape.tensors(inputs)), None),
            };
            tape.made.push(Made { tensor, saved, requires_grad });
        }
        tape
    }

    pub fn tensor(&self, value: Value) -> &Tensor {
        &self.made[value.index()].tensor
    }

    fn tensors(&self, values: &[Value]) -> Vec<&Tensor> {
        values.iter().map(|&value| self.tensor(value)).collect()
    }

    /// What came out of the network, [replica, sample, output].
    pub fn output(&self) -> &Tensor {
        self.tensor(self.graph.output())
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Every use of a site with what entered it.
    pub fn site_uses(&self) -> impl Iterator<Item = (SiteUse, &Tensor)> {
        self.graph.operations().filter_map(|(_, operation)| match operation.form() {
            Form::Product { matrix: Matrix::Site(site), input } => Some((site, self.tensor(input))),
            _ => None,
        })
    }

    fn requires_grad(&self, value: Value) -> bool {
        self.made[value.index()].requires_grad
    }

    /// Adds the derivative of every parameter to `gradient`, given the derivatives of some of the graph's values.
    pub fn backward(&self, derivatives: impl IntoIterator<Item = (Value, Tensor)>, gradient: &mut P::Gradient) {
        let mut pending = Pending(self.made.iter().map(|_| None).collect());
        derivatives.into_iter().for_each(|(value, derivative)| pending.add(value, derivative));
        for (value, operation) in self.graph.operations().rev().filter(|(value, _)| self.requires_grad(*value)) {
            let Some(derivative) = pending.take(value) else { continue };
            match operation.form() {
                Form::Product { matrix: Matrix::Site(site), input } => {
                    let saved = self.made[value.index()].saved.as_ref().expect("a product with components saves");
                    let input_gradient_wanted = self.requires_grad(input);
                    let forward = Forward { input: self.tensor(input), saved, input_gradient_wanted };
                    if let Some(input_gradient) = self.product.backward(site, forward, &derivative, gradient) {
                        pending.add(input, input_gradient);
                    }
                }
                Form::Product { matrix: Matrix::Embedding(embedding), input } => {
                    pending.add(input, derivative.bmm(&self.weights.embeddings[embedding.0].mt()));
                }
                Form::Sum { left, right } => {
                    pending.add(left, derivative.shallow_clone());
                    pending.add(right, derivative);
                }
                Form::PlusRow { input, .. } => pending.add(input, derivative),
                Form::Function { inputs, function } => {
                    let derivatives = function.backward(&self.tensors(inputs), &derivative);
                    inputs.iter().zip(derivatives).for_each(|(&input, derivative)| pending.add(input, derivative));
                }
            }
        }
    }
}

/// The derivatives of values whose uses have been walked back over, summed in the order of the walk.
struct Pending(Vec<Option<Tensor>>);

impl Pending {
    fn add(&mut self, value: Value, derivative: Tensor) {
        let slot = &mut self.0[value.index()];
        // Not in place: both sides of a sum share one derivative.
        *slot = Some(slot.take().map_or_else(|| derivative.shallow_clone(), |sum| sum + &derivative));
    }

    fn take(&mut self, value: Value) -> Option<Tensor> {
        self.0[value.index()].take()
    }
}
