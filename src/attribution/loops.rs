//! Attributions by first derivatives in loops over samples, for small networks in main memory.

use tch::Tensor;

use crate::{
    components::Components,
    memory::{slice, slice_mut},
    network::{Network, Weights},
    reading::{LANES, LaneTangent, LaneValue, SampleTangent, TangentMatrices, components_innermost},
    site::Site,
    threads,
};

/// How to go over the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loops {
    /// One after the other, skipping what is zero.
    BySample,
    /// Many side by side, skipping nothing.
    ByLanes,
}

/// Derivatives of all parameters along all components up to which it takes longer to find out what is zero than to multiply
/// it. Of a toy model with 5 features in 2 dimensions and 5 components there are 50.
const DERIVATIVES_OF_LANES: i64 = 1 << 11;

/// Of the products in the loops by sample, about one in so many is carried out: the others are with zero.
const PRODUCTS_FOR_ONE: usize = 64;

impl Loops {
    /// Those that beat products over blocks of samples, if there are any: the tensors are small, and no residual stream is much
    /// wider than the inputs, for the loops carry their tangents through it where the products multiply the matrices around it
    /// first.
    pub fn that_suit(network: &Network, components: &Components) -> Option<Self> {
        let features = network.features() as i64;
        let is_narrow = |embedding: &Site| embedding.d_in.max(embedding.d_out) <= 2 * features;
        let derivatives = network.parameters() * components.number();
        if !network.embeddings().iter().all(is_narrow) || !threads::fits_a_core(derivatives) {
            return None;
        }
        Some(if derivatives <= DERIVATIVES_OF_LANES { Self::ByLanes } else { Self::BySample })
    }

    /// [`super::gradient_attributions`], whatever suits.
    pub fn attributions(self, network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
        let [replicas, samples, features] = input.size()[..] else { panic!("an input has three axes") };
        let mut attributions = Tensor::empty([replicas, samples, components.number()], (input.kind(), input.device()));
        let tangents = components_innermost(components);
        let [samples, features, number] = [samples, features, components.number()].map(|length| length as usize);
        let products = samples * network.parameters() as usize * number / PRODUCTS_FOR_ONE;
        let of_replicas = slice(input).chunks_exact(samples * features);
        let of_replicas = of_replicas.zip(slice_mut(&mut attributions).chunks_exact_mut(samples * number));
        for (replica, (input, attributions)) in of_replicas.enumerate() {
            let matrices = TangentMatrices::new(weights, components, &tangents, replica);
            threads::for_each_run(attributions, number, threads::worth_having(products), |first, rows| {
                let inputs: Vec<&[f32]> = input[first * features..].chunks_exact(features).collect();
                let mut attributions: Vec<&mut [f32]> = rows.chunks_exact_mut(number).collect();
                // Sparse features leave many inputs without any: those share one result.
                let is_empty = |sample: &usize| inputs[*sample].iter().all(|&entry| entry == 0.0);
                let (empty, mut distinct): (Vec<usize>, Vec<usize>) = (0..attributions.len()).partition(is_empty);
                distinct.extend(empty.first());
                match self {
                    Self::BySample => by_sample(network, &matrices, &inputs, &distinct, &mut attributions),
                    Self::ByLanes => by_lanes(network, &matrices, &inputs, &distinct, &mut attributions),
                }
                if let [first, others @ ..] = &empty[..] {
                    let of_empty = attributions[*first].to_vec();
                    others.iter().for_each(|&sample| attributions[sample].copy_from_slice(&of_empty));
                }
            });
        }
        attributions
    }
}

/// The attributions of some samples, given all of one replica.
fn by_sample(
    network: &Network,
    matrices: &TangentMatrices,
    inputs: &[&[f32]],
    samples: &[usize],
    attributions: &mut [&mut [f32]],
) {
    let mut reading = SampleTangent::new(matrices);
    for &sample in samples {
        let input = reading.input(inputs[sample]);
        let output = network.forward(&mut reading, input);
        reading.mean_squares(output, attributions[sample]);
    }
}

/// The same.
fn by_lanes(
    network: &Network,
    matrices: &TangentMatrices,
    inputs: &[&[f32]],
    samples: &[usize],
    attributions: &mut [&mut [f32]],
) {
    for samples in samples.chunks(LANES) {
        let mut input = vec![[0.0; LANES]; network.features()];
        for (lane, &sample) in samples.iter().enumerate() {
            input.iter_mut().zip(inputs[sample]).for_each(|(lanes, entry)| lanes[lane] = *entry);
        }
        let output = network.forward(&mut LaneTangent(matrices), LaneValue::input(input));
        let means = output.mean_squares(attributions[0].len());
        for (lane, &sample) in samples.iter().enumerate() {
            attributions[sample].iter_mut().zip(&means).for_each(|(attribution, mean)| *attribution = mean[lane]);
        }
    }
}
