//! How much memory an experiment needs, estimated from its sizes.

use tch::Device;

use crate::{
    method::Sizes,
    network::ERROR_BATCH,
    spec::{Spec, Target},
};

/// Bytes of a float32.
const FLOAT: f64 = 4.0;

/// Bytes for training the targets, an estimate: weights with their gradient and two moments, and for each sample the
/// values that the backward pass comes back to.
pub fn of_target(spec: &Spec) -> f64 {
    let Target { seed, network, training, .. } = &spec.target;
    let replicas = if seed.is_some() { 1.0 } else { spec.seeds.len() as f64 };
    let batch = training.as_ref().map_or(0, |training| training.batch.max(ERROR_BATCH));
    FLOAT * replicas * (4.0 * network.parameters() as f64 + batch as f64 * values(spec))
}

/// Bytes for the whole experiment, an estimate: the largest of targets, decomposition and measurement.
///
/// The decomposition has for each replica the factors with their gradient and two moments, what a step makes of them, and for
/// each sample its values and what the method keeps of it; on a GPU all samples go through the tangents at once. The measurement of one replica
/// takes its components' matrices in double precision, with their squares and products, and how often any two components
/// are active together, beside all factors.
pub fn of_experiment(spec: &Spec, device: Device) -> f64 {
    let Sizes { components, factors, of_step, of_sample, .. } = sizes(spec);
    let [components, factors] = [components as f64, factors as f64];
    let batch = spec.decomposition.batch as f64;
    let values = values(spec);
    let tangents = if device.is_cuda() { 2.0 * components * values } else { 0.0 };
    let of_sample = values + of_sample as f64 + tangents;
    let replicas = spec.seeds.len() as f64;
    let training = FLOAT * replicas * (4.0 * factors + of_step as f64 + batch * of_sample);
    of_target(spec).max(training).max(of_measurement(spec))
}

/// Bytes for measuring finished components, an estimate.
pub fn of_measurement(spec: &Spec) -> f64 {
    let Sizes { components, factors, matrices, .. } = sizes(spec);
    let pairs = (components as f64).powi(2);
    FLOAT * (spec.seeds.len() as f64 * factors as f64 + 6.0 * matrices as f64 + 5.0 * pairs)
}

fn sizes(spec: &Spec) -> Sizes {
    spec.method.sizes(&spec.target.network)
}

/// Number of entries of all values that one sample takes on its way through the network.
fn values(spec: &Spec) -> f64 {
    let network = &spec.target.network;
    let widths: i64 = network.sites().iter().map(|site| site.d_out).sum();
    widths as f64 + 3.0 * network.features() as f64
}
