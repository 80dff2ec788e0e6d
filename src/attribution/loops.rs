//! Attributions by first derivatives in loops over samples, for small networks in main memory.

use std::ops::Range;

use tch::Tensor;

use crate::{
    components::Components,
    graph::Graph,
    kernel::{BLOCK, Kernel, LANES, LaneTangent, SampleTangent, TangentMatrices, claims, threads},
    network::Network,
    site::{PerSite, Site},
    slices::{slice, slice_mut},
    weights::Weights,
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
        if !claims(&network.graph())
            || !network.embeddings().iter().all(is_narrow)
            || !threads::fits_a_core(derivatives)
        {
            return None;
        }
        if derivatives <= DERIVATIVES_OF_LANES && Kernel::LaneTangents.is_on() {
            return Some(Self::ByLanes);
        }
        Kernel::SampleTangents.is_on().then_some(Self::BySample)
    }

    /// [`super::gradient_attributions`], whatever suits.
    pub fn attributions(self, network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
        let [replicas, samples, features] = input.size()[..] else { panic!("an input has three axes") };
        let mut attributions = Tensor::empty([replicas, samples, components.number()], (input.kind(), input.device()));
        let graph = network.graph();
        let tangents = components_innermost(components);
        let [samples, features, number] = [samples, features, components.number()].map(|length| length as usize);
        let products = samples * network.parameters() as usize * number / PRODUCTS_FOR_ONE;
        let of_replicas = slice(input).chunks_exact(samples * features);
        let of_replicas = of_replicas.zip(slice_mut(&mut attributions).chunks_exact_mut(samples * number));
        for (replica, (input, attributions)) in of_replicas.enumerate() {
            let matrices = TangentMatrices::new(weights, number, &tangents, replica);
            threads::for_each_run(attributions, number, threads::worth_having(products), |first, rows| {
                let samples = Samples { inputs: &input[first * features..], features, number };
                // Sparse features leave many inputs without any: those share one result.
                let is_empty = |sample: &usize| samples.input(*sample).iter().all(|&entry| entry == 0.0);
                let (empty, mut distinct): (Vec<usize>, Vec<usize>) = (0..rows.len() / number).partition(is_empty);
                distinct.extend(empty.first());
                match self {
                    Self::BySample => samples.one_by_one(&graph, &matrices, &distinct, rows),
                    Self::ByLanes => samples.by_lanes(&graph, &matrices, &distinct, rows),
                }
                if let [first, others @ ..] = &empty[..] {
                    let of_empty = rows[samples.row(*first)].to_vec();
                    for &sample in others {
                        rows[samples.row(sample)].iter_mut().zip(&of_empty).for_each(|(to, from)| *to = *from);
                    }
                }
            });
        }
        attributions
    }
}

/// Samples of one replica.
struct Samples<'a> {
    inputs: &'a [f32],
    features: usize,
    /// Number of components C.
    number: usize,
}

impl Samples<'_> {
    fn input(&self, sample: usize) -> &[f32] {
        &self.inputs[sample * self.features..][..self.features]
    }

    /// Where a sample's attributions lie among all.
    fn row(&self, sample: usize) -> Range<usize> {
        sample * self.number..(sample + 1) * self.number
    }

    /// Writes the attributions of the listed samples.
    fn one_by_one(&self, graph: &Graph, matrices: &TangentMatrices, listed: &[usize], attributions: &mut [f32]) {
        let mut tangent = SampleTangent::new(matrices);
        for &sample in listed {
            tangent.mean_squares(graph, self.input(sample), &mut attributions[self.row(sample)]);
        }
    }

    /// The same.
    fn by_lanes(&self, graph: &Graph, matrices: &TangentMatrices, listed: &[usize], attributions: &mut [f32]) {
        for samples in listed.chunks(LANES) {
            let mut input = vec![[0.0; LANES]; self.features];
            for (lane, &sample) in samples.iter().enumerate() {
                input.iter_mut().zip(self.input(sample)).for_each(|(lanes, entry)| lanes[lane] = *entry);
            }
            let means = LaneTangent(matrices).mean_squares(graph, input);
            for (lane, &sample) in samples.iter().enumerate() {
                let row = &mut attributions[self.row(sample)];
                row.iter_mut().zip(&means).for_each(|(attribution, mean)| *attribution = mean[lane]);
            }
        }
    }
}

/// P_c of every site of every replica with the components innermost, [replica, d_in, d_out, component], filled up with zeros
/// to whole blocks.
fn components_innermost(components: &Components) -> PerSite<Tensor> {
    let missing = components.number().wrapping_neg().rem_euclid(BLOCK as i64);
    components
        .factors
        .map(|factors| factors.matrices().permute([0, 2, 3, 1]).constant_pad_nd([0, missing]).contiguous())
}
