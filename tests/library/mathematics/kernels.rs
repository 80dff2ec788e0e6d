//! The loops written by hand compute what their plain forms do, whatever the sizes.

use apd::{
    attribution::{Loops, by_block},
    components::{Components, Factors},
    execute::{Masked, Selected, SiteProduct, Tape},
    kernel::Kernel,
    network::Network,
    selection::{ActivePairs, Budget},
    weights::Weights,
};
use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::support::{assert_close, components, inputs, networks, tms, weights};

const SEEDS: [u64; 2] = [5, 6];
const BATCH: usize = 20;

/// Output, and the derivative of the factors along a fixed derivative of the output.
fn both_ways<P: SiteProduct<Gradient = Components>>(
    network: &Network,
    weights: &Weights,
    product: P,
    gradient: &mut Components,
    input: &Tensor,
) -> Tensor {
    let tape = Tape::new(network.graph(), product, weights, input);
    let output = tape.output();
    let slope = Tensor::arange(output.numel() as i64, (Kind::Float, Device::Cpu)).sin().view_as(output);
    tape.backward([(tape.graph().output(), slope)], gradient);
    output.shallow_clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Ranks beyond 32 are streamed, the others packed.
    #[test]
    fn active_pairs_give_what_masked_products_give(
        features in 2..20_usize, hidden in 1..12_usize, layers in 0..3_usize,
        number in 1..6_usize, rank in 1..50_usize, pairs in 0..30_usize,
    ) {
        let network = tms(features, hidden, layers);
        let (weights, components) = (weights(&network, &SEEDS), components(&network, number, rank, &SEEDS));
        let input = inputs(&network, &SEEDS).batch(1, BATCH, Device::Cpu);
        let attributions = Tensor::arange((2 * BATCH * number) as i64, (Kind::Float, Device::Cpu)).sin().square();
        let attributions = attributions.view([2, BATCH as i64, number as i64]);
        let pairs = ActivePairs::largest(&attributions, &[Budget::OfBatch(pairs), Budget::OfEachSample(1)]);
        let mask = pairs.to_mask();
        let (mut selected, mut masked) = (components.zeros_like(), components.zeros_like());
        let by_pairs = both_ways(&network, &weights, Selected::new(&components, &pairs), &mut selected, &input);
        let by_mask = both_ways(&network, &weights, Masked::new(&components, &mask), &mut masked, &input);
        assert_close(&by_pairs, &by_mask, 1e-4, "output");
        for (selected, masked) in selected.factors.iter().zip(masked.factors.iter()) {
            let (Factors { a, b }, plain) = (selected, masked);
            assert_close(a, &plain.a, 1e-4, "derivative of A");
            assert_close(b, &plain.b, 1e-4, "derivative of B");
        }
    }

    #[test]
    fn derivatives_in_loops_over_samples_are_those_of_products_over_blocks(
        network in 0..networks().len(), number in 1..12_usize, rank in 1..4_usize, step in 0..100_u64,
    ) {
        let network = &networks()[network];
        let (weights, components) = (weights(network, &SEEDS), components(network, number, rank, &SEEDS));
        let input = inputs(network, &SEEDS).batch(step, 70, Device::Cpu);
        let plain = by_block(network, &weights, &components, &input);
        for loops in [Loops::BySample, Loops::ByLanes] {
            let in_loops = loops.attributions(network, &weights, &components, &input);
            assert_close(&in_loops, &plain, 1e-4, &format!("attributions {loops:?}"));
        }
    }

    /// Neither the width of vectors nor threads change a bit, so that other tests may run meanwhile.
    #[test]
    fn widest_vectors_and_threads_change_no_byte(
        number in 1..40_usize, rank in 1..30_usize, batch in 1..300_usize,
    ) {
        let network = tms(17, 5, 1);
        let (weights, components) = (weights(&network, &SEEDS), components(&network, number, rank, &SEEDS));
        let input = inputs(&network, &SEEDS).batch(1, batch, Device::Cpu);
        let attributions = || Loops::BySample.attributions(&network, &weights, &components, &input);
        let (with, norms) = (attributions(), components.squared_norms());
        for kernel in [Kernel::WidestVectors, Kernel::LoopThreads, Kernel::LibtorchThreads] {
            kernel.switch(false);
            let (without, norms_without) = (attributions(), components.squared_norms());
            kernel.switch(true);
            prop_assert_eq!(&with, &without, "{:?}", kernel);
            prop_assert_eq!(&norms, &norms_without, "{:?}", kernel);
        }
    }
}
