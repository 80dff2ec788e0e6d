//! What is measured of gated functions: whether the components are the functions.

use tch::Tensor;

use super::{Subject, responses::curve_rows};
use crate::{
    inputs::{GatedInputs, Inputs},
    interrupt::Interrupted,
    metric::{
        self, Company, FunctionMatch, GatedRecovery, OneFeatureInputs, Partial, gated_recovery, response_curves,
        selection_by_value,
    },
    network::{GatedFunctions, Network},
    run::{RunError, RunFolder},
    table::{ComponentRow, CurveRow, FunctionRow, SummaryRow},
};

pub struct Mechanisms {
    recovery: GatedRecovery,
    /// Means of A_c(x)^2 with one control bit alone, `[control bit][component]`.
    mean_attributions: Vec<Vec<f64>>,
    curves: Vec<CurveRow>,
    replica: usize,
}

impl super::Mechanisms for Mechanisms {
    fn measure(subject: &Subject) -> Result<Self, Interrupted> {
        let Network::GatedFunctions(gated) = subject.decomposed.network() else { unreachable!("chosen by kind") };
        let truth = gated.true_components(subject.decomposed.weights(), gated.functions, GatedFunctions::TRUE_RANK);
        let recovery = gated_recovery(&truth, subject.decomposed.components());
        let has_component: Vec<bool> = recovery.functions.iter().map(Option::is_some).collect();
        let (mean_attributions, curves) = subject.by_control_bit(gated, &has_component);
        Ok(Self { recovery, mean_attributions, curves, replica: subject.replica })
    }

    fn mean_attributions(&self) -> &[Vec<f64>] {
        &self.mean_attributions
    }

    fn represented(&self) -> Vec<bool> {
        self.recovery.functions.iter().map(Option::is_some).collect()
    }

    fn summarise(&self, row: &mut SummaryRow) {
        let own = || self.recovery.functions.iter().flatten().filter(|function| function.is_recovered()).count();
        row.features_with_own_component = self.recovery.recovered.map(|_| own());
        row.recovered = self.recovery.recovered;
    }

    fn describe(&self, rows: &mut [ComponentRow]) {
        for (row, agreement) in rows.iter_mut().zip(&self.recovery.components) {
            row.matched_feature = agreement.map(|agreement| agreement.function);
            row.cosine = agreement.map(|agreement| agreement.cosine);
        }
    }

    fn write(replicas: &[Self], folder: &RunFolder) -> Result<(), RunError> {
        let rows = replicas.iter().flat_map(|Self { recovery, replica, .. }| {
            let row = |(feature, found): (usize, &Option<FunctionMatch>)| FunctionRow {
                replica: *replica,
                feature,
                component: found.as_ref().and_then(|found| found.component),
                cosine: found.as_ref().map(|found| found.cosine),
                own_component: found.as_ref().map(FunctionMatch::is_recovered),
                represented: Some(found.is_some()),
            };
            recovery.functions.iter().enumerate().map(row)
        });
        folder.write_table(rows)?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.curves))
    }
}

impl Subject<'_> {
    /// Means of A_c(x)^2 over x for each control bit, and the curves of the functions, with those of a component where a
    /// function has weights that one could hold.
    fn by_control_bit(&self, gated: &GatedFunctions, has_component: &[bool]) -> (Vec<Vec<f64>>, Vec<CurveRow>) {
        let Inputs::Gated(GatedInputs { probability, low, high }) = self.spec.target.inputs else {
            unreachable!("gated functions have gated inputs")
        };
        let decomposed = self.decomposed;
        let partial = Partial::of(decomposed);
        let like = &decomposed.weights().embeddings[0];
        let inputs = OneFeatureInputs::of_control_bits(gated.functions, low, high, like);
        let attributions = decomposed.importances(&inputs.input);
        let mean_attributions = inputs.mean_attributions(&attributions);
        let selection = decomposed.selects().then(|| {
            let company = self.without_control_bits(&inputs, gated.functions, probability);
            selection_by_value(decomposed, &inputs, &attributions, company.as_ref())
        });
        let mask = decomposed.mask(&attributions, &inputs.input);
        let candidates = partial.candidates() as usize;
        let mechanisms = metric::Mechanisms::new(partial.components, &inputs, &mask, &mean_attributions, candidates);
        let shared = mechanisms.shared_mask(candidates, like);
        let partial = Partial { shared, ..partial };
        let curves = response_curves(&partial, &inputs, &mechanisms.of_features, selection.as_ref());
        let labels = self.functions(gated, &inputs.values);
        let rows = curve_rows(self.replica, &inputs.values, labels.as_deref(), &curves, has_component);
        (mean_attributions, rows)
    }

    /// As many inputs without a control bit as a training batch has, on average, beside so many control bits that are 1: with
    /// a selection of fewer components a sample than one, nothing were selected otherwise.
    fn without_control_bits(&self, inputs: &OneFeatureInputs, functions: usize, probability: f64) -> Option<Company> {
        let number = (1.0 / probability).round() as i64 - functions as i64;
        let of_first_bit = inputs.input.narrow(1, 0, inputs.values.len() as i64);
        let x = of_first_bit.narrow(2, 0, 1);
        let no_bits = Tensor::zeros([1, x.size()[1], functions as i64], (x.kind(), x.device()));
        let input = Tensor::cat(&[x, no_bits], 2);
        (number > 0).then(|| Company { attributions: self.decomposed.importances(&input), input, number })
    }

    /// The functions themselves at x, `[function][x]`; `None` where they are not known.
    fn functions(&self, gated: &GatedFunctions, x: &[f64]) -> Option<Vec<Vec<f64>>> {
        let functions = self.spec.target.imported.is_none().then(|| gated.smooth_functions(self.target_seed()))?;
        Some(functions.iter().map(|function| x.iter().map(|&x| function.at(x)).collect()).collect())
    }
}
