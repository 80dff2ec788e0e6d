//! A replica's weights and components as loops over samples read them.

use tch::Tensor;

use super::simd::{BLOCK, Block};
use crate::{
    graph::{Activation, Form, Function, Graph},
    site::PerSite,
    slices::slice,
    weights::Weights,
};

/// Whether the loops over samples can run a graph: what is not linear in it is a function of single entries.
pub fn claims(graph: &Graph) -> bool {
    graph.operations().all(|(_, operation)| match operation.form() {
        Form::Function { function, .. } => function.of_entries().is_some(),
        Form::Product { .. } | Form::Sum { .. } | Form::PlusRow { .. } => true,
    })
}

/// The function of single entries in a graph that is claimed.
pub(super) fn activation_of(function: &dyn Function) -> Activation {
    function.of_entries().expect("the graph is claimed")
}

/// A replica's weights and components in main memory. Made once a step, used for every sample.
pub struct TangentMatrices<'a> {
    pub(super) sites: PerSite<SiteMatrices<'a>>,
    /// Each [d_in, d_out] with its d_out.
    pub(super) embeddings: Vec<(&'a [f32], usize)>,
    pub(super) biases: Vec<&'a [f32]>,
    /// Number of components C.
    pub(super) components: usize,
    /// Blocks of a row of derivatives.
    pub(super) blocks: usize,
}

pub(super) struct SiteMatrices<'a> {
    pub(super) d_in: usize,
    pub(super) d_out: usize,
    /// W, [d_in, d_out].
    pub(super) weights: &'a [f32],
    /// W^T, [d_out, d_in].
    pub(super) transposed: Vec<f32>,
    /// P, [d_in, d_out, component].
    pub(super) tangents: &'a [Block],
}

impl<'a> TangentMatrices<'a> {
    /// Derivatives at `weights` along so many components, whose matrices are `tangents` [replica, d_in, d_out, component], filled
    /// up with zeros to whole blocks of components; of one replica.
    pub fn new(weights: &'a Weights, components: usize, tangents: &'a PerSite<Tensor>, replica: usize) -> Self {
        let blocks = components.div_ceil(BLOCK);
        let sites = tangents.enumerate().map(|(site, tangents)| {
            let [_, d_in, d_out, _] = tangents.size()[..] else { panic!("P has four axes") };
            let [d_in, d_out] = [d_in, d_out].map(|length| length as usize);
            let (weights, (tangents, _)) = (slice(&weights.sites[site]), slice(tangents).as_chunks());
            let (size, all) = (d_in * d_out, d_in * d_out * blocks);
            let (weights, tangents) = (&weights[replica * size..][..size], &tangents[replica * all..][..all]);
            let transposed = (0..size).map(|place| weights[place % d_in * d_out + place / d_in]).collect();
            SiteMatrices { d_in, d_out, weights, transposed, tangents }
        });
        let biases = weights.biases.iter().map(|bias| {
            let width = bias.size()[1] as usize;
            &slice(bias)[replica * width..][..width]
        });
        let embeddings = weights.embeddings.iter().map(|embedding| {
            let [_, d_in, d_out] = embedding.size()[..] else { panic!("an embedding has three axes") };
            let size = (d_in * d_out) as usize;
            (&slice(embedding)[replica * size..][..size], d_out as usize)
        });
        Self { sites: sites.collect(), embeddings: embeddings.collect(), biases: biases.collect(), components, blocks }
    }
}
