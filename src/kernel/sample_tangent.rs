//! Derivatives along all components for one sample at a time, in loops over small buffers.
//!
//! Most inputs of a toy model are zero, and so are the slopes of most of its outputs. [`crate::execute::Tangent`] multiplies them
//! all; here a product waits until the activation behind it has said which of its entries matter. Of the multiplications
//! of a toy model of superposition with 40 features a few per cent remain.

use super::{
    simd::{BLOCK, BLOCKS_TOGETHER, Block, add_scaled, add_scaled_blocks, widest},
    tangent_matrices::{SiteMatrices, TangentMatrices, activation_of},
};
use crate::graph::{Activation, BiasIndex, EmbeddingIndex, Form, Graph, Matrix, SiteUse, Value};

/// Runs a graph, sample after sample, for the derivatives of its output along all components.
///
/// A pass is over in a microsecond, in which nothing may be allocated: its numbers lie one after the other in buffers that the
/// next pass uses again, and a value is where in them they lie.
pub struct SampleTangent<'a> {
    matrices: &'a TangentMatrices<'a>,
    values: Vec<f32>,
    derivatives: Vec<Block>,
    /// Which entries of values are not zero, or have derivatives.
    indices: Vec<usize>,
    sums: Vec<(Tangents, Tangents)>,
    /// Of the graph, as far as it has been run.
    made: Vec<SampleValue>,
}

/// Where some entries of a buffer lie.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    length: usize,
}

impl Span {
    const EMPTY: Self = Self { start: 0, length: 0 };

    fn of<T>(self, buffer: &[T]) -> &[T] {
        &buffer[self.start..self.start + self.length]
    }
}

/// A value of one sample and its derivatives along every component.
#[derive(Clone, Copy)]
struct SampleValue {
    value: Span,
    tangents: Tangents,
}

#[derive(Clone, Copy)]
enum Tangents {
    Zero,
    Rows(TangentRows),
    /// Of a product whose entries nothing has asked for yet.
    Product {
        site: SiteUse,
        input: Span,
        /// Which entries of the input are not zero.
        active: Span,
        input_tangents: TangentRows,
    },
    /// Of two values, by its number.
    Sum(usize),
}

/// The derivatives of some entries of a value along all components; those of the other entries are zero.
#[derive(Clone, Copy)]
struct TangentRows {
    /// Which entries of the value, ascending.
    indices: Span,
    /// For each of them a row of blocks, one derivative a component.
    derivatives: Span,
}

impl TangentRows {
    const NONE: Self = Self { indices: Span::EMPTY, derivatives: Span::EMPTY };

    /// Each entry's index with its derivatives.
    fn with_indices<'a>(
        self,
        indices: &'a [usize],
        derivatives: &'a [Block],
        blocks: usize,
    ) -> impl Iterator<Item = (usize, &'a [Block])> {
        self.indices.of(indices).iter().copied().zip(self.derivatives.of(derivatives).chunks_exact(blocks))
    }
}

impl<'a> SampleTangent<'a> {
    pub fn new(matrices: &'a TangentMatrices<'a>) -> Self {
        Self {
            matrices,
            values: Vec::new(),
            derivatives: Vec::new(),
            indices: Vec::new(),
            sums: Vec::new(),
            made: Vec::new(),
        }
    }

    /// For every component, the mean over the outputs of `graph` at one sample's `input` of their squared derivatives.
    pub fn mean_squares(&mut self, graph: &Graph, input: &[f32], means: &mut [f32]) {
        self.values.clear();
        self.derivatives.clear();
        self.indices.clear();
        self.sums.clear();
        self.made.clear();
        self.values.extend_from_slice(input);
        // A network's input, which no parameter moves.
        let value = Span { start: 0, length: input.len() };
        self.made.push(SampleValue { value, tangents: Tangents::Zero });
        for (_, operation) in graph.operations() {
            let of = |value: Value| self.made[value.index()];
            let made = match operation.form() {
                Form::Product { input, matrix: Matrix::Site(site) } => self.apply(site, of(input)),
                Form::Product { input, matrix: Matrix::Embedding(embedding) } => self.embed(embedding, of(input)),
                Form::Sum { left, right } => self.add(of(left), of(right)),
                Form::PlusRow { input, bias } => self.add_bias(bias, of(input)),
                Form::Function { inputs, function } => self.activate(activation_of(function), of(inputs[0])),
            };
            self.made.push(made);
        }
        self.mean_squares_of(self.made[graph.output().index()], means);
    }

    /// For every component, the mean over the entries of a value of their squared derivatives.
    fn mean_squares_of(&mut self, SampleValue { value, tangents }: SampleValue, means: &mut [f32]) {
        let rows = self.all_rows(tangents, value);
        let (rows, blocks) = (rows.derivatives.of(&self.derivatives), self.matrices.blocks);
        widest(
            #[inline(always)]
            || {
                for (block, means) in means.chunks_mut(BLOCK).enumerate() {
                    let mut sums = [0.0; BLOCK];
                    for row in rows.chunks_exact(blocks) {
                        for lane in 0..BLOCK {
                            sums[lane] += row[block][lane] * row[block][lane];
                        }
                    }
                    for (mean, sum) in means.iter_mut().zip(sums) {
                        *mean = sum / value.length as f32;
                    }
                }
            },
        );
    }

    /// A new value for writing, and the values before it.
    fn new_value(&mut self, length: usize) -> (Span, &[f32], &mut [f32]) {
        let start = self.values.len();
        self.values.resize(start + length, 0.0);
        let (before, value) = self.values.split_at_mut(start);
        (Span { start, length }, before, value)
    }

    /// Lists the entries of a value that fulfil a condition.
    fn entries_where(&mut self, value: Span, condition: impl Fn(f32) -> bool) -> Span {
        let start = self.indices.len();
        let entries = value.of(&self.values).iter().enumerate();
        self.indices.extend(entries.filter(|(_, entry)| condition(**entry)).map(|(index, _)| index));
        Span { start, length: self.indices.len() - start }
    }

    /// The derivatives of all entries of a value.
    fn all_rows(&mut self, tangents: Tangents, value: Span) -> TangentRows {
        match tangents {
            Tangents::Zero => TangentRows::NONE,
            Tangents::Rows(rows) => rows,
            waiting => {
                let all = self.entries_where(value, |_| true);
                self.rows(waiting, all)
            }
        }
    }

    /// The derivatives of those entries of a value that `indices` lists: what waits is carried out.
    fn rows(&mut self, tangents: Tangents, indices: Span) -> TangentRows {
        if let Tangents::Zero = tangents {
            return TangentRows::NONE;
        }
        let rows = self.zero_rows(indices);
        self.add_to(rows, tangents);
        rows
    }

    fn zero_rows(&mut self, indices: Span) -> TangentRows {
        let (start, length) = (self.derivatives.len(), indices.length * self.matrices.blocks);
        self.derivatives.resize(start + length, [0.0; BLOCK]);
        TangentRows { indices, derivatives: Span { start, length } }
    }

    /// Adds tangents to rows, which are the last.
    fn add_to(&mut self, rows: TangentRows, tangents: Tangents) {
        let Self { matrices, values, derivatives, indices, sums, .. } = self;
        let (before, written) = derivatives.split_at_mut(rows.derivatives.start);
        let written = rows.indices.of(indices).iter().zip(written.chunks_exact_mut(matrices.blocks));
        match tangents {
            Tangents::Zero => {}
            Tangents::Rows(more) => {
                let mut others = more.with_indices(indices, before, matrices.blocks).peekable();
                for (&index, sum) in written {
                    while others.next_if(|(other, _)| *other < index).is_some() {}
                    if let Some((_, row)) = others.next_if(|(other, _)| *other == index) {
                        add_scaled(sum.as_flattened_mut(), 1.0, row.as_flattened());
                    }
                }
            }
            Tangents::Product { site: SiteUse { site, transposed }, input, active, input_tangents } => {
                let product = Product {
                    site: &matrices.sites[site],
                    transposed,
                    blocks: matrices.blocks,
                    input: input.of(values),
                    active: active.of(indices),
                    moving: input_tangents.indices.of(indices),
                    derivatives: input_tangents.derivatives.of(before),
                };
                widest(
                    #[inline(always)]
                    || {
                        for (&index, sum) in written {
                            product.add_derivatives(index, sum);
                        }
                    },
                );
            }
            Tangents::Sum(number) => {
                let (left, right) = sums[number];
                self.add_to(rows, left);
                self.add_to(rows, right);
            }
        }
    }

    fn apply(&mut self, site_use: SiteUse, SampleValue { value, tangents }: SampleValue) -> SampleValue {
        let site = &self.matrices.sites[site_use.site];
        debug_assert_eq!(value.length, if site_use.transposed { site.d_out } else { site.d_in });
        let active = self.entries_where(value, |entry| entry != 0.0);
        let (width, matrix) =
            if site_use.transposed { (site.d_in, &site.transposed[..]) } else { (site.d_out, site.weights) };
        let (output, before, entries) = self.new_value(width);
        add_product(value.of(before), matrix, entries);
        let input_tangents = self.all_rows(tangents, value);
        // A layer without a neuron that fires.
        if input_tangents.indices.length == 0 && active.length == 0 {
            return SampleValue { value: output, tangents: Tangents::Zero };
        }
        let tangents = Tangents::Product { site: site_use, input: value, active, input_tangents };
        SampleValue { value: output, tangents }
    }

    /// An embedding is no component's: d(x E) = dx E.
    fn embed(&mut self, embedding: EmbeddingIndex, SampleValue { value, tangents }: SampleValue) -> SampleValue {
        let (matrix, d_out) = self.matrices.embeddings[embedding.0];
        let blocks = self.matrices.blocks;
        let (output, before, entries) = self.new_value(d_out);
        add_product(value.of(before), matrix, entries);
        let input = self.all_rows(tangents, value);
        if input.indices.length == 0 {
            return SampleValue { value: output, tangents: Tangents::Zero };
        }
        let indices = self.entries_where(output, |_| true);
        let rows = self.zero_rows(indices);
        let (before, sums) = self.derivatives.split_at_mut(rows.derivatives.start);
        for (index, tangent) in input.with_indices(&self.indices, before, blocks) {
            let sums = sums.chunks_exact_mut(blocks).zip(&matrix[index * d_out..]);
            sums.for_each(|(sum, &entry)| add_scaled(sum.as_flattened_mut(), entry, tangent.as_flattened()));
        }
        SampleValue { value: output, tangents: Tangents::Rows(rows) }
    }

    fn add(&mut self, left: SampleValue, right: SampleValue) -> SampleValue {
        let (value, before, entries) = self.new_value(left.value.length);
        let pairs = left.value.of(before).iter().zip(right.value.of(before));
        entries.iter_mut().zip(pairs).for_each(|(entry, (left, right))| *entry = left + right);
        let tangents = match (left.tangents, right.tangents) {
            (Tangents::Zero, tangents) | (tangents, Tangents::Zero) => tangents,
            both => {
                self.sums.push(both);
                Tangents::Sum(self.sums.len() - 1)
            }
        };
        SampleValue { value, tangents }
    }

    /// A bias is no component's.
    fn add_bias(&mut self, bias: BiasIndex, SampleValue { value, tangents }: SampleValue) -> SampleValue {
        let bias = self.matrices.biases[bias.0];
        let (output, before, entries) = self.new_value(value.length);
        let pairs = value.of(before).iter().zip(bias);
        entries.iter_mut().zip(pairs).for_each(|(entry, (input, bias))| *entry = input + bias);
        SampleValue { value: output, tangents }
    }

    /// Chain rule, d(f(x)) = f'(x) dx: where the slope is zero nothing is computed.
    fn activate(&mut self, activation: Activation, SampleValue { value, tangents }: SampleValue) -> SampleValue {
        let (slopes, before, entries) = self.new_value(value.length);
        let pairs = entries.iter_mut().zip(value.of(before));
        pairs.for_each(|(slope, &entry)| *slope = activation.slope_of_entry(entry));
        let sloping = self.entries_where(slopes, |slope| slope != 0.0);
        let rows = self.rows(tangents, sloping);
        if activation != Activation::Relu {
            let blocks = self.derivatives[rows.derivatives.start..].chunks_exact_mut(self.matrices.blocks);
            for (&index, row) in rows.indices.of(&self.indices).iter().zip(blocks) {
                let slope = slopes.of(&self.values)[index];
                row.as_flattened_mut().iter_mut().for_each(|entry| *entry *= slope);
            }
        }
        let (output, before, entries) = self.new_value(value.length);
        let pairs = entries.iter_mut().zip(value.of(before));
        pairs.for_each(|(output, &entry)| *output = activation.of_entry(entry));
        SampleValue { value: output, tangents: Tangents::Rows(rows) }
    }
}

/// A product x W of one sample, or x W^T.
struct Product<'a> {
    site: &'a SiteMatrices<'a>,
    transposed: bool,
    /// Blocks of a row of derivatives.
    blocks: usize,
    input: &'a [f32],
    /// Which entries of the input are not zero.
    active: &'a [usize],
    /// Which have derivatives; and for each of them a row of these.
    moving: &'a [usize],
    derivatives: &'a [Block],
}

impl Product<'_> {
    /// Adds the derivatives of an entry of the output to a row.
    #[inline(always)]
    fn add_derivatives(&self, output: usize, sum: &mut [Block]) {
        let mut start = 0;
        while start < sum.len() {
            start += match sum.len() - start {
                1 => self.add_some::<1>(output, sum, start),
                2 => self.add_some::<2>(output, sum, start),
                3 => self.add_some::<3>(output, sum, start),
                _ => self.add_some::<BLOCKS_TOGETHER>(output, sum, start),
            };
        }
    }

    /// [`Self::add_derivatives`] of the components of so many blocks from `start` on; returns the number of blocks.
    #[inline(always)]
    fn add_some<const BLOCKS: usize>(&self, output: usize, sum: &mut [Block], start: usize) -> usize {
        // Product rule, d(x W) = x P_c + dx W.
        let sum: &mut [Block; BLOCKS] = (&mut sum[start..start + BLOCKS]).try_into().expect("so many");
        let mut held = *sum;
        let &SiteMatrices { d_out, weights, tangents, .. } = self.site;
        let (first, stride) = if self.transposed { (output * d_out, 1) } else { (output, d_out) };
        for &input in self.active {
            add_scaled_blocks(
                &mut held,
                self.input[input],
                &tangents[(first + input * stride) * self.blocks + start..],
            );
        }
        for (row, &input) in self.moving.iter().enumerate() {
            add_scaled_blocks(
                &mut held,
                weights[first + input * stride],
                &self.derivatives[row * self.blocks + start..],
            );
        }
        *sum = held;
        BLOCKS
    }
}

/// output += x M for one sample and a matrix of rows as long as the output.
fn add_product(input: &[f32], matrix: &[f32], output: &mut [f32]) {
    let rows = input.iter().zip(matrix.chunks_exact(output.len()));
    rows.filter(|(entry, _)| **entry != 0.0).for_each(|(&entry, row)| add_scaled(output, entry, row));
}
