//! What must hold for every network, whatever its weights and components.

use crate::support::{assert_close, components, inputs, networks, residual_mlp, weights};
use apd::{
    attribution::{Loops, ablation_attributions, by_block, gauss_legendre},
    components::{Components, Factors},
    execute::{Masked, SiteProduct, Tangent, Tape},
    fit::{Moment, Objective},
    graph::Activation,
    network::{Biases, Embedding, Loss, Network, ResidualMlp, Task},
    run::{read_tensors, write_tensors},
    site::PerSite,
    weights::Weights,
};
use tch::{Device, Kind, Tensor};

const SEEDS: [u64; 2] = [3, 4];
const COMPONENTS: usize = 6;

fn output<P: SiteProduct>(network: &Network, product: P, weights: &Weights, input: &Tensor) -> Tensor {
    Tape::new(network.graph(), product, weights, input).output().shallow_clone()
}

/// The weights that are the sum of the components, with the biases and embeddings of `weights`.
fn sum_of(components: &Components, weights: &Weights) -> Weights {
    weights.with_sites(components.factors.map(Factors::sum))
}

fn in_double(weights: &Weights, components: &Components) -> (Weights, Components) {
    let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
    (weights.map(double), components.map(double))
}

#[test]
fn all_components_together_are_the_network_that_they_sum_to() {
    for network in networks() {
        let components = components(&network, COMPONENTS, 2, &SEEDS);
        let weights = sum_of(&components, &weights(&network, &SEEDS));
        let input = inputs(&network, &SEEDS).batch(0, 64, Device::Cpu);
        let ones = Tensor::ones([2, 64, COMPONENTS as i64], (Kind::Float, Device::Cpu));
        let all = output(&network, Masked::new(&components, &ones), &weights, &input);
        assert_close(&all, &network.output(&weights, &input), 1e-5, "output");
    }
}

#[test]
fn without_components_only_the_biases_remain() {
    for network in networks() {
        let components = components(&network, COMPONENTS, 2, &SEEDS);
        let weights = weights(&network, &SEEDS);
        let without = weights.with_sites(weights.sites.map(Tensor::zeros_like));
        let input = inputs(&network, &SEEDS).batch(0, 64, Device::Cpu);
        let zeros = Tensor::zeros([2, 64, COMPONENTS as i64], (Kind::Float, Device::Cpu));
        let nothing = output(&network, Masked::new(&components, &zeros), &without, &input);
        assert_close(&nothing, &network.output(&without, &input), 1e-6, "output");
        // Nothing but components leads to the output of gated functions.
        let shows = nothing.abs().max().double_value(&[]) > 0.0;
        assert_eq!(shows, !matches!(network, Network::GatedFunctions(_)), "the biases or the features show");
    }
}

#[test]
fn a_sample_alone_and_among_others_has_the_same_output() {
    for network in networks() {
        let weights = weights(&network, &SEEDS);
        let input = inputs(&network, &SEEDS).batch(5, 8, Device::Cpu);
        let among = network.output(&weights, &input);
        for sample in 0..8 {
            let alone = network.output(&weights, &input.narrow(1, sample, 1));
            assert_close(&alone, &among.narrow(1, sample, 1), 1e-5, &format!("sample {sample}"));
        }
    }
}

/// Tangents [replica, sample, component, output] in double precision.
fn tangents(network: &Network, weights: &Weights, components: &Components, input: &Tensor) -> Tensor {
    Tangent::new(weights, components).run(&network.graph(), &input.to_kind(Kind::Double)).transpose(1, 2)
}

/// (f(W + step D) - f(W - step D)) / (2 step).
fn central_difference(network: &Network, weights: &Weights, direction: &PerSite<Tensor>, input: &Tensor) -> Tensor {
    const STEP: f64 = 1e-6;
    let input = input.to_kind(Kind::Double);
    let moved = |step: f64| {
        let sites = weights.sites.enumerate().map(|(site, matrix)| matrix + &direction[site] * step);
        weights.with_sites(sites.collect())
    };
    (network.output(&moved(STEP), &input) - network.output(&moved(-STEP), &input)) / (2.0 * STEP)
}

#[test]
fn a_tangent_is_the_central_difference_along_its_component() {
    for network in networks() {
        let (weights, components) = in_double(&weights(&network, &SEEDS), &components(&network, COMPONENTS, 2, &SEEDS));
        let input = inputs(&network, &SEEDS).batch(1, 64, Device::Cpu);
        let tangents = tangents(&network, &weights, &components, &input);
        for component in 0..COMPONENTS as i64 {
            let direction = components.factors.map(|factors| factors.matrices().select(1, component));
            let difference = central_difference(&network, &weights, &direction, &input);
            assert_close(&tangents.select(2, component), &difference, 1e-6, &format!("component {component}"));
        }
    }
}

#[test]
fn the_tangents_sum_to_the_tangent_along_the_whole_weight() {
    for network in networks() {
        let (weights, components) = in_double(&weights(&network, &SEEDS), &components(&network, COMPONENTS, 2, &SEEDS));
        let input = inputs(&network, &SEEDS).batch(2, 64, Device::Cpu);
        let sum = tangents(&network, &weights, &components, &input).sum_dim_intlist([2].as_slice(), false, None);
        let direction = components.factors.map(Factors::sum);
        assert_close(&sum, &central_difference(&network, &weights, &direction, &input), 1e-6, "sum");
    }
}

/// int_0^1 J(x; W - (1 - t) P_c) P_c dt = f(x | W) - f(x | W - P_c), which by ablation c is attributed where the components
/// sum to W. Gauss-Legendre quadrature is exact for a smooth network; on the kinks of relu it converges slowly.
#[test]
fn along_the_path_to_the_network_without_a_component_the_gradient_integrates_to_its_ablation() {
    // On a busy machine the threads of thousands of small products would mostly wait for each other.
    tch::set_num_threads(1);
    for network in networks() {
        let is_smooth = matches!(&network, Network::ResidualMlp(mlp) if mlp.activation == Activation::Gelu);
        let (points, tolerance) = if is_smooth { (16, 1e-9) } else { (32, 0.05) };
        let (weights, components) = in_double(&weights(&network, &SEEDS), &components(&network, COMPONENTS, 2, &SEEDS));
        let target = sum_of(&components, &weights);
        let input = inputs(&network, &SEEDS).batch(5, 16, Device::Cpu).to_kind(Kind::Double);
        let ablation = ablation_attributions(&network, &target, &components, &input);
        for component in 0..COMPONENTS as i64 {
            let of_component = components.factors.map(|factors| factors.matrices().select(1, component));
            let parts = gauss_legendre(points).into_iter().map(|(t, share)| {
                let sites = target.sites.enumerate().map(|(site, matrix)| matrix - &of_component[site] * (1.0 - t));
                let at = target.with_sites(sites.collect());
                tangents(&network, &at, &components, &input).select(2, component) * share
            });
            let integral = parts.reduce(|sum, part| sum + part).expect("a quadrature has points");
            let attribution = integral.square().mean_dim([-1].as_slice(), false, None);
            let what = format!("component {component} of {network:?}");
            assert_close(&attribution, &ablation.select(2, component), tolerance, &what);
        }
    }
}

#[test]
fn the_gradient_of_a_task_is_the_central_difference_of_its_error() {
    const STEP: f64 = 1e-6;
    let judged = |loss, importance_base| {
        let network = residual_mlp(2, Activation::Gelu, Biases::Both, Embedding::Random);
        let Network::ResidualMlp(mlp) = network else { unreachable!() };
        Network::ResidualMlp(ResidualMlp { loss, importance_base, ..mlp })
    };
    let judged = [judged(Loss::ResidualStream, 1.0), judged(Loss::Outputs, 0.7)];
    for network in networks().into_iter().filter(Network::is_trainable).chain(judged) {
        let weights = weights(&network, &SEEDS).map(|tensor| tensor.to_kind(Kind::Double));
        let input = inputs(&network, &SEEDS).batch(4, 64, Device::Cpu).to_kind(Kind::Double);
        let mut task = Task::new(&network, weights, &SEEDS);
        task.add_gradients(Moment::before(0, 1), &input);
        let gradients: Vec<Tensor> = task.parameters().iter().map(|parameter| parameter.gradient.copy()).collect();
        let mut error_after = |number: usize, step: &Tensor| {
            let mut value = task.parameters().swap_remove(number).value;
            let _ = value.g_add_(step);
            let error: f64 = task.add_gradients(Moment::before(0, 1).logged(), &input)[0].values.iter().sum();
            let _ = value.g_sub_(step);
            error
        };
        for (number, gradient) in gradients.iter().enumerate() {
            let step =
                Tensor::arange(gradient.numel() as i64, (Kind::Double, Device::Cpu)).sin().view_as(gradient) * STEP;
            let difference = error_after(number, &step) - error_after(number, &-&step);
            let expected = 2.0 * (gradient * &step).sum(Kind::Double).double_value(&[]);
            assert!((difference - expected).abs() < 1e-6 * STEP, "parameter {number} of {network:?}");
        }
    }
}

#[test]
fn attributions_in_loops_and_by_block_agree() {
    for network in networks() {
        let (weights, components) = (weights(&network, &SEEDS), components(&network, COMPONENTS, 2, &SEEDS));
        let input = inputs(&network, &SEEDS).batch(3, 300, Device::Cpu);
        let by_block = by_block(&network, &weights, &components, &input);
        for loops in [Loops::BySample, Loops::ByLanes] {
            let in_loops = loops.attributions(&network, &weights, &components, &input);
            assert_close(&in_loops, &by_block, 1e-5, &format!("attributions {loops:?}"));
        }
    }
}

#[test]
fn components_saved_and_loaded_are_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for network in networks() {
        let sites = network.sites();
        let components = components(&network, COMPONENTS, 2, &SEEDS);
        let (first, second) = (folder.path().join("first.safetensors"), folder.path().join("second.safetensors"));
        write_tensors(&first, &components.to_files(&sites), &[]).unwrap();
        let read = read_tensors(&first).unwrap();
        let find = |name: &str| read.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor.shallow_clone());
        let loaded = Components::from_files(&sites, find).unwrap();
        for ((name, saved), (_, loaded)) in components.named(&sites).iter().zip(loaded.named(&sites)) {
            assert_eq!(*saved, loaded, "{name}");
        }
        write_tensors(&second, &loaded.to_files(&sites), &[]).unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    }
}
