//! Attributions by first derivatives, at one point or along a path.

use tch::Tensor;

use super::{loops::Loops, quadrature::gauss_legendre};
use crate::{
    components::{Components, row_products},
    execute::Tangent,
    network::Network,
    site::Site,
    slices::slice,
    weights::Weights,
};

/// Entries of the largest tangent that a block of samples may have: 16 megabytes of them, so that products are large enough
/// to be fast and large batches need no more memory than small ones.
const BLOCK_ENTRIES: i64 = 1 << 22;

/// A_c(x)^2 = mean_o (J(x) P_c)_o^2, [replica, sample, component], with J the derivative of the outputs with respect to
/// the sites' weights, taken at `weights` (Braun et al. 2025, equation 4). Nothing is differentiated through it.
///
/// `input` is [replica, sample, feature].
pub fn gradient_attributions(network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
    let in_loops = if input.device().is_cuda() { None } else { Loops::that_suit(network, components) };
    match in_loops {
        Some(loops) => loops.attributions(network, weights, components, input),
        None => by_block(network, weights, components, input),
    }
}

/// [`gradient_attributions`] in products over blocks of samples.
pub fn by_block(network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
    let graph = network.graph();
    empty_samples_once(weights, components, input, |weights, components, input| {
        let mut tangent = Tangent::new(weights, components);
        mean_squares(network, components, input, |block| tangent.run(&graph, block))
    })
}

/// What `attributions` makes of `input`, replica by replica and there of all samples without any feature as of one: sparse
/// features leave many such. On a GPU, where shapes must not depend on the data, of everything at once.
fn empty_samples_once(
    weights: &Weights,
    components: &Components,
    input: &Tensor,
    attributions: impl Fn(&Weights, &Components, &Tensor) -> Tensor,
) -> Tensor {
    if input.device().is_cuda() {
        return attributions(weights, components, input);
    }
    let features = input.size()[2] as usize;
    let of_replica = |replica: usize| {
        let input = input.narrow(0, replica as i64, 1).contiguous();
        let (weights, components) = (weights.of_replicas(replica..replica + 1), components.replica(replica));
        let mut distinct = Vec::new();
        let mut first_empty = None;
        let places: Vec<i64> = (0..)
            .zip(slice(&input).chunks_exact(features))
            .map(|(sample, entries)| {
                let is_empty = entries.iter().all(|&entry| entry == 0.0);
                if let (true, Some(place)) = (is_empty, first_empty) {
                    return place;
                }
                let place = distinct.len() as i64;
                distinct.push(sample);
                if is_empty {
                    first_empty = Some(place);
                }
                place
            })
            .collect();
        let distinct = input.index_select(1, &Tensor::from_slice::<i64>(&distinct));
        attributions(&weights, &components, &distinct).index_select(1, &Tensor::from_slice(&places))
    };
    Tensor::cat(&(0..input.size()[0] as usize).map(of_replica).collect::<Vec<_>>(), 0)
}

/// A_c(x)^2 = mean_o (int_0^1 J_o(x; t theta) P_c dt)^2 along the straight path from the network without decomposed weights
/// to `weights`, theta, by Gauss-Legendre quadrature at `points` points (Braun et al. 2025, discussion).
pub fn integrated_gradient_attributions(
    network: &Network,
    weights: &Weights,
    components: &Components,
    input: &Tensor,
    points: usize,
) -> Tensor {
    let nodes = gauss_legendre(points);
    let graph = network.graph();
    empty_samples_once(weights, components, input, |weights, components, input| {
        let scaled: Vec<Weights> =
            nodes.iter().map(|(t, _)| weights.with_sites(weights.sites.map(|matrix| matrix * *t))).collect();
        let mut along_path: Vec<Tangent> = scaled.iter().map(|weights| Tangent::new(weights, components)).collect();
        mean_squares(network, components, input, |block| {
            let parts = along_path.iter_mut().zip(&nodes);
            let parts = parts.map(|(tangent, (_, share))| tangent.run(&graph, block) * *share);
            parts.reduce(|sum, part| sum + part).expect("a quadrature has points")
        })
    })
}

/// Block by block, the mean over the outputs of the squares of what `tangents` makes of a block of samples.
fn mean_squares(
    network: &Network,
    components: &Components,
    input: &Tensor,
    mut tangents: impl FnMut(&Tensor) -> Tensor,
) -> Tensor {
    let [replicas, samples, _] = input.size()[..] else { panic!("an input has three axes") };
    let attributions = Tensor::empty([replicas, samples, components.number()], (input.kind(), input.device()));
    let block = block_samples(network, components, input);
    for start in (0..samples).step_by(block as usize) {
        let block = block.min(samples - start);
        let tangents = tangents(&input.narrow(1, start, block)).contiguous();
        let squares = row_products(&tangents, &tangents) / tangents.size()[3] as f64;
        attributions.narrow(1, start, block).copy_(&squares.transpose(1, 2));
    }
    attributions
}

/// How many samples go through the forward sweep at once: all on a GPU.
fn block_samples(network: &Network, components: &Components, input: &Tensor) -> i64 {
    let samples = input.size()[1];
    if input.device().is_cuda() {
        return samples;
    }
    let width = |site: &Site| site.d_in.min(site.d_out);
    let narrow = network.sites().iter().map(width).max().expect("a network has a site");
    let width = narrow.max(network.features() as i64);
    (BLOCK_ENTRIES / (components.replicas() * components.number() * width)).clamp(1, samples)
}
