//! What halving compares trials by while they are trained.

use super::{
    SAMPLES_OF_A_CURVE, curve, inputs,
    scores::{mean_active_inputs, mean_attributions},
};
use crate::{
    experiment::halving::Criterion,
    interrupt::{Interrupted, Work},
    method::Decomposed,
    metric::{Distortion, Profiles, mean_log_error, measure_activity, score},
    spec::Spec,
};

/// How good a replica is as it stands, the larger, the better; the worst of all where there is nothing to tell by. It is by itself in `decomposed`; `replica` is its place in the spec.
pub fn outlook(
    spec: &Spec,
    replica: usize,
    decomposed: &dyn Decomposed,
    criterion: Criterion,
    work: &Work,
) -> Result<f64, Interrupted> {
    let inputs = inputs(spec, replica);
    // The curve's errors and numbers of components do not depend on ranks.
    let ranks = vec![0; decomposed.components().number() as usize];
    let curve = curve(decomposed, &inputs, &ranks, work)?;
    let active_inputs = mean_active_inputs(decomposed, &inputs);
    let distortion = Distortion::new(&curve);
    let value = match criterion {
        Criterion::Score => {
            let (samples, batch) = (spec.measurement.samples.min(SAMPLES_OF_A_CURVE), spec.decomposition.batch);
            let activity = measure_activity(decomposed, &inputs, samples, batch, &|| work.check())?;
            let profiles = Profiles::new(&mean_attributions(spec, decomposed, work)?, &activity.alive());
            distortion.and_then(|distortion| score(&distortion, active_inputs, &profiles))
        }
        Criterion::MeanLogError => {
            distortion.and_then(|distortion| mean_log_error(&distortion, active_inputs)).map(|error| -error)
        }
    };
    Ok(value.unwrap_or(f64::NEG_INFINITY))
}
