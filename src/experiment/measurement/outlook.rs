//! What halving compares trials by while they are trained.

use super::{
    alone, curve,
    scores::{mean_active_inputs, mean_log_error},
};
use crate::{
    components::Components,
    experiment::halving::Criterion,
    metric::{Distortion, score},
    network::Weights,
    run::Interrupt,
    spec::Spec,
};

/// How good a replica is as it stands, the larger, the better; the worst of all where there is nothing to tell by. `None`:
/// interrupted. Its weights and components are by themselves; `replica` is its place in the spec.
pub fn outlook(
    spec: &Spec,
    replica: usize,
    weights: &Weights,
    components: Components,
    criterion: Criterion,
    interrupt: &Interrupt,
) -> Option<f64> {
    let (decomposition, inputs) = alone(spec, replica, weights, components);
    // The curve's errors and numbers of components do not depend on ranks.
    let ranks = vec![0; decomposition.components().number() as usize];
    let curve = curve(spec, &decomposition, &inputs, &ranks, interrupt)?;
    let active_inputs = mean_active_inputs(&decomposition, &inputs);
    let value = Distortion::new(&curve).and_then(|distortion| match criterion {
        Criterion::Score => Some(score(&distortion, active_inputs)),
        Criterion::MeanLogError => mean_log_error(&distortion, active_inputs).map(|error| -error),
    });
    Some(value.unwrap_or(f64::NEG_INFINITY))
}
