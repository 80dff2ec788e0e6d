//! A network with some of its components, sample by sample: what every ablation measures.

use tch::{Device, Kind, Tensor};

use crate::{
    components::Components,
    execute::{MaskDerivative, Masked, Selected, SiteProduct, Tape},
    method::Decomposed,
    network::Network,
    selection::{ActivePairs, Budget},
    weights::Weights,
};

/// Entries of the values of a block of samples: 16 megabytes, whatever the number of samples.
const BLOCK_ENTRIES: i64 = 1 << 22;

/// Up to this share of active pairs, walking over them beats products with all components.
const SPARSE: f64 = 0.1;

/// One replica of a network whose components can be switched on and off.
pub struct Partial<'a> {
    pub network: &'a Network,
    /// Of one replica, its axis kept.
    pub weights: &'a Weights,
    pub components: &'a Components,
    /// Whether the last component is active on every sample and so none to be switched.
    pub last_always_active: bool,
    /// Ones `[component]` for components that no ablation takes away; `None`: there are none.
    pub shared: Option<Tensor>,
}

impl<'a> Partial<'a> {
    /// The components of `decomposed`, which is of one replica.
    pub fn of(decomposed: &'a dyn Decomposed) -> Self {
        Self {
            network: decomposed.network(),
            weights: decomposed.weights(),
            components: decomposed.components(),
            last_always_active: decomposed.last_always_active(),
            shared: None,
        }
    }

    /// Number of components that can be switched: all but one that is always active.
    pub fn candidates(&self) -> i64 {
        self.components.number() - i64::from(self.last_always_active)
    }

    /// The output [1, sample, output] at `input` [1, sample, feature] with the components that `mask` [1, sample, candidate]
    /// names by ones; where it has none, the decomposed weights are zero.
    pub fn output(&self, mask: &Tensor, input: &Tensor) -> Tensor {
        let mask = self.whole(mask);
        let sparse = self.components.live_everywhere()
            && mask.device() == Device::Cpu
            && mask.mean(Kind::Double).double_value(&[]) <= SPARSE;
        self.in_blocks([&mask, input], |[mask, input]| {
            if !sparse {
                return self.pass(Masked::new(self.components, &mask), &input);
            }
            let active = mask.count_nonzero(None).int64_value(&[]) as usize;
            // The ones are the largest entries.
            let pairs = ActivePairs::largest(&mask, &[Budget::OfBatch(active)]);
            self.pass(Selected::new(self.components, &pairs), &input)
        })
    }

    /// The derivative of every sample's mean squared error over the outputs with respect to the components' weights, which are
    /// `mask` [1, sample, candidate], of which it has the shape; `target` [1, sample, output] is the target's output.
    pub fn error_derivative(&self, mask: &Tensor, input: &Tensor, target: &Tensor) -> Tensor {
        let derivative = self.in_blocks([&self.whole(mask), input, target], |[mask, input, target]| {
            let product = MaskDerivative::new(self.components, &mask);
            let tape = Tape::new(self.network.graph(), product, self.weights, &input);
            let slope = (tape.output() - &target) * (2.0 / target.size()[2] as f64);
            let mut gradient = mask.zeros_like();
            tape.backward([(tape.graph().output(), slope)], &mut gradient);
            gradient
        });
        derivative.narrow(2, 0, self.candidates())
    }

    /// `function` of every block of samples of some tensors [1, sample, ...], put together again.
    fn in_blocks<const N: usize>(&self, tensors: [&Tensor; N], function: impl Fn([Tensor; N]) -> Tensor) -> Tensor {
        let (samples, block) = (tensors[0].size()[1], self.block_samples());
        let of_block = |start: i64| {
            function(tensors.map(|tensor| tensor.narrow(1, start, block.min(samples - start)).contiguous()))
        };
        let blocks: Vec<Tensor> = (0..samples).step_by(block as usize).map(of_block).collect();
        Tensor::cat(&blocks, 1)
    }

    /// `mask` [..., candidate] with ones for the shared components, and for the last one if that is always active.
    pub(super) fn whole(&self, mask: &Tensor) -> Tensor {
        let mask = self.shared.as_ref().map_or_else(|| mask.shallow_clone(), |shared| mask.maximum(shared));
        if self.last_always_active { mask.pad([0, 1], "constant", 1.0) } else { mask }
    }

    /// A mask [1, sample, candidate] that keeps some components on each sample, `components` `[sample]`. `like` names kind and
    /// device.
    pub fn keeping(&self, components: &[impl AsRef<[usize]>], like: &Tensor) -> Tensor {
        let candidates = self.candidates();
        let row = |sample: usize| move |component: &usize| sample as i64 * candidates + *component as i64;
        let kept = components.iter().enumerate().flat_map(|(sample, kept)| kept.as_ref().iter().map(row(sample)));
        let kept = Tensor::from_slice(&kept.collect::<Vec<_>>()).to_device(like.device());
        let shape = [1, components.len() as i64, candidates];
        let zeros = Tensor::zeros([shape.iter().product::<i64>()], (like.kind(), like.device()));
        zeros.index_fill(0, &kept, 1.0).view(shape)
    }

    /// The output with no component that can be switched.
    pub fn output_without(&self, input: &Tensor) -> Tensor {
        let shape = [1, input.size()[1], self.candidates()];
        self.output(&Tensor::zeros(shape, (input.kind(), input.device())), input)
    }

    /// The target's own output.
    pub fn target_output(&self, input: &Tensor) -> Tensor {
        self.network.output(self.weights, input)
    }

    fn pass<P: SiteProduct>(&self, product: P, input: &Tensor) -> Tensor {
        Tape::new(self.network.graph(), product, self.weights, input).output().shallow_clone()
    }

    fn block_samples(&self) -> i64 {
        let of_site = |factors: &crate::components::Factors| {
            let [_, d_in, components, rank] = factors.a.size()[..] else { panic!("A has four axes") };
            2 * components * rank + d_in + factors.b.size()[3]
        };
        (BLOCK_ENTRIES / self.components.factors.iter().map(of_site).sum::<i64>()).max(1)
    }
}

/// Mean squared difference over the outputs for every sample, of two tensors [1, sample, output].
pub fn squared_errors(output: &Tensor, reference: &Tensor) -> Tensor {
    (output - reference).square().mean_dim([2].as_slice(), false, Kind::Double).squeeze_dim(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::tiny;

    #[test]
    fn sparse_and_dense_masks_give_the_same_output() {
        let tiny = tiny::residual_mlp();
        let partial = tiny.partial();
        let input = Tensor::from_slice2(&[[1.0_f32, 0.0], [0.5, -1.0], [0.0, 0.25]]).unsqueeze(0).repeat([1, 50, 1]);
        let mask = Tensor::zeros([1, 150, 4], (Kind::Float, Device::Cpu));
        let _ = mask.select(1, 7).select(1, 0).fill_(1.0);
        let sparse = partial.output(&mask, &input);
        let dense = partial.pass(Masked::new(partial.components, &mask), &input);
        assert!((&sparse - &dense).abs().max().double_value(&[]) < 1e-6);
        assert!((&sparse - partial.output_without(&input)).abs().max().double_value(&[]) > 0.1);
    }

    #[test]
    fn the_derivative_by_the_weights_is_the_slope_of_the_error() {
        let tiny = tiny::residual_mlp();
        let partial = Partial { last_always_active: true, ..tiny.partial() };
        let input = Tensor::from_slice2(&[[1.0_f32, 0.5], [-1.0, 2.0]]).unsqueeze(0);
        let target = partial.target_output(&input);
        let mask = Tensor::from_slice2(&[[0.5_f32, 0.75, 0.25], [0.5, 0.5, 0.5]]).unsqueeze(0);
        let found = partial.error_derivative(&mask, &input, &target);
        let error = |component: i64, step: f64| {
            let moved = mask.copy();
            let _ = moved.select(2, component).g_add_scalar_(step);
            squared_errors(&partial.output(&moved, &input), &target)
        };
        let slopes = [0, 1, 2].map(|component| (error(component, 1e-2) - error(component, -1e-2)) / 2e-2);
        let slopes = Tensor::stack(&slopes, 1).unsqueeze(0);
        assert!(found.abs().max().double_value(&[]) > 0.5);
        assert!((found - slopes).abs().max().double_value(&[]) < 2e-3);
    }

    #[test]
    fn a_component_that_is_always_active_is_no_candidate_and_never_off() {
        let tiny = tiny::residual_mlp();
        let partial = Partial { last_always_active: true, ..tiny.partial() };
        assert_eq!(partial.candidates(), 3);
        let input = Tensor::from_slice2(&[[1.0_f32, 2.0]]).unsqueeze(0);
        let last = Tensor::from_slice(&[0.0_f32, 0.0, 0.0, 1.0]).view([1, 1, 4]);
        assert_eq!(partial.output_without(&input), tiny.partial().output(&last, &input));
    }
}
