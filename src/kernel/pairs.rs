//! Products of the active (sample, component) pairs with their components' factors.
//!
//! The loops run over pairs grouped by component and skip numbers that are zero. Small factors are copied next to each other,
//! large ones are read as they lie in memory.

mod packed;
mod streamed;

use tch::Tensor;

use crate::{
    selection::{ActivePairs, Group},
    slices::slice,
};

/// One site's factors as memory, and the pairs that use them. Of a product's two sides, the rows of the input side have d_in
/// numbers, those of the output side d_out, one row a sample of all replicas; in a transposed product they change places.
pub struct Loops<'a> {
    groups: Vec<Group<'a>>,
    /// Number of all pairs.
    pairs: usize,
    d_in: usize,
    d_out: usize,
    components: usize,
    rank: usize,
    transposed: bool,
    /// A.
    a: &'a [f32],
    /// B.
    b: &'a [f32],
}

/// What a backward pass reads.
pub struct Read<'a> {
    pub input: &'a [f32],
    /// What the forward pass has saved of every pair.
    pub inner: &'a [f32],
    pub output_gradient: &'a [f32],
}

/// What it adds to.
pub struct Written<'a> {
    pub input_gradient: Option<&'a mut [f32]>,
    pub a_gradient: &'a mut [f32],
    pub b_gradient: &'a mut [f32],
}

impl<'a> Loops<'a> {
    /// Of the factors A [replica, d_in, component, rank] and B [replica, component, rank, d_out].
    pub fn new(a: &'a Tensor, b: &'a Tensor, pairs: &'a ActivePairs, transposed: bool) -> Self {
        let [_, d_in, components, rank] = a.size()[..] else { panic!("A has four axes") };
        let d_out = b.size()[3];
        let [d_in, d_out, components, rank] = [d_in, d_out, components, rank].map(|length| length as usize);
        let (a, b) = (slice(a), slice(b));
        Self { groups: pairs.groups().collect(), pairs: pairs.len(), d_in, d_out, components, rank, transposed, a, b }
    }

    /// Numbers of a row of the product.
    pub fn output_width(&self) -> usize {
        if self.transposed { self.d_in } else { self.d_out }
    }

    /// Adds y = x A_c B_c to the outputs of all pairs; returns the inner numbers x A_c, `rank` or more for every pair.
    pub fn forward(&self, input: &[f32], output: &mut [f32]) -> Vec<f32> {
        match packed::blocks(self) {
            Some(blocks) => packed::forward(self, blocks, input, output),
            None => streamed::forward(self, input, output),
        }
    }

    /// Adds the derivatives with respect to factors and inputs.
    pub fn backward(&self, read: Read, written: Written) {
        match packed::blocks(self) {
            Some(blocks) => packed::backward(self, blocks, read, written),
            None => streamed::backward(self, read, written),
        }
    }

    /// Where in A the row `index` of a component begins.
    #[inline(always)]
    fn a_row(&self, group: &Group, index: usize) -> usize {
        ((group.replica * self.d_in + index) * self.components + group.component) * self.rank
    }

    /// Where in B a component begins, rank rows of d_out.
    #[inline(always)]
    fn b_start(&self, group: &Group) -> usize {
        (group.replica * self.components + group.component) * self.rank * self.d_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        components::Components,
        initial_values::{InitialValues, Shape},
        kernel::threads,
        selection::Budget,
        site::Site,
        slices::tensor_from,
    };

    const BATCH: i64 = 9;

    /// Output, and the derivatives of inputs and factors, one after the other.
    fn both_ways(components: &Components, transposed: bool, packed: bool) -> [Vec<f32>; 4] {
        let numbers = |width: i64, step: usize| {
            tensor_from(&[2, BATCH, width], (0..).map(|index: usize| (index * index * step % 11) as f32 - 5.0))
        };
        let attributions = numbers(components.number(), 3).abs();
        let pairs = ActivePairs::largest(&attributions, &[Budget::OfBatch(14), Budget::OfBatch(9)]);
        let factors = components.factors.iter().next().unwrap();
        let loops = Loops::new(&factors.a, &factors.b, &pairs, transposed);
        let (first, second) = if transposed { (loops.d_out, loops.d_in) } else { (loops.d_in, loops.d_out) };
        let (input, output_gradient) = (numbers(first as i64, 5), numbers(second as i64, 7));
        let mut output = vec![0.0; 2 * BATCH as usize * second];
        let mut input_gradient = vec![0.0; 2 * BATCH as usize * first];
        let (mut a_gradient, mut b_gradient) = (vec![0.0; loops.a.len()], vec![0.0; loops.b.len()]);
        let blocks = packed.then(|| packed::blocks(&loops).expect("small factors"));
        let inner = match blocks {
            Some(blocks) => packed::forward(&loops, blocks, slice(&input), &mut output),
            None => streamed::forward(&loops, slice(&input), &mut output),
        };
        let read = Read { input: slice(&input), inner: &inner, output_gradient: slice(&output_gradient) };
        let written = Written {
            input_gradient: Some(&mut input_gradient),
            a_gradient: &mut a_gradient,
            b_gradient: &mut b_gradient,
        };
        match blocks {
            Some(blocks) => packed::backward(&loops, blocks, read, written),
            None => streamed::backward(&loops, read, written),
        }
        [output, input_gradient, a_gradient, b_gradient]
    }

    fn components(d_in: usize, d_out: usize, rank: usize) -> Components {
        let rule = InitialValues { instances: 1, scale: 1.0, distribution: Shape::Normal };
        Components::random(&[Site::new("site", d_in, d_out)].into_iter().collect(), 4, rank, rule, &[1, 2])
    }

    #[test]
    fn packed_and_streamed_factors_give_the_same() {
        threads::give_each_lane(1, true);
        for (d_in, d_out, rank) in [(1, 1, 1), (5, 2, 3), (3, 12, 8), (7, 6, 11), (4, 4, 20), (2, 3, 27)] {
            for transposed in [false, true] {
                let components = components(d_in, d_out, rank);
                let (packed, streamed) =
                    (both_ways(&components, transposed, true), both_ways(&components, transposed, false));
                for (packed, streamed) in packed.iter().flatten().zip(streamed.iter().flatten()) {
                    let difference = (packed - streamed).abs();
                    assert!(
                        difference <= 1e-4 * streamed.abs().max(1.0),
                        "{packed} and {streamed} of {d_in}, {d_out}, {rank}"
                    );
                }
                assert!(streamed.iter().all(|entries| entries.iter().any(|&entry| entry != 0.0)));
            }
        }
    }

    #[test]
    fn on_more_threads_streamed_factors_give_the_same_bytes() {
        let components = components(60, 700, 20);
        for transposed in [false, true] {
            let [one, three] = [1, 3].map(|number| {
                threads::give_each_lane(number, true);
                both_ways(&components, transposed, false)
            });
            assert!(one == three, "transposed: {transposed}");
        }
    }
}
