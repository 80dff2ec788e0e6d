//! The importance functions of all uses together.

use std::ops::Range;

use tch::Tensor;

use super::{
    ImportanceKind,
    importance_function::{ImportanceFunction, Saved},
};

/// The importance functions of a network: one for every use, or one for all of them.
#[derive(Debug)]
pub struct ImportanceFunctions {
    kind: ImportanceKind,
    functions: Vec<ImportanceFunction>,
    /// Number of subcomponents of every use.
    numbers: Vec<i64>,
}

/// What importance functions see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// x V of every use.
    InnerActivations,
    /// x of every use.
    Inputs,
    /// x times the first weight, of every use or summed over all uses: x may be wide, and narrow matrices are multiplied first.
    Products { together: bool },
}

/// What came out of the importance functions, with what their backward pass needs.
pub struct Predicted {
    /// z, [replica, sample, subcomponent] for every use.
    pub logits: Vec<Tensor>,
    saved: Vec<Saved>,
}

impl ImportanceFunctions {
    /// One function for every use, or one for all of them, and the number of subcomponents of every use.
    pub fn new(kind: ImportanceKind, functions: Vec<ImportanceFunction>, numbers: Vec<i64>) -> Self {
        Self { kind, functions, numbers }
    }

    /// What the functions see.
    pub fn sight(&self) -> Sight {
        match self.kind {
            ImportanceKind::Mlp => Sight::InnerActivations,
            ImportanceKind::VectorMlp => Sight::Inputs,
            ImportanceKind::SharedMlp => Sight::Products { together: false },
            ImportanceKind::GlobalMlp => Sight::Products { together: true },
        }
    }

    /// The first weights of functions that serve several subcomponents, the rows of every use [replica, d_in, out], where
    /// the uses are so wide.
    pub fn first_weights(&self, widths: &[i64]) -> Vec<Tensor> {
        let weight = |function: &ImportanceFunction| {
            function.shared_weight().expect("it serves several subcomponents").shallow_clone()
        };
        if self.kind == ImportanceKind::GlobalMlp {
            return weight(&self.functions[0]).split_with_sizes(widths, 1);
        }
        self.functions.iter().map(weight).collect()
    }

    /// Of what the functions see, [replica, sample, width] of every use; of products that all uses have together, one.
    pub fn forward(&self, seen: &[Tensor]) -> Predicted {
        let of_function = |(function, seen): (&ImportanceFunction, &Tensor)| match self.sight() {
            Sight::Products { .. } => function.forward_from(seen),
            Sight::InnerActivations | Sight::Inputs => function.forward(seen),
        };
        let (mut logits, saved): (Vec<Tensor>, Vec<Saved>) = self.functions.iter().zip(seen).map(of_function).unzip();
        if self.kind == ImportanceKind::GlobalMlp {
            logits = logits[0].split_with_sizes(&self.numbers[..], 2);
        }
        Predicted { logits, saved }
    }

    /// Adds the derivatives of the functions to `gradient`, but for the first weights that products are made of, given those of
    /// the logits of every use; returns those of what is seen, where something in it moves.
    pub fn backward(
        &self,
        predicted: &Predicted,
        logits: &[Tensor],
        gradient: &mut ImportanceFunctions,
    ) -> Vec<Option<Tensor>> {
        let all = (self.kind == ImportanceKind::GlobalMlp).then(|| [Tensor::cat(logits, 2)]);
        let logits = all.as_ref().map_or(logits, |all| all.as_slice());
        let functions = self.functions.iter().zip(&mut gradient.functions).zip(&predicted.saved).zip(logits);
        let sight = self.sight();
        let of_function = |(((function, gradient), saved), logits): (
            ((&ImportanceFunction, &mut ImportanceFunction), &Saved),
            &Tensor,
        )| match sight {
            Sight::InnerActivations => function.backward(saved, logits, gradient, true),
            Sight::Inputs => function.backward(saved, logits, gradient, false),
            Sight::Products { .. } => Some(function.backward_to(saved, logits, gradient)),
        };
        functions.map(of_function).collect()
    }

    /// What each function is of: the uses' names, or `all`.
    pub fn names(kind: ImportanceKind, uses: &[String]) -> Vec<String> {
        if kind == ImportanceKind::GlobalMlp { vec!["all".into()] } else { uses.to_vec() }
    }

    pub fn named(&self, uses: &[String]) -> Vec<(String, Tensor)> {
        let names = Self::names(self.kind, uses);
        let of_function =
            |(name, function): (String, &ImportanceFunction)| function.named(&format!("importance_function.{name}"));
        names.into_iter().zip(&self.functions).flat_map(of_function).collect()
    }

    pub fn zeros_like(&self) -> Self {
        self.map(ImportanceFunction::zeros_like)
    }

    /// Views of some replicas.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        self.map(|function| function.of_replicas(replicas.clone()))
    }

    fn map(&self, function: impl FnMut(&ImportanceFunction) -> ImportanceFunction) -> Self {
        Self {
            kind: self.kind,
            functions: self.functions.iter().map(function).collect(),
            numbers: self.numbers.clone(),
        }
    }
}
