//! The importance functions of all uses together.

use std::ops::Range;

use tch::Tensor;

use super::{
    ImportanceKind,
    factors::UseFactors,
    importance_function::{ImportanceFunction, Saved},
};

/// The importance functions of a network: one for every use, or one for all of them.
#[derive(Debug)]
pub struct ImportanceFunctions {
    pub kind: ImportanceKind,
    pub functions: Vec<ImportanceFunction>,
}

/// What came out of the importance functions, with what their backward pass needs.
pub struct Predicted {
    /// z, [replica, sample, subcomponent] for every use.
    pub logits: Vec<Tensor>,
    saved: Vec<Saved>,
}

impl ImportanceFunctions {
    /// Of what enters every use in the target's own pass, `inputs` [replica, sample, d_in], and the subcomponents there.
    pub fn forward(&self, inputs: &[Tensor], factors: &[UseFactors]) -> Predicted {
        if self.kind == ImportanceKind::GlobalMlp {
            let (logits, saved) = self.functions[0].forward(&Tensor::cat(inputs, 2));
            let numbers: Vec<i64> = factors.iter().map(UseFactors::number).collect();
            return Predicted { logits: logits.split_with_sizes(numbers, 2), saved: vec![saved] };
        }
        let of_use = |((function, input), factors): ((&ImportanceFunction, &Tensor), &UseFactors)| {
            if self.kind == ImportanceKind::Mlp {
                function.forward(&input.bmm(&factors.v))
            } else {
                function.forward(input)
            }
        };
        let (logits, saved) = self.functions.iter().zip(inputs).zip(factors).map(of_use).unzip();
        Predicted { logits, saved }
    }

    /// Adds the derivatives of the functions to `gradient`, and of what they see of the factors to `factors`, given those of
    /// the logits of every use.
    pub fn backward(
        &self,
        predicted: &Predicted,
        inputs: &[Tensor],
        logits: &[Tensor],
        gradient: &mut ImportanceFunctions,
        factors: &mut [UseFactors],
    ) {
        if self.kind == ImportanceKind::GlobalMlp {
            let logits = Tensor::cat(logits, 2);
            self.functions[0].backward(&predicted.saved[0], &logits, &mut gradient.functions[0], false);
            return;
        }
        let sees_factors = self.kind == ImportanceKind::Mlp;
        for (place, function) in self.functions.iter().enumerate() {
            let saved = &predicted.saved[place];
            let inner = function.backward(saved, &logits[place], &mut gradient.functions[place], sees_factors);
            if let Some(inner) = inner {
                let _ = factors[place].v.baddbmm_(&inputs[place].mt(), &inner);
            }
        }
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
        Self { kind: self.kind, functions: self.functions.iter().map(function).collect() }
    }
}
