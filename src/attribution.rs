//! Attributions: how much the network's output depends on each component.

use tch::Tensor;

use crate::{
    components::Components,
    memory::{slice, slice_mut},
    network::{Network, Weights},
    reading::{
        SampleTangent, SampleTangentMatrices, SampleValue, Tangent, TangentMatrices, WithTangents, components_innermost,
    },
    site::Site,
    threads,
};

/// Entries of the largest tangent that a block of samples may have: a megabyte of them stays in a core's cache.
const BLOCK_ENTRIES: i64 = 1 << 18;

/// A_c(x)^2 = mean_o (J(x) P_c)_o^2, [replica, sample, component], with J the derivative of the outputs with respect to
/// the sites' weights, taken at `weights` (Braun et al. 2025, equation 4). Nothing is differentiated through it.
///
/// `input` is [replica, sample, feature].
pub fn gradient_attributions(network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
    if !input.device().is_cuda() && threads::fits_a_core(network.parameters() * components.number()) {
        by_sample(network, weights, components, input)
    } else {
        by_block(network, weights, components, input)
    }
}

/// [`gradient_attributions`] in products over blocks of samples.
pub fn by_block(network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
    let matrices = TangentMatrices::new(weights, components);
    let [replicas, samples, _] = input.size()[..] else { panic!("an input has three axes") };
    let attributions = Tensor::empty([replicas, samples, components.number()], (input.kind(), input.device()));
    let block = block_samples(network, components, input);
    for start in (0..samples).step_by(block as usize) {
        let block = block.min(samples - start);
        let inputs = WithTangents::input(input.narrow(1, start, block));
        let WithTangents { tangents, .. } = network.forward(&mut Tangent::new(&matrices), inputs);
        let mut tangents = tangents.expect("a network applies a site");
        let squares = tangents.square_().mean_dim([-1].as_slice(), false, None);
        attributions.narrow(1, start, block).copy_(&squares);
    }
    attributions
}

/// How many samples go through the forward sweep at once: all on a GPU, a cacheful on the CPU.
fn block_samples(network: &Network, components: &Components, input: &Tensor) -> i64 {
    let samples = input.size()[1];
    if input.device().is_cuda() {
        return samples;
    }
    let width = |site: &Site| site.d_in.max(site.d_out);
    let width = network.sites().iter().map(width).max().expect("a network has a site");
    (BLOCK_ENTRIES / (components.replicas() * components.number() * width)).clamp(1, samples)
}

/// [`gradient_attributions`] in loops over samples, skipping what is zero. In main memory only.
pub fn by_sample(network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
    let [replicas, samples, features] = input.size()[..] else { panic!("an input has three axes") };
    let mut attributions = Tensor::zeros([replicas, samples, components.number()], (input.kind(), input.device()));
    let tangents = components_innermost(components);
    let (samples, features, number) = (samples as usize, features as usize, components.number() as usize);
    let matrices = |replica| SampleTangentMatrices::new(weights, &tangents, replica);
    let matrices: Vec<SampleTangentMatrices> = (0..replicas as usize).map(matrices).collect();
    let inputs: Vec<&[f32]> = slice(input).chunks_exact(features).collect();
    let write = |matrices: &SampleTangentMatrices, input: &[f32], sums: &mut [f32]| {
        let mut reading = SampleTangent(matrices);
        let output = network.forward(&mut reading, SampleValue::input(input));
        let width = output.width() as f32;
        reading.rows(output).add_squares(sums);
        sums.iter_mut().for_each(|sum| *sum /= width);
    };
    // Sparse features leave many inputs without any: those share one result.
    let zero_input = vec![0.0; features];
    let of_zero_input: Vec<Vec<f32>> = matrices
        .iter()
        .map(|matrices| {
            let mut sums = vec![0.0; number];
            write(matrices, &zero_input, &mut sums);
            sums
        })
        .collect();
    threads::for_each_row(slice_mut(&mut attributions), number, |row, sums| {
        if inputs[row] == zero_input {
            sums.copy_from_slice(&of_zero_input[row / samples]);
        } else {
            write(&matrices[row / samples], inputs[row], sums);
        }
    });
    attributions
}
