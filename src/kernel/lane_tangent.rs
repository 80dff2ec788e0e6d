//! Derivatives along all components for some samples at a time, side by side in the lanes of vectors.
//!
//! Of a tiny network a product is over sooner than [`super::SampleTangent`] has found out which of it matters: here everything
//! is multiplied, for so many samples at once that all loops have a length that the compiler knows.

use super::{
    simd::widest,
    tangent_matrices::{TangentMatrices, activation_of},
};
use crate::graph::{Activation, BiasIndex, EmbeddingIndex, Form, Graph, Live, Matrix, SiteUse};

/// Samples side by side.
pub const LANES: usize = 32;

/// An entry of a value, or one derivative of it, of each sample.
pub type Lanes = [f32; LANES];

/// Runs a graph on [`LANES`] samples at once for the derivatives of its output along all components.
pub struct LaneTangent<'a>(pub &'a TangentMatrices<'a>);

/// A value of some samples and its derivatives along every component.
#[derive(Clone)]
struct LaneValue {
    value: Vec<Lanes>,
    /// [entry, component]; none where no parameter has moved the value.
    tangents: Vec<Lanes>,
}

impl LaneValue {
    /// For every component, the mean over the entries of the value of their squared derivatives.
    fn mean_squares(&self, components: usize) -> Vec<Lanes> {
        let mut means = vec![[0.0; LANES]; components];
        widest(
            #[inline(always)]
            || {
                for row in self.tangents.chunks_exact(components) {
                    for (sum, tangent) in means.iter_mut().zip(row) {
                        for lane in 0..LANES {
                            sum[lane] += tangent[lane] * tangent[lane];
                        }
                    }
                }
            },
        );
        let width = self.value.len() as f32;
        means.as_flattened_mut().iter_mut().for_each(|mean| *mean /= width);
        means
    }
}

#[inline(always)]
fn add_scaled(sum: &mut Lanes, factor: f32, lanes: &Lanes) {
    for lane in 0..LANES {
        sum[lane] += factor * lanes[lane];
    }
}

/// x M and its derivatives dx M, for a matrix of rows of `d_out` that is no component's.
#[inline(always)]
fn product(input: &LaneValue, components: usize, d_out: usize, entry: impl Fn(usize, usize) -> f32) -> LaneValue {
    let mut output = LaneValue {
        value: vec![[0.0; LANES]; d_out],
        tangents: vec![[0.0; LANES]; if input.tangents.is_empty() { 0 } else { d_out * components }],
    };
    for (from, value) in input.value.iter().enumerate() {
        for (to, sum) in output.value.iter_mut().enumerate() {
            add_scaled(sum, entry(from, to), value);
        }
    }
    for (from, tangents) in input.tangents.chunks_exact(components).enumerate() {
        for (to, sums) in output.tangents.chunks_exact_mut(components).enumerate() {
            for (sum, tangent) in sums.iter_mut().zip(tangents) {
                add_scaled(sum, entry(from, to), tangent);
            }
        }
    }
    output
}

impl LaneTangent<'_> {
    /// For every component, the mean over the outputs of `graph` at each sample's `input` of their squared derivatives.
    pub fn mean_squares(&self, graph: &Graph, input: Vec<Lanes>) -> Vec<Lanes> {
        // A network's input, which no parameter moves.
        let mut live = Live::new(graph, LaneValue { value: input, tangents: Vec::new() });
        for (_, operation) in graph.operations() {
            let made = match operation.form() {
                Form::Product { input, matrix: Matrix::Site(site) } => self.apply(site, live.take(input)),
                Form::Product { input, matrix: Matrix::Embedding(embedding) } => {
                    self.embed(embedding, live.take(input))
                }
                Form::Sum { left, right } => {
                    let left = live.take(left);
                    self.add(left, live.take(right))
                }
                Form::PlusRow { input, bias } => self.add_bias(bias, live.take(input)),
                Form::Function { inputs, function } => self.activate(activation_of(function), live.take(inputs[0])),
            };
            live.push(made);
        }
        live.take(graph.output()).mean_squares(self.0.components)
    }

    /// Product rule, d(x W) = x P_c + dx W.
    fn apply(&self, SiteUse { site, transposed }: SiteUse, input: LaneValue) -> LaneValue {
        let (site, components) = (&self.0.sites[site], self.0.components);
        let width = if transposed { site.d_in } else { site.d_out };
        // Of the entry of the matrix between an input and an output, counted row by row.
        let place = |from: usize, to: usize| if transposed { to * site.d_out + from } else { from * site.d_out + to };
        widest(
            #[inline(always)]
            || {
                let mut output = product(
                    &input,
                    components,
                    width,
                    #[inline(always)]
                    |from, to| site.weights[place(from, to)],
                );
                output.tangents.resize(width * components, [0.0; LANES]);
                for (from, value) in input.value.iter().enumerate() {
                    for (to, sums) in output.tangents.chunks_exact_mut(components).enumerate() {
                        let tangents = site.tangents[place(from, to) * self.0.blocks..].as_flattened();
                        for (sum, &tangent) in sums.iter_mut().zip(tangents) {
                            add_scaled(sum, tangent, value);
                        }
                    }
                }
                output
            },
        )
    }

    /// An embedding is no component's: d(x E) = dx E.
    fn embed(&self, embedding: EmbeddingIndex, input: LaneValue) -> LaneValue {
        let (matrix, d_out) = self.0.embeddings[embedding.0];
        widest(
            #[inline(always)]
            || {
                product(
                    &input,
                    self.0.components,
                    d_out,
                    #[inline(always)]
                    |from, to| matrix[from * d_out + to],
                )
            },
        )
    }

    fn add(&self, mut left: LaneValue, right: LaneValue) -> LaneValue {
        left.value.iter_mut().zip(&right.value).for_each(|(left, right)| add_scaled(left, 1.0, right));
        if left.tangents.is_empty() {
            left.tangents = right.tangents;
        } else {
            left.tangents.iter_mut().zip(&right.tangents).for_each(|(left, right)| add_scaled(left, 1.0, right));
        }
        left
    }

    /// A bias is no component's.
    fn add_bias(&self, bias: BiasIndex, mut input: LaneValue) -> LaneValue {
        let entries = input.value.iter_mut().zip(self.0.biases[bias.0]);
        entries.for_each(|(entries, bias)| entries.iter_mut().for_each(|entry| *entry += bias));
        input
    }

    /// Chain rule, d(f(x)) = f'(x) dx.
    fn activate(&self, activation: Activation, LaneValue { mut value, mut tangents }: LaneValue) -> LaneValue {
        let of_entries = tangents.chunks_exact_mut(self.0.components).zip(&value);
        for (tangents, value) in of_entries {
            let slopes = value.map(|entry| activation.slope_of_entry(entry));
            for tangent in tangents {
                tangent.iter_mut().zip(slopes).for_each(|(tangent, slope)| *tangent *= slope);
            }
        }
        value.as_flattened_mut().iter_mut().for_each(|entry| *entry = activation.of_entry(*entry));
        LaneValue { value, tangents }
    }
}
