//! The tangent reading for one sample at a time, in loops over small buffers.
//!
//! Most inputs of a toy model are zero, and so are the slopes of most of its outputs. [`super::Tangent`] multiplies them
//! all; here a product waits until the activation behind it has said which of its entries matter. Of the multiplications
//! of a toy model of superposition with 40 features a few per cent remain.

use tch::Tensor;

use super::{Activation, BiasIndex, EmbeddingIndex, Reading, SiteUse};
use crate::{components::Components, memory::slice, network::Weights, site::PerSite};

/// A replica's weights and components as the loops read them. Made once a step, used for every sample.
pub struct SampleTangentMatrices<'a> {
    sites: PerSite<SiteMatrices<'a>>,
    /// Each [d_in, d_out] with its d_out.
    embeddings: Vec<(&'a [f32], usize)>,
    biases: Vec<&'a [f32]>,
    components: usize,
}

struct SiteMatrices<'a> {
    d_in: usize,
    d_out: usize,
    /// W, [d_in, d_out].
    weights: &'a [f32],
    /// P, [d_in, d_out, component].
    tangents: &'a [f32],
}

impl SiteMatrices<'_> {
    /// P_{:, input, output} of all components.
    fn tangent(&self, input: usize, output: usize, components: usize) -> &[f32] {
        &self.tangents[(input * self.d_out + output) * components..][..components]
    }
}

/// P_c of every site of every replica with the components innermost, [replica, d_in, d_out, component].
pub fn components_innermost(components: &Components) -> PerSite<Tensor> {
    components.factors.map(|factors| factors.matrices().permute([0, 2, 3, 1]).contiguous())
}

impl<'a> SampleTangentMatrices<'a> {
    /// Derivatives at `weights` along the components whose matrices are `tangents`, of one replica.
    pub fn new(weights: &'a Weights, tangents: &'a PerSite<Tensor>, replica: usize) -> Self {
        let sites = tangents.enumerate().map(|(site, tangents)| {
            let [_, d_in, d_out, components] = tangents.size()[..] else { panic!("P has four axes") };
            let (weights, tangents) = (slice(&weights.sites[site]), slice(tangents));
            let size = (d_in * d_out) as usize;
            let all = size * components as usize;
            SiteMatrices {
                d_in: d_in as usize,
                d_out: d_out as usize,
                weights: &weights[replica * size..][..size],
                tangents: &tangents[replica * all..][..all],
            }
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
        let components = tangents.iter().next().expect("a network has a site").size()[3] as usize;
        Self { sites: sites.collect(), embeddings: embeddings.collect(), biases: biases.collect(), components }
    }
}

/// Reads a forward pass of one sample as its derivatives along all components.
pub struct SampleTangent<'a>(pub &'a SampleTangentMatrices<'a>);

impl SampleTangent<'_> {
    /// The derivatives of an output that nothing has asked for yet.
    pub fn rows(&self, value: SampleValue) -> TangentRows {
        let SampleValue { value, tangents } = value;
        self.resolve(tangents, &|_| true, value.len())
    }

    /// Carries out what waits, for the entries that matter.
    fn resolve(&self, tangents: Tangents, matters: &dyn Fn(usize) -> bool, width: usize) -> TangentRows {
        match tangents {
            Tangents::Zero => TangentRows::default(),
            Tangents::Rows(mut rows) => {
                rows.retain(matters, self.0.components);
                rows
            }
            waiting => {
                let mut rows = self.zeros((0..width).filter(|&index| matters(index)));
                self.add(&waiting, &mut rows);
                rows
            }
        }
    }

    /// Adds tangents to the rows of those entries that are listed.
    fn add(&self, tangents: &Tangents, rows: &mut TangentRows) {
        match tangents {
            Tangents::Zero => {}
            Tangents::Rows(more) => rows.add(more, self.0.components),
            Tangents::Product { site, input, input_tangents } => self.multiply(*site, input, input_tangents, rows),
            Tangents::Sum(left, right) => {
                self.add(left, rows);
                self.add(right, rows);
            }
        }
    }

    /// Zero rows for these entries.
    fn zeros(&self, indices: impl Iterator<Item = usize>) -> TangentRows {
        let indices: Vec<usize> = indices.collect();
        TangentRows { entries: vec![0.0; indices.len() * self.0.components], indices }
    }

    /// Product rule, d(x W) = x P_c + dx W, for the rows that `output` lists.
    fn multiply(
        &self,
        SiteUse { site, transposed }: SiteUse,
        input: &[f32],
        tangents: &TangentRows,
        output: &mut TangentRows,
    ) {
        let (site, components) = (&self.0.sites[site], self.0.components);
        for (&index, sums) in output.indices.iter().zip(output.entries.chunks_exact_mut(components)) {
            let place = |other: usize| if transposed { (index, other) } else { (other, index) };
            for (other, &entry) in input.iter().enumerate().filter(|(_, entry)| **entry != 0.0) {
                let (row, column) = place(other);
                add_scaled(sums, entry, site.tangent(row, column, components));
            }
            for (&other, tangent) in tangents.indices.iter().zip(tangents.entries.chunks_exact(components)) {
                let (row, column) = place(other);
                add_scaled(sums, site.weights[row * site.d_out + column], tangent);
            }
        }
    }
}

/// sum += factor * row.
fn add_scaled(sum: &mut [f32], factor: f32, row: &[f32]) {
    for (sum, entry) in sum.iter_mut().zip(row) {
        *sum += factor * entry;
    }
}

/// x M for one sample and a matrix of rows of `d_out`.
fn product(input: &[f32], matrix: &[f32], d_out: usize) -> Vec<f32> {
    let mut output = vec![0.0; d_out];
    let rows = input.iter().zip(matrix.chunks_exact(d_out));
    rows.filter(|(entry, _)| **entry != 0.0).for_each(|(&entry, row)| add_scaled(&mut output, entry, row));
    output
}

/// A value of one sample and its derivatives along every component.
#[derive(Clone)]
pub struct SampleValue {
    value: Vec<f32>,
    tangents: Tangents,
}

impl SampleValue {
    /// A network's input, which no parameter moves.
    pub fn input(value: &[f32]) -> Self {
        Self { value: value.to_vec(), tangents: Tangents::Zero }
    }

    /// Number of entries of the value.
    pub fn width(&self) -> usize {
        self.value.len()
    }
}

#[derive(Clone)]
enum Tangents {
    Zero,
    Rows(TangentRows),
    /// Of a product whose entries nothing has asked for yet.
    Product {
        site: SiteUse,
        input: Vec<f32>,
        input_tangents: TangentRows,
    },
    Sum(Box<Tangents>, Box<Tangents>),
}

/// The derivatives of some entries of a value along all components; those of the other entries are zero.
#[derive(Clone, Default)]
pub struct TangentRows {
    /// Which entries of the value, ascending.
    indices: Vec<usize>,
    /// For each of them, one derivative a component.
    entries: Vec<f32>,
}

impl TangentRows {
    fn retain(&mut self, matters: &dyn Fn(usize) -> bool, components: usize) {
        let mut kept = 0;
        for row in 0..self.indices.len() {
            if matters(self.indices[row]) {
                self.indices[kept] = self.indices[row];
                self.entries.copy_within(row * components..(row + 1) * components, kept * components);
                kept += 1;
            }
        }
        self.indices.truncate(kept);
        self.entries.truncate(kept * components);
    }

    /// Adds the rows of those entries that are listed here.
    fn add(&mut self, other: &TangentRows, components: usize) {
        let mut others = other.indices.iter().zip(other.entries.chunks_exact(components)).peekable();
        for (index, sums) in self.indices.iter().zip(self.entries.chunks_exact_mut(components)) {
            while others.next_if(|(other, _)| *other < index).is_some() {}
            if let Some((_, row)) = others.next_if(|(other, _)| *other == index) {
                add_scaled(sums, 1.0, row);
            }
        }
    }

    /// Adds up the squares over the entries of the value, for every component.
    pub fn add_squares(&self, sums: &mut [f32]) {
        for row in self.entries.chunks_exact(sums.len()) {
            sums.iter_mut().zip(row).for_each(|(sum, entry)| *sum += entry * entry);
        }
    }
}

impl Reading for SampleTangent<'_> {
    type Value = SampleValue;

    fn apply(&mut self, site_use: impl Into<SiteUse>, SampleValue { value, tangents }: SampleValue) -> SampleValue {
        let site_use = site_use.into();
        let site = &self.0.sites[site_use.site];
        let output = if site_use.transposed {
            let rows = site.weights.chunks_exact(site.d_out);
            rows.map(|row| row.iter().zip(&value).map(|(weight, entry)| weight * entry).sum()).collect()
        } else {
            product(&value, site.weights, site.d_out)
        };
        debug_assert_eq!(value.len(), if site_use.transposed { site.d_out } else { site.d_in });
        let input_tangents = self.resolve(tangents, &|_| true, value.len());
        // A layer without a neuron that fires.
        if input_tangents.indices.is_empty() && value.iter().all(|&entry| entry == 0.0) {
            return SampleValue { value: output, tangents: Tangents::Zero };
        }
        SampleValue { value: output, tangents: Tangents::Product { site: site_use, input: value, input_tangents } }
    }

    /// An embedding is no component's: d(x E) = dx E.
    fn embed(&mut self, embedding: EmbeddingIndex, SampleValue { value, tangents }: SampleValue) -> SampleValue {
        let (matrix, d_out) = self.0.embeddings[embedding.0];
        let output = product(&value, matrix, d_out);
        let input = self.resolve(tangents, &|_| true, value.len());
        if input.indices.is_empty() {
            return SampleValue { value: output, tangents: Tangents::Zero };
        }
        let mut rows = self.zeros(0..d_out);
        for (&index, tangent) in input.indices.iter().zip(input.entries.chunks_exact(self.0.components)) {
            let sums = rows.entries.chunks_exact_mut(self.0.components);
            sums.zip(&matrix[index * d_out..]).for_each(|(sum, &entry)| add_scaled(sum, entry, tangent));
        }
        SampleValue { value: output, tangents: Tangents::Rows(rows) }
    }

    fn add(&mut self, mut left: SampleValue, right: SampleValue) -> SampleValue {
        add_scaled(&mut left.value, 1.0, &right.value);
        let tangents = match (left.tangents, right.tangents) {
            (Tangents::Zero, tangents) | (tangents, Tangents::Zero) => tangents,
            (left, right) => Tangents::Sum(Box::new(left), Box::new(right)),
        };
        SampleValue { value: left.value, tangents }
    }

    /// A bias is no component's.
    fn add_bias(&mut self, bias: BiasIndex, SampleValue { mut value, tangents }: SampleValue) -> SampleValue {
        value.iter_mut().zip(self.0.biases[bias.0]).for_each(|(entry, bias)| *entry += bias);
        SampleValue { value, tangents }
    }

    /// Chain rule, d(f(x)) = f'(x) dx: where the slope is zero nothing is computed.
    fn activate(&mut self, activation: Activation, SampleValue { mut value, tangents }: SampleValue) -> SampleValue {
        let slope = |index: usize| activation.slope_of_entry(value[index]);
        let mut rows = self.resolve(tangents, &|index| slope(index) != 0.0, value.len());
        if activation != Activation::Relu {
            for (&index, row) in rows.indices.iter().zip(rows.entries.chunks_exact_mut(self.0.components)) {
                row.iter_mut().for_each(|entry| *entry *= slope(index));
            }
        }
        value.iter_mut().for_each(|entry| *entry = activation.of_entry(*entry));
        SampleValue { value, tangents: Tangents::Rows(rows) }
    }
}
