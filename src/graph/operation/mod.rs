//! What a network's forward pass is made of.
//!
//! An operation is a file: what it is called, and its [`Form`], by which it can be run. Most operations are linear in their
//! inputs: their values, backward passes and derivatives follow from the form alone, and a way of running may multiply matrices
//! first. Every other is a [`Function`] of whole values.

mod activate;
mod add;
mod add_bias;
mod apply;
mod embed;

pub use activate::{Activate, Activation};
pub use add::Add;
pub use add_bias::{AddBias, BiasIndex};
pub use apply::{Apply, SiteUse};
pub use embed::{Embed, EmbeddingIndex};
use tch::Tensor;

use super::Value;

/// Every operation, with the values that it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    Apply(Apply),
    Embed(Embed),
    Add(Add),
    AddBias(AddBias),
    Activate(Activate),
}

impl Operation {
    pub fn form(&self) -> Form<'_> {
        match self {
            Operation::Apply(apply) => apply.form(),
            Operation::Embed(embed) => embed.form(),
            Operation::Add(add) => add.form(),
            Operation::AddBias(add_bias) => add_bias.form(),
            Operation::Activate(activate) => activate.form(),
        }
    }
}

/// How an operation is run.
pub enum Form<'a> {
    /// x M.
    Product { input: Value, matrix: Matrix },
    /// x + y.
    Sum { left: Value, right: Value },
    /// x + b, the same row b for every sample.
    PlusRow { input: Value, bias: BiasIndex },
    /// What is not linear.
    Function { inputs: &'a [Value], function: &'a dyn Function },
}

impl Form<'_> {
    /// Calls `function` with every value that the operation takes.
    pub fn inputs(&self, mut function: impl FnMut(Value)) {
        match *self {
            Form::Product { input, .. } | Form::PlusRow { input, .. } => function(input),
            Form::Sum { left, right } => {
                function(left);
                function(right);
            }
            Form::Function { inputs, .. } => inputs.iter().copied().for_each(function),
        }
    }
}

/// A matrix of the network by which a value is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// One that is decomposed.
    Site(SiteUse),
    Embedding(EmbeddingIndex),
}

/// An operation that is not linear and has no parameters, of values [replica, sample, width].
pub trait Function {
    /// The value that it makes.
    fn value(&self, inputs: &[&Tensor]) -> Tensor;

    /// The derivative with respect to each input, given that with respect to the value.
    fn backward(&self, inputs: &[&Tensor], output_gradient: &Tensor) -> Vec<Tensor>;

    /// The value's derivatives along every component, [replica, component, sample, width], given those of the inputs; `None`
    /// stands for zero.
    fn tangents(&self, inputs: &[&Tensor], input_tangents: &[Option<Tensor>]) -> Option<Tensor>;

    /// The function of single entries that it is, if it is one: the loops of [`crate::kernel`] can run nothing else.
    fn of_entries(&self) -> Option<Activation>;
}
