//! Causal-importance functions: multilayer perceptrons whose outputs, the logits, say how far each subcomponent matters on a
//! sample (Bushnaq, Braun and Sharkey 2025, arXiv:2506.20790), with a backward pass of their own.

use std::ops::Range;

use tch::{Kind, Tensor};

use super::{ImportanceKind, Layer, scalar_importance};
use crate::{
    graph::Activation,
    initial_values::sample_normal,
    random::{Purpose, stream},
};

/// The function between the layers: the exact gelu, x Phi(x).
const BETWEEN_LAYERS: Activation = Activation::Gelu;

/// The causal-importance function of one use of a weight matrix, or the one of all uses.
#[derive(Debug)]
pub struct ImportanceFunction {
    layers: Vec<Layer>,
}

/// What the backward pass of an [`ImportanceFunction`] needs of its forward pass.
#[derive(Debug)]
pub struct Saved {
    /// What each layer has read; of a hidden layer that is computed again, what the first has read alone.
    inputs: Vec<Tensor>,
    /// The outputs of all layers but the last, before the function between the layers.
    hidden: Vec<Tensor>,
}

impl ImportanceFunction {
    /// The shapes of the weight and the bias of each layer, without the leading axis of replicas.
    ///
    /// `d_in` is the width of the input of the weight matrix, `components` the number of logits; of
    /// [`ImportanceKind::GlobalMlp`], both are sums over all uses. [`ImportanceKind::Mlp`] reads one number whatever `d_in` is.
    pub fn shapes(
        kind: ImportanceKind,
        d_in: i64,
        components: i64,
        hidden_widths: &[usize],
    ) -> Vec<(Vec<i64>, Vec<i64>)> {
        let (own, first, last) = match kind {
            ImportanceKind::Mlp => (Some(components), 1, 1),
            ImportanceKind::VectorMlp => (Some(components), d_in, 1),
            ImportanceKind::SharedMlp | ImportanceKind::GlobalMlp => (None, d_in, components),
        };
        let hidden = hidden_widths.iter().map(|&width| width as i64);
        let widths: Vec<i64> = std::iter::once(first).chain(hidden).chain([last]).collect();
        let shape = |axes: &[i64]| own.iter().chain(axes).copied().collect();
        widths.windows(2).map(|pair| (shape(pair), shape(&pair[1..]))).collect()
    }

    /// Random initial values, for each replica from its own seed: biases are zero, and weights N(0, 2 / in) in the hidden
    /// layers and N(0, 1 / in) in the last, as the authors' code has it. `number` tells the functions of one decomposition
    /// apart; the other sizes are those of [`ImportanceFunction::shapes`].
    pub fn random(
        kind: ImportanceKind,
        d_in: i64,
        components: i64,
        hidden_widths: &[usize],
        seeds: &[u64],
        number: u64,
    ) -> Self {
        let mut generators: Vec<_> =
            seeds.iter().map(|&seed| stream(seed, Purpose::ImportanceFunctions, number)).collect();
        let layer = |(index, (weight, bias)): (usize, (Vec<i64>, Vec<i64>))| {
            let variance = if index < hidden_widths.len() { 2.0 } else { 1.0 } / weight[weight.len() - 2] as f64;
            let weight = sample_normal(&weight, variance.sqrt(), &mut generators);
            let bias: Vec<i64> = std::iter::once(seeds.len() as i64).chain(bias).collect();
            Layer { bias: weight.new_zeros(bias, (weight.kind(), weight.device())), weight }
        };
        Self {
            layers: Self::shapes(kind, d_in, components, hidden_widths).into_iter().enumerate().map(layer).collect(),
        }
    }

    /// The logits [replica, sample, subcomponent], from the inner activations [replica, sample, subcomponent] if the function
    /// is an [`ImportanceKind::Mlp`] and from inputs [replica, sample, in] otherwise.
    pub fn forward(&self, input: &Tensor) -> (Tensor, Saved) {
        if let Some(weight) = self.shared_weight() {
            let (logits, mut saved) = self.forward_from(&input.bmm(weight));
            saved.inputs.insert(0, input.shallow_clone());
            return (logits, saved);
        }
        let (last, hidden) = self.layers.split_last().expect("an importance function has a layer");
        let mut saved = Saved { inputs: Vec::new(), hidden: Vec::new() };
        let mut value = if self.reads_own(input) { own_numbers(input) } else { input.shallow_clone() };
        if value.dim() == 4 && scalar_importance::claims(&self.layers, input) {
            value = value.contiguous();
            let logits = together(&scalar_importance::forward(&self.layers, &value));
            saved.inputs.push(value);
            return (logits, saved);
        }
        for layer in hidden {
            let sum = layer.forward(&value);
            let next = BETWEEN_LAYERS.of(&sum);
            saved.inputs.push(std::mem::replace(&mut value, next));
            saved.hidden.push(sum);
        }
        let output = last.forward(&value);
        saved.inputs.push(value);
        (together(&output), saved)
    }

    /// The weight of the first layer, [replica, in, out], if the function serves several subcomponents.
    pub fn shared_weight(&self) -> Option<&Tensor> {
        let Layer { weight, .. } = &self.layers[0];
        self.layers[0].is_shared().then_some(weight)
    }

    /// As [`ImportanceFunction::forward`] for one that serves several subcomponents, given the `products` of its input with
    /// [`ImportanceFunction::shared_weight`], [replica, sample, out].
    pub fn forward_from(&self, products: &Tensor) -> (Tensor, Saved) {
        let mut saved = Saved { inputs: Vec::new(), hidden: Vec::new() };
        let (first, others) = self.layers.split_first().expect("an importance function has a layer");
        let mut sum = products + first.bias.unsqueeze(1);
        for layer in others {
            let value = BETWEEN_LAYERS.of(&sum);
            saved.hidden.push(std::mem::replace(&mut sum, layer.forward(&value)));
            saved.inputs.push(value);
        }
        (sum, saved)
    }

    /// The reverse of [`ImportanceFunction::forward_from`]: adds the derivative with respect to all but the first weight to
    /// `gradient` and returns that with respect to the products.
    pub fn backward_to(&self, saved: &Saved, logits_gradient: &Tensor, gradient: &mut ImportanceFunction) -> Tensor {
        let mut output_gradient = logits_gradient.shallow_clone();
        let inputs = &saved.inputs[saved.inputs.len() - saved.hidden.len()..];
        for (index, (sum, input)) in saved.hidden.iter().zip(inputs).enumerate().rev() {
            let layer = index + 1;
            let of_input = self.layers[layer].backward(input, &output_gradient, &mut gradient.layers[layer], true);
            output_gradient = BETWEEN_LAYERS.times_slope(sum, &of_input.expect("it is wanted"));
        }
        let bias = output_gradient.sum_dim_intlist([1].as_slice(), false, None::<Kind>);
        let _ = gradient.layers[0].bias.g_add_(&bias);
        output_gradient
    }

    /// Adds the derivative with respect to weights and biases to `gradient`, whose shapes are those of this function, given
    /// that with respect to the logits. Returns the derivative with respect to the input if it is wanted.
    pub fn backward(
        &self,
        saved: &Saved,
        logits_gradient: &Tensor,
        gradient: &mut ImportanceFunction,
        input_gradient_wanted: bool,
    ) -> Option<Tensor> {
        if let Some(weight) = self.shared_weight() {
            let products = self.backward_to(saved, logits_gradient, gradient);
            let _ = gradient.layers[0].weight.baddbmm_(&saved.inputs[0].mt(), &products);
            return input_gradient_wanted.then(|| products.bmm(&weight.mt()));
        }
        let mut output_gradient = own_numbers(logits_gradient);
        if saved.inputs.len() < self.layers.len() {
            let layers = &mut gradient.layers;
            let of_input = scalar_importance::backward(&self.layers, &saved.inputs[0], &output_gradient, layers);
            return input_gradient_wanted.then(|| together(&of_input));
        }
        for (index, layer) in self.layers.iter().enumerate().skip(1).rev() {
            let of_input = layer.backward(&saved.inputs[index], &output_gradient, &mut gradient.layers[index], true);
            let of_input = of_input.expect("it is wanted");
            output_gradient = BETWEEN_LAYERS.times_slope(&saved.hidden[index - 1], &of_input);
        }
        let input = &saved.inputs[0];
        let of_input =
            self.layers[0].backward(input, &output_gradient, &mut gradient.layers[0], input_gradient_wanted)?;
        Some(if input.dim() == 4 { together(&of_input) } else { of_input })
    }

    /// Whether every subcomponent reads a number of its own.
    fn reads_own(&self, input: &Tensor) -> bool {
        matches!(self.layers[0].weight.size()[..], [_, components, 1, _] if components == input.size()[2])
    }

    /// Zeros in the shapes of this function.
    pub fn zeros_like(&self) -> Self {
        self.map(Tensor::zeros_like)
    }

    /// Views of some replicas.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        self.map(|tensor| tensor.narrow(0, replicas.start as i64, replicas.len() as i64))
    }

    /// What `function` makes of every weight and bias, in their place.
    pub fn map(&self, mut function: impl FnMut(&Tensor) -> Tensor) -> Self {
        let layer = |Layer { weight, bias }: &Layer| Layer { weight: function(weight), bias: function(bias) };
        Self { layers: self.layers.iter().map(layer).collect() }
    }

    /// Every tensor under its name, `<prefix>.<layer>.weight` and `<prefix>.<layer>.bias`; the clones share their storage.
    pub fn named(&self, prefix: &str) -> Vec<(String, Tensor)> {
        let of_layer = |(index, Layer { weight, bias }): (usize, &Layer)| {
            let [weight_name, bias_name] = layer_names(prefix, index);
            [(weight_name, weight.shallow_clone()), (bias_name, bias.shallow_clone())]
        };
        self.layers.iter().enumerate().flat_map(of_layer).collect()
    }

    /// The function whose tensors, so many layers of them, [`ImportanceFunction::named`] has named; `None` where one is missing.
    pub fn from_files(prefix: &str, layers: usize, mut tensor: impl FnMut(&str) -> Option<Tensor>) -> Option<Self> {
        let layer = |index| {
            let [weight, bias] = layer_names(prefix, index);
            Some(Layer { weight: tensor(&weight)?.contiguous(), bias: tensor(&bias)?.contiguous() })
        };
        Some(Self { layers: (0..layers).map(layer).collect::<Option<_>>()? })
    }
}

/// The names of a layer's weight and bias.
pub(super) fn layer_names(prefix: &str, layer: usize) -> [String; 2] {
    ["weight", "bias"].map(|tensor| format!("{prefix}.{layer}.{tensor}"))
}

/// [replica, sample, subcomponent] as one number of each subcomponent, [replica, subcomponent, sample, 1]; a view.
fn own_numbers(numbers: &Tensor) -> Tensor {
    numbers.transpose(1, 2).unsqueeze(3)
}

/// One number of each subcomponent, [replica, subcomponent, sample, 1], as [replica, sample, subcomponent].
fn together(numbers: &Tensor) -> Tensor {
    numbers.squeeze_dim(3).transpose(1, 2).contiguous()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_1_SQRT_2;

    use tch::{Device, Kind};

    use super::*;

    const REPLICAS: i64 = 2;
    const SAMPLES: i64 = 7;
    const D_IN: i64 = 4;
    const COMPONENTS: i64 = 3;

    const KINDS: [ImportanceKind; 4] =
        [ImportanceKind::Mlp, ImportanceKind::VectorMlp, ImportanceKind::SharedMlp, ImportanceKind::GlobalMlp];

    fn random(kind: ImportanceKind, hidden_widths: &[usize], seeds: &[u64]) -> ImportanceFunction {
        ImportanceFunction::random(kind, D_IN, COMPONENTS, hidden_widths, seeds, 0)
    }

    /// In float64, with random biases.
    fn exact(kind: ImportanceKind, hidden_widths: &[usize]) -> ImportanceFunction {
        random(kind, hidden_widths, &[1, 2])
            .map(|tensor| tensor.to_kind(Kind::Double) + 0.1 * tensor.to_kind(Kind::Double).randn_like())
    }

    fn normal(width: i64) -> Tensor {
        Tensor::randn([REPLICAS, SAMPLES, width], (Kind::Double, Device::Cpu))
    }

    /// The logits by sums written out over all axes.
    fn literal(kind: ImportanceKind, function: &ImportanceFunction, input: &Tensor) -> Tensor {
        let gelu = |x: Tensor| &x * 0.5 * ((&x * FRAC_1_SQRT_2).erf() + 1.0);
        let own = matches!(kind, ImportanceKind::Mlp | ImportanceKind::VectorMlp);
        let mut value = match kind {
            ImportanceKind::Mlp => input.unsqueeze(3),
            ImportanceKind::VectorMlp => input.unsqueeze(2).repeat([1, 1, COMPONENTS, 1]),
            _ => input.shallow_clone(),
        };
        for (index, Layer { weight, bias }) in function.layers.iter().enumerate() {
            value = if index == 0 { value } else { gelu(value) };
            let sums = if own { "rsci,rcio->rsco" } else { "rsi,rio->rso" };
            value = Tensor::einsum(sums, &[&value, weight], None::<&[i64]>) + bias.unsqueeze(1);
        }
        if own { value.squeeze_dim(3) } else { value }
    }

    fn assert_close(actual: &Tensor, expected: &Tensor, what: &str) {
        assert_eq!(actual.size(), expected.size(), "{what}");
        let error = (actual - expected).abs().max().double_value(&[]);
        assert!(error <= 1e-12 * expected.abs().max().double_value(&[]), "{what}: {error}");
    }

    #[test]
    fn values_and_derivatives_are_those_of_the_literal_formula() {
        tch::manual_seed(0);
        for kind in KINDS {
            for hidden_widths in [&[][..], &[5], &[5, 6]] {
                let what = format!("{kind:?} {hidden_widths:?}");
                let function = exact(kind, hidden_widths);
                let input = normal(if kind == ImportanceKind::Mlp { COMPONENTS } else { D_IN });
                let logits_gradient = normal(COMPONENTS);

                let leaves = function.map(|tensor| tensor.copy().set_requires_grad(true));
                let input_leaf = input.copy().set_requires_grad(true);
                let expected = literal(kind, &leaves, &input_leaf);
                (&expected * &logits_gradient).sum(None::<Kind>).backward();

                let (logits, saved) = function.forward(&input);
                assert_close(&logits, &expected.detach(), &what);
                // The derivative is added to what is there.
                let mut gradient = function.map(Tensor::ones_like);
                let of_input = function.backward(&saved, &logits_gradient, &mut gradient, true);
                assert_close(&of_input.expect("it is wanted"), &input_leaf.grad(), &format!("{what} input"));
                for ((name, actual), (_, leaf)) in gradient.named("d").into_iter().zip(leaves.named("d")) {
                    assert_close(&actual, &(leaf.grad() + 1.0), &format!("{what} {name}"));
                }
                assert!(function.backward(&saved, &logits_gradient, &mut gradient, false).is_none(), "{what}");
            }
        }
    }

    #[test]
    fn in_float32_the_loop_and_the_operations_agree() {
        tch::manual_seed(0);
        let function = random(ImportanceKind::Mlp, &[16], &[1, 2]);
        let normal = || Tensor::randn([REPLICAS, SAMPLES, COMPONENTS], (Kind::Float, Device::Cpu));
        let (input, logits_gradient) = (normal(), normal().relu());
        let passes = |function: &ImportanceFunction, kind| {
            let (logits, saved) = function.forward(&input.to_kind(kind));
            let mut gradient = function.map(Tensor::ones_like);
            let of_input = function.backward(&saved, &logits_gradient.to_kind(kind), &mut gradient, true);
            let mut made = gradient.named("d");
            made.extend([("logits".to_string(), logits), ("input".to_string(), of_input.expect("it is wanted"))]);
            (made, saved)
        };
        let (by_loop, saved) = passes(&function, Kind::Float);
        assert_eq!(saved.hidden.len(), 0, "hidden activations are stored");
        let (by_operations, saved) = passes(&function.map(|tensor| tensor.to_kind(Kind::Double)), Kind::Double);
        assert_eq!(saved.hidden.len(), 1, "float64 is not the loop's");
        for ((name, own), (_, exact)) in by_loop.iter().zip(by_operations) {
            assert_eq!(own.size(), exact.size(), "{name}");
            let error = (own.to_kind(Kind::Double) - &exact).abs().max().double_value(&[]);
            assert!(error <= 2e-6 * exact.abs().max().double_value(&[]), "{name}: {error}");
        }
    }

    #[test]
    fn a_replica_is_computed_from_its_views_alone() {
        for kind in KINDS {
            let function = exact(kind, &[5]);
            let input = normal(if kind == ImportanceKind::Mlp { COMPONENTS } else { D_IN });
            let (logits, saved) = function.forward(&input);
            let mut gradient = function.zeros_like();
            function.backward(&saved, &logits, &mut gradient, false);

            let (second, second_gradient) = (function.of_replicas(1..2), function.zeros_like());
            let (second_logits, saved) = second.forward(&input.narrow(0, 1, 1));
            second.backward(&saved, &second_logits, &mut second_gradient.of_replicas(1..2), false);
            assert_close(&second_logits, &logits.narrow(0, 1, 1), "logits");
            for ((name, alone), (_, both)) in second_gradient.named("d").into_iter().zip(gradient.named("d")) {
                assert_close(&alone.narrow(0, 1, 1), &both.narrow(0, 1, 1), &name);
                assert_eq!(alone.narrow(0, 0, 1).abs().max().double_value(&[]), 0.0, "{name}");
            }
        }
    }

    #[test]
    fn initial_weights_have_the_stated_deviation_and_belong_to_their_replica_and_function() {
        let random = |seeds: &[u64], number| {
            ImportanceFunction::random(ImportanceKind::SharedMlp, 50, 200, &[400], seeds, number)
        };
        let both = random(&[4, 9], 0);
        for (layer, deviation) in both.layers.iter().zip([(2.0 / 50.0_f64).sqrt(), (1.0 / 400.0_f64).sqrt()]) {
            let ratio = layer.weight.std(true).double_value(&[]) / deviation;
            assert!((ratio - 1.0).abs() < 0.02, "ratio {ratio}");
            assert_eq!(layer.bias.abs().max().double_value(&[]), 0.0);
        }
        let weight = |function: &ImportanceFunction, replica| function.layers[0].weight.select(0, replica);
        assert_eq!(weight(&both, 1), weight(&random(&[9], 0), 0));
        assert_ne!(weight(&both, 1), weight(&random(&[9], 1), 0));
    }

    #[test]
    fn the_tensors_of_every_kind_have_their_stated_shapes_and_are_found_again_by_name() {
        for kind in KINDS {
            let function = random(kind, &[5], &[1, 2]);
            let shapes = ImportanceFunction::shapes(kind, D_IN, COMPONENTS, &[5]);
            let stated = shapes.into_iter().flat_map(|(weight, bias)| [weight, bias]);
            let named = function.named("importance_function.embed");
            let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
            let expected = ["0.weight", "0.bias", "1.weight", "1.bias"];
            assert_eq!(names, expected.map(|name| format!("importance_function.embed.{name}")));
            for ((name, tensor), stated) in named.iter().zip(stated) {
                assert_eq!(tensor.size()[1..], stated, "{kind:?} {name}");
            }
            let find =
                |name: &str| named.iter().find(|(other, _)| other == name).map(|(_, tensor)| tensor.shallow_clone());
            let found = ImportanceFunction::from_files("importance_function.embed", 2, find).expect("all are there");
            assert_eq!(found.named("importance_function.embed"), named);
            assert!(ImportanceFunction::from_files("importance_function.embed", 3, find).is_none());
        }
    }
}
