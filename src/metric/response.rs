//! What a network answers when one feature alone moves: itself, with one component only, and with the trained selection.

use tch::Tensor;

use super::{OneFeatureInputs, Partial};
use crate::method::Decomposed;

/// Every feature's own output along its values, `[feature][value]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseCurves {
    pub target: Vec<Vec<f64>>,
    /// With each feature's components alone.
    pub component: Vec<Vec<f64>>,
    /// With a selection; `None` where there is none.
    pub selected: Option<Vec<Vec<f64>>>,
}

/// The curves at `inputs`, given the components of each feature and a selection [1, feature * value, component].
pub fn response_curves(
    partial: &Partial,
    inputs: &OneFeatureInputs,
    components: &[Vec<usize>],
    selection: Option<&Tensor>,
) -> ResponseCurves {
    let OneFeatureInputs { input, .. } = inputs;
    let with = |mask: &Tensor| inputs.own_outputs(&partial.output(mask, input));
    ResponseCurves {
        target: inputs.own_outputs(&partial.target_output(input)),
        component: with(&partial.keeping(&inputs.of_samples(components), input)),
        selected: selection.map(|selection| with(&selection.narrow(2, 0, partial.candidates()))),
    }
}

/// Every output at x_j = 1 and nothing else, for every feature j.
#[derive(Clone, Debug, PartialEq)]
pub struct Responses {
    /// `[feature][output]`.
    pub target: Vec<Vec<f64>>,
    /// With each feature's components alone; `[feature][output]`.
    pub component: Vec<Vec<f64>>,
}

/// The responses to all features, given the components of each.
pub fn responses(partial: &Partial, components: &[Vec<usize>], like: &Tensor) -> Responses {
    let input = Tensor::eye(components.len() as i64, (like.kind(), like.device())).unsqueeze(0);
    let table = |output: Tensor| {
        Vec::try_from(output.squeeze_dim(0).to_kind(tch::Kind::Double)).expect("a table of [feature, output]")
    };
    Responses {
        target: table(partial.target_output(&input)),
        component: table(partial.output(&partial.keeping(components, &input), &input)),
    }
}

/// Inputs without an active feature that are selected from together with those that have one.
pub struct Company {
    /// [1, value, input], the values being those of the inputs that they stand beside.
    pub input: Tensor,
    /// [1, value, component].
    pub attributions: Tensor,
    /// How many of them there are at each value.
    pub number: i64,
}

impl Company {
    /// `rows` [1, feature, ...] of one value with those of `own` [1, value, ...] below them.
    fn below(&self, rows: &Tensor, own: &Tensor, value: i64) -> Tensor {
        let own = own.narrow(1, value, 1).expand([1, self.number, own.size()[2]], false);
        Tensor::cat(&[rows, &own], 1)
    }
}

/// The trained selection [1, feature * value, component] from `attributions` at `inputs`: the inputs of all features at one
/// value, and those of `company`, are a batch.
pub fn selection_by_value(
    decomposed: &dyn Decomposed,
    inputs: &OneFeatureInputs,
    attributions: &Tensor,
    company: Option<&Company>,
) -> Tensor {
    let (input, attributions) = (inputs.by_feature(&inputs.input, 1), inputs.by_feature(attributions, 1));
    let at = |value: i64| {
        let (mut batch, mut table) = (input.select(2, value), attributions.select(2, value));
        if let Some(company) = company {
            batch = company.below(&batch, &company.input, value);
            table = company.below(&table, &company.attributions, value);
        }
        decomposed.mask(&table, &batch).narrow(1, 0, input.size()[1])
    };
    let masks: Vec<Tensor> = (0..inputs.values.len() as i64).map(at).collect();
    Tensor::stack(&masks, 2).flatten(1, 2)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::metric::{one_feature::curve_values, tiny};

    #[test]
    fn responses_of_the_network_and_of_a_component() {
        // y = x + 2 relu(x), of which component 1 holds three quarters for feature 1.
        let tiny = tiny::residual_mlp();
        let found = responses(&tiny.partial(), &[vec![0], vec![1]], &tiny.weights.embeddings[0]);
        assert_eq!(found.target, [[3.0, 0.0], [0.0, 3.0]]);
        assert_eq!(found.component, [[3.0, 0.0], [0.0, 2.5]]);
    }

    #[test]
    fn curves_of_the_network_of_a_component_and_of_a_selection() {
        let tiny = tiny::residual_mlp();
        let inputs = OneFeatureInputs::at(&curve_values(&tiny.weights.embeddings[0]), 0..2, 2);
        let selection = Tensor::zeros([1, 82, 4], (Kind::Float, Device::Cpu));
        let _ = selection.select(2, 0).fill_(1.0);
        let curves = response_curves(&tiny.partial(), &inputs, &[vec![0], vec![1]], Some(&selection));
        let is = |found: &[f64], factor: f64| {
            let expected = inputs.values.iter().map(|x| x + factor * x.max(0.0));
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{found:?}");
        };
        for (found, factors) in [
            (&curves.target, [2.0, 2.0]),
            (&curves.component, [2.0, 1.5]),
            (curves.selected.as_ref().unwrap(), [2.0, 0.0]),
        ] {
            found.iter().zip(factors).for_each(|(found, factor)| is(found, factor));
        }
    }
}
