//! How often and how strongly each component is active, and what the losses are on samples not trained on.

use tch::{Kind, Tensor};

use super::UseActivity;
use crate::{
    fit::{InputStream, Term, total},
    interrupt::Interrupted,
    method::{AtUse, Decomposed},
};

/// What one replica's components do on many samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Number of samples looked at.
    pub samples: usize,
    /// On how many of them each component was selected.
    pub active_samples: Vec<f64>,
    /// On how many samples two components were selected both, `[component][other]`; `None` in the L_p form, which selects nothing.
    pub both_active_samples: Option<Vec<Vec<f64>>>,
    /// Mean of A_c(x) over the samples on which c was selected; `None` where there were none.
    pub mean_attributions: Vec<Option<f64>>,
    /// The largest A_c(x)^2 of all.
    pub largest_attribution: f64,
    /// The share of the cuts of the selection that go through equal attributions above zero; 0 in the L_p form.
    pub tied_cuts: f64,
    /// What is learned of each use of a site, in the order of the forward pass; empty of methods that learn nothing of single uses.
    pub at_uses: Vec<UseActivity>,
    /// The unweighted loss terms and their weighted `total`, means over the batches.
    pub terms: Vec<(&'static str, f64)>,
}

impl Activity {
    /// Share of the samples on which each component was selected.
    pub fn frequencies(&self) -> Vec<f64> {
        self.active_samples.iter().map(|count| count / self.samples as f64).collect()
    }

    /// Mean number of components selected on a sample.
    pub fn mean_active(&self) -> f64 {
        self.active_samples.iter().sum::<f64>() / self.samples as f64
    }

    /// Whether each component was selected at all.
    pub fn alive(&self) -> Vec<bool> {
        self.active_samples.iter().map(|&count| count > 0.0).collect()
    }

    /// A loss term by name.
    pub fn term(&self, name: &str) -> Option<f64> {
        self.terms.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }
}

/// Looks at no fewer than `samples` samples, in whole batches because the selection is one of a batch. The decomposition is of
/// one replica.
///
/// # Errors
/// As soon as `check` fails, which is asked before every batch.
pub fn measure_activity(
    decomposed: &dyn Decomposed,
    inputs: &InputStream,
    samples: usize,
    batch: usize,
    check: &dyn Fn() -> Result<(), Interrupted>,
) -> Result<Activity, Interrupted> {
    let batches = samples.div_ceil(batch);
    let mut counts: Option<Tensor> = None;
    let mut counts_of_both: Option<Tensor> = None;
    let mut attribution_sums: Option<Tensor> = None;
    let mut largest: Option<Tensor> = None;
    let mut tied_cuts: Option<Tensor> = None;
    let mut at_uses: Vec<UseActivity> = Vec::new();
    let samples_looked_at = batches * batch;
    let mut terms: Vec<Term> = Vec::new();
    for step in 0..batches {
        check()?;
        let input = inputs.batch(step as u64, batch, decomposed.components().device());
        let observed = decomposed.observe(&input);
        let over_samples = |tensor: Tensor| tensor.sum_dim_intlist([0, 1].as_slice(), false, Kind::Double);
        let add = |sum: Option<Tensor>, more: Tensor| Some(sum.map_or(more.shallow_clone(), |sum| sum + more));
        counts = add(counts, over_samples(observed.mask.shallow_clone()));
        if decomposed.selects() {
            let both = observed.mask.mt().bmm(&observed.mask).squeeze_dim(0).to_kind(Kind::Double);
            counts_of_both = add(counts_of_both, both);
        }
        if let Some(share) = decomposed.share_of_tied_cuts(&observed) {
            tied_cuts = add(tied_cuts, share);
        }
        let of_batch = observed.importances.max();
        largest = Some(largest.map_or(of_batch.shallow_clone(), |largest| largest.maximum(&of_batch)));
        attribution_sums = add(attribution_sums, over_samples(observed.importances.sqrt() * &observed.mask));
        add_at_uses(&mut at_uses, &observed.at_uses, samples_looked_at);
        let with_total = observed.terms.iter().cloned().chain([total(&observed.terms)]);
        if terms.is_empty() {
            terms = with_total.collect();
        } else {
            terms.iter_mut().zip(with_total).for_each(|(sum, term)| sum.values[0] += term.values[0]);
        }
    }
    let numbers = |tensor: Option<Tensor>| Vec::<f64>::try_from(tensor.expect("at least one batch")).expect("one axis");
    let active_samples = numbers(counts);
    let mean = |(&count, sum): (&f64, f64)| (count > 0.0).then(|| sum / count);
    Ok(Activity {
        samples: samples_looked_at,
        at_uses,
        both_active_samples: counts_of_both.map(|counts| Vec::try_from(counts).expect("a table of components")),
        mean_attributions: active_samples.iter().zip(numbers(attribution_sums)).map(mean).collect(),
        active_samples,
        largest_attribution: largest.map_or(0.0, |largest| largest.double_value(&[])),
        tied_cuts: tied_cuts.map_or(0.0, |shares| shares.double_value(&[]) / batches as f64),
        terms: terms.iter().map(|term| (term.name, term.values[0] / batches as f64)).collect(),
    })
}

fn add_at_uses(sums: &mut Vec<UseActivity>, observed: &[AtUse], samples: usize) {
    if sums.is_empty() {
        sums.extend(observed.iter().map(UseActivity::nothing_yet));
    }
    sums.iter_mut().zip(observed).for_each(|(sum, observed)| sum.add(observed, samples));
}
