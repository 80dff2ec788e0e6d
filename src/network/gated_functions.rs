//! Hand-coded gated functions (Braun et al. 2025, section 3.3): y = sum_i alpha_i F_i(x), each F_i by relu neurons of its
//! own, which are dead unless the control bit alpha_i is 1.
//!
//! F_i is interpolated piecewise linearly between m equally spaced knots t_k = 5 k / (m - 1), k = 0 .. m - 1, by m neurons.
//! The first carries F_i(0); every other one begins at a knot, the last one excepted, and bends the line there:
//!
//! relu(G alpha_i - G + 1) F_i(0) + sum_{k < m - 1} relu(x - t_k + G alpha_i - G) (s_k - s_{k-1}),
//! s_k = (F_i(t_{k+1}) - F_i(t_k)) / (t_{k+1} - t_k), s_{-1} = 0.

use std::f64::consts::PI;

use rand::{RngExt, rngs::ChaCha8Rng, seq::SliceRandom};
use schemars::JsonSchema;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use super::{Biases, residual_layers::ResidualLayers};
use crate::weights::Weights;
use crate::{
    components::{Components, Factors},
    graph::{Activation, EmbeddingIndex, Graph, Value},
    inputs::GatedInputs,
    random::{Purpose, stream},
    settings::TableReader,
    site::{PerSite, Site},
    slices::tensor_from,
};

/// Sizes of a network of gated functions. Its input is x and the control bits; its residual stream, these and the output.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GatedFunctions {
    /// Number of functions n, and of control bits.
    pub functions: usize,
    /// Number of neurons of each function, m.
    pub neurons_per_function: usize,
    /// Number of layers, over which the neurons of all functions are spread at random, as many in each.
    pub layers: usize,
}

/// A function F(x) = a cos(b x + c) + d sin(e x + f) + g.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothFunction {
    /// a, b, c.
    cosine: [f64; 3],
    /// d, e, f.
    sine: [f64; 3],
    /// g.
    constant: f64,
}

impl SmoothFunction {
    /// a, d and g uniform in [-1, 1), b and e in [0.1, 1), c and f in [-pi, pi).
    fn random(generator: &mut ChaCha8Rng) -> Self {
        let mut uniform = |low: f64, high: f64| low + (high - low) * generator.random::<f64>();
        let mut wave = || [uniform(-1.0, 1.0), uniform(0.1, 1.0), uniform(-PI, PI)];
        Self { cosine: wave(), sine: wave(), constant: uniform(-1.0, 1.0) }
    }

    /// F(x).
    pub fn at(&self, x: f64) -> f64 {
        let Self { cosine: [a, b, c], sine: [d, e, f], constant } = self;
        a * libm::cos(b * x + c) + d * libm::sin(e * x + f) + constant
    }
}

/// One neuron of one function.
struct Neuron {
    function: usize,
    /// Weight from x.
    slope: f64,
    /// Its bias while the control bit is 1.
    open_bias: f64,
    /// Weight to the output.
    output: f64,
}

impl GatedFunctions {
    /// G: a neuron whose control bit is 0 stays five below its threshold at least, whatever x is.
    const GATE: f64 = 2.0 * GatedInputs::LARGEST_X;

    /// Ranks that a true component needs at most: what enters a neuron is x and one control bit.
    pub const TRUE_RANK: usize = 2;

    /// Dimension of the residual stream that holds x; the control bits follow, the output comes last.
    const X: i64 = 0;

    const EMBEDDING: EmbeddingIndex = EmbeddingIndex(0);
    const UNEMBEDDING: EmbeddingIndex = EmbeddingIndex(1);

    /// Ten neurons a function, in two layers, unless the spec says otherwise: the paper's.
    pub fn read(table: &mut TableReader) -> Self {
        let network = Self {
            functions: table.number("functions").at_least(1).at_most(1_000).such_as(4),
            neurons_per_function: table.number("neurons_per_function").at_least(2).at_most(1_000).or(10),
            layers: table.number("layers").at_least(1).at_most(100).or(2),
        };
        let layers = network.layers;
        table.check(
            &["layers", "functions", "neurons_per_function"],
            network.neurons().is_multiple_of(layers.max(1)),
            "`layers` must share the neurons of all functions equally",
            format!("there are {} neurons", network.neurons()),
        );
        network
    }
}

impl GatedFunctions {
    /// Number of neurons of all functions.
    fn neurons(&self) -> usize {
        self.functions * self.neurons_per_function
    }

    /// Number of inputs: x and the control bits.
    pub(super) fn features(&self) -> usize {
        1 + self.functions
    }

    fn width(&self) -> i64 {
        self.features() as i64 + 1
    }

    pub(super) fn layers(&self) -> ResidualLayers {
        ResidualLayers {
            layers: self.layers,
            width: self.width() as usize,
            neurons: self.neurons() / self.layers,
            activation: Activation::Relu,
            biases: Biases::Inner,
        }
    }

    pub(super) fn embeddings(&self) -> Vec<Site> {
        let width = self.width() as usize;
        vec![Site::new("W_E", self.features(), width), Site::new("W_U", width, 1)]
    }

    /// W_E puts every input on its dimension, W_U reads the last one; [replica, ...] each.
    pub(super) fn initial_embeddings(&self, replicas: usize) -> Vec<Tensor> {
        let (width, replicas) = (self.width(), replicas as i64);
        let identity = Tensor::eye(width, (Kind::Float, Device::Cpu));
        let (inputs, output) = (identity.narrow(0, 0, width - 1), identity.narrow(1, width - 1, 1));
        [inputs, output].iter().map(|matrix| matrix.repeat([replicas, 1, 1])).collect()
    }

    pub(super) fn forward(&self, graph: &mut Graph, inputs: Value) -> Value {
        let residual = graph.embed(Self::EMBEDDING, inputs);
        let residual = self.layers().forward(graph, residual);
        graph.embed(Self::UNEMBEDDING, residual)
    }

    /// What the network of this seed interpolates.
    pub fn smooth_functions(&self, seed: u64) -> Vec<SmoothFunction> {
        self.drawn(seed).0
    }

    /// t_k.
    pub fn knots(&self) -> Vec<f64> {
        let segments = (self.neurons_per_function - 1) as f64;
        (0..self.neurons_per_function).map(|knot| GatedInputs::LARGEST_X * knot as f64 / segments).collect()
    }

    /// The functions of a seed and its generator after them.
    fn drawn(&self, seed: u64) -> (Vec<SmoothFunction>, ChaCha8Rng) {
        let mut generator = stream(seed, Purpose::InitialTarget, 0);
        ((0..self.functions).map(|_| SmoothFunction::random(&mut generator)).collect(), generator)
    }

    /// The neurons of one function.
    fn neurons_of(&self, function: usize, smooth: &SmoothFunction) -> Vec<Neuron> {
        let values: Vec<(f64, f64)> = self.knots().into_iter().map(|knot| (knot, smooth.at(knot))).collect();
        let mut neurons = vec![Neuron { function, slope: 0.0, open_bias: 1.0, output: values[0].1 }];
        let mut slope_before = 0.0;
        for ends in values.windows(2) {
            let slope = (ends[1].1 - ends[0].1) / (ends[1].0 - ends[0].0);
            neurons.push(Neuron { function, slope: 1.0, open_bias: -ends[0].0, output: slope - slope_before });
            slope_before = slope;
        }
        neurons
    }

    /// All neurons of the network of a seed, in the order of layers and of neurons in them.
    fn spread_neurons(&self, seed: u64) -> Vec<Neuron> {
        let (functions, mut generator) = self.drawn(seed);
        let of_function = |(number, smooth)| self.neurons_of(number, smooth);
        let mut neurons: Vec<Neuron> = functions.iter().enumerate().flat_map(of_function).collect();
        neurons.shuffle(&mut generator);
        neurons
    }

    /// The network of every seed. Nothing of it is trained.
    pub(super) fn weights(&self, seeds: &[u64]) -> Weights {
        let layers = self.layers();
        let neurons: Vec<Vec<Neuron>> = seeds.iter().map(|&seed| self.spread_neurons(seed)).collect();
        let neuron = |replica: i64, layer: usize, place: i64| {
            &neurons[replica as usize][layer * layers.neurons + place as usize]
        };
        let (replicas, width, size) = (seeds.len() as i64, self.width(), layers.neurons as i64);
        let fill = |shape: [i64; 3], entry: &dyn Fn(i64, i64, i64) -> f64| {
            let [first, second, third] = shape;
            let places = (0..first).flat_map(|a| (0..second).flat_map(move |b| (0..third).map(move |c| (a, b, c))));
            tensor_from(&shape, places.map(|(a, b, c)| entry(a, b, c) as f32))
        };
        let of_layer = |layer| {
            let into = fill([replicas, width, size], &|replica, dimension, place| {
                let Neuron { function, slope, .. } = neuron(replica, layer, place);
                let is_control_bit = dimension == Self::X + 1 + *function as i64;
                if dimension == Self::X { *slope } else { f64::from(is_control_bit) * Self::GATE }
            });
            let out = fill([replicas, size, width], &|replica, place, dimension| {
                f64::from(dimension == width - 1) * neuron(replica, layer, place).output
            });
            [into, out]
        };
        let bias_of_layer = |layer| {
            let bias =
                fill([replicas, 1, size], &|replica, _, place| neuron(replica, layer, place).open_bias - Self::GATE);
            bias.squeeze_dim(1)
        };
        Weights {
            sites: (0..self.layers).flat_map(of_layer).collect(),
            embeddings: self.initial_embeddings(seeds.len()),
            biases: (0..self.layers).map(bias_of_layer).collect(),
        }
    }

    /// The mechanisms of a network that was made here: component i is the weights of the neurons that listen to control bit
    /// i. Exact with factors of [`GatedFunctions::TRUE_RANK`] and more; further components are zero.
    pub fn true_components(&self, weights: &Weights, number: usize, rank: usize) -> Components {
        assert!(number >= self.functions && rank >= Self::TRUE_RANK, "there is no room for the functions");
        let (functions, width) = (self.functions as i64, self.width());
        let (spare, spare_rank) = (number as i64 - functions, rank as i64 - 2);
        let pad = |tensor: &Tensor, pads: &[i64]| tensor.constant_pad_nd(pads).contiguous();
        let of_layer = |layer| {
            let into = &weights.sites[ResidualLayers::mlp_in(layer)];
            let out = &weights.sites[ResidualLayers::mlp_out(layer)];
            let replicas = into.size()[0];
            let identity = Tensor::eye(width, (into.kind(), into.device()));
            let from_bits = into.narrow(1, Self::X + 1, functions);
            // Whose neuron it is, [replica, function, neuron].
            let own = from_bits.not_equal(0.0).to_kind(into.kind());
            // Rank one from x, rank one from the control bit.
            let from_x = into.narrow(1, Self::X, 1) * &own;
            let b = pad(&Tensor::stack(&[from_x, from_bits], 2), &[0, 0, 0, spare_rank, 0, spare]);
            let x = identity.narrow(1, Self::X, 1).expand([width, functions], false);
            let a = Tensor::stack(&[x, identity.narrow(1, Self::X + 1, functions)], 2);
            let a = pad(&a, &[0, spare_rank, 0, spare]).repeat([replicas, 1, 1, 1]);
            let into = Factors { a, b };
            // Rank one to the output.
            let to_output = (out.narrow(2, width - 1, 1) * own.transpose(1, 2)).unsqueeze(3);
            let a = pad(&to_output, &[0, spare_rank + 1, 0, spare]);
            let b = identity.narrow(0, width - 1, 1).expand([functions, 1, width], false);
            let b = pad(&b, &[0, 0, 0, spare_rank + 1, 0, spare]).repeat([replicas, 1, 1, 1]);
            [into, Factors { a, b }]
        };
        let factors: PerSite<Factors> = (0..self.layers).flat_map(of_layer).collect();
        Components::everywhere(factors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    const NETWORK: GatedFunctions = GatedFunctions { functions: 3, neurons_per_function: 10, layers: 2 };
    const SEEDS: [u64; 2] = [5, 9];

    /// Of the network of a seed, at x with these control bits.
    fn output(seed: u64, x: f64, bits: [f32; 3]) -> f64 {
        let input = tensor_from(&[1, 1, 4], [x as f32].into_iter().chain(bits));
        Network::GatedFunctions(NETWORK).output(&NETWORK.weights(&[seed]), &input).double_value(&[0, 0, 0])
    }

    /// Piecewise linear between the knots.
    fn interpolated(function: &SmoothFunction, x: f64) -> f64 {
        let knots = NETWORK.knots();
        let segment = knots.windows(2).find(|ends| x <= ends[1]).expect("x lies between knots");
        let share = (x - segment[0]) / (segment[1] - segment[0]);
        (1.0 - share) * function.at(segment[0]) + share * function.at(segment[1])
    }

    #[test]
    fn the_output_is_the_sum_of_the_interpolated_functions_that_are_switched_on() {
        for seed in SEEDS {
            let functions = NETWORK.smooth_functions(seed);
            for step in 0..=250 {
                let x = f64::from(step) / 50.0;
                for bits in [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]] {
                    let on = functions.iter().zip(bits).filter(|(_, bit)| *bit == 1.0);
                    let expected: f64 = on.map(|(function, _)| interpolated(function, x)).sum();
                    let found = output(seed, x, bits);
                    assert!((found - expected).abs() < 1e-5, "seed {seed}, x {x}, {bits:?}: {found}, not {expected}");
                }
            }
        }
    }

    /// Of a segment of length h the interpolation is off by h^2 / 8 max |F''| at most; |F''| <= |a| b^2 + |d| e^2 <= 2.
    #[test]
    fn the_interpolation_is_off_by_no_more_than_its_bound() {
        let bound = (5.0_f64 / 9.0).powi(2) / 8.0 * 2.0;
        let error = |seed: u64| {
            let function = NETWORK.smooth_functions(seed)[0];
            let xs = (0..=500).map(|step| f64::from(step) / 100.0);
            xs.map(|x| (output(seed, x, [1.0, 0.0, 0.0]) - function.at(x)).abs()).fold(0.0, f64::max)
        };
        let largest = (0..20).map(error).fold(0.0, f64::max);
        assert!(largest <= bound, "{largest}");
        assert!(largest > 1e-3, "functions are curved: {largest}");
    }

    #[test]
    fn functions_and_places_of_neurons_belong_to_their_seed() {
        let (both, one) = (NETWORK.weights(&SEEDS), NETWORK.weights(&SEEDS[1..]));
        for (both, one) in both.sites.iter().zip(one.sites.iter()) {
            assert_eq!(both.select(0, 1), one.select(0, 0));
            assert_ne!(both.select(0, 0), both.select(0, 1));
        }
        let of_first_layer = both.sites[ResidualLayers::mlp_in(0)].narrow(1, 1, 3).not_equal(0.0);
        let count = of_first_layer.sum_dim_intlist([2].as_slice(), false, Kind::Double);
        assert!(count.min().double_value(&[]) > 0.0 && count.max().double_value(&[]) < 10.0, "spread over the layers");
    }
}
