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

    /// Whether a function sees the inner activations of its use, x V, rather than what enters it.
    pub fn sees_inner_activations(&self) -> bool {
        self.kind == ImportanceKind::Mlp
    }

    /// Of what the functions see of every use, [replica, sample, width].
    pub fn forward(&self, seen: &[Tensor]) -> Predicted {
        if self.kind == ImportanceKind::GlobalMlp {
            let (logits, saved) = self.functions[0].forward(&Tensor::cat(seen, 2));
            return Predicted { logits: logits.split_with_sizes(&self.numbers[..], 2), saved: vec![saved] };
        }
        let of_use = |(function, seen): (&ImportanceFunction, &Tensor)| function.forward(seen);
        let (logits, saved) = self.functions.iter().zip(seen).map(of_use).unzip();
        Predicted { logits, saved }
    }

    /// Adds the derivatives of the functions to `gradient`, given those of the logits of every use; returns those of inner
    /// activations, if the functions see these.
    pub fn backward(
        &self,
        predicted: &Predicted,
        logits: &[Tensor],
        gradient: &mut ImportanceFunctions,
    ) -> Vec<Option<Tensor>> {
        if self.kind == ImportanceKind::GlobalMlp {
            let logits = Tensor::cat(logits, 2);
            return vec![self.functions[0].backward(&predicted.saved[0], &logits, &mut gradient.functions[0], false)];
        }
        let functions = self.functions.iter().zip(&mut gradient.functions).zip(&predicted.saved).zip(logits);
        let sees_inner = self.sees_inner_activations();
        functions
            .map(|(((function, gradient), saved), logits)| function.backward(saved, logits, gradient, sees_inner))
            .collect()
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
