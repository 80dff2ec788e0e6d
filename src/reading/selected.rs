//! Site products with selected components, touching only the active (sample, component) pairs.
//!
//! A decomposition selects about one component a sample out of dozens: the loops below do that share of the work that
//! [`super::Masked`] does. They run over pairs grouped by component and skip numbers that are zero.

mod packed;
mod streamed;

use tch::Tensor;

use super::{SiteProduct, SiteUse, tape::Forward};
use crate::{
    components::{Components, Factors},
    selection::{ActivePairs, Group},
    slices::{slice, slice_mut},
};

/// Components that are on or off: y = sum over the active c of x A_c B_c. For tensors in main memory.
pub struct Selected<'a> {
    components: &'a Components,
    pairs: &'a ActivePairs,
}

impl<'a> Selected<'a> {
    /// The same pairs at every use of a site.
    pub fn new(components: &'a Components, pairs: &'a ActivePairs) -> Self {
        Self { components, pairs }
    }
}

/// One site's factors as memory, and the pairs that use them. Of a product's two sides, the rows of the input side have d_in
/// numbers, those of the output side d_out, one row a sample of all replicas; in a transposed product they change places.
struct Loops<'a> {
    groups: Vec<Group<'a>>,
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
struct Read<'a> {
    input: &'a [f32],
    /// What the forward pass has saved of every pair.
    inner: &'a [f32],
    output_gradient: &'a [f32],
}

/// What it adds to.
struct Written<'a> {
    input_gradient: Option<&'a mut [f32]>,
    a_gradient: &'a mut [f32],
    b_gradient: &'a mut [f32],
}

impl<'a> Loops<'a> {
    fn new(factors: &'a Factors, pairs: &'a ActivePairs, transposed: bool) -> Self {
        let [_, d_in, components, rank] = factors.a.size()[..] else { panic!("A has four axes") };
        let d_out = factors.b.size()[3];
        let [d_in, d_out, components, rank] = [d_in, d_out, components, rank].map(|length| length as usize);
        let (a, b) = (slice(&factors.a), slice(&factors.b));
        Self { groups: pairs.groups().collect(), d_in, d_out, components, rank, transposed, a, b }
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

impl SiteProduct for Selected<'_> {
    /// The inner products, `rank` or more for every pair.
    type Saved = Vec<f32>;
    type Gradient = Components;

    fn forward(&self, site: SiteUse, input: &Tensor) -> (Tensor, Vec<f32>) {
        let loops = Loops::new(&self.components.factors[site.site], self.pairs, site.transposed);
        let width = if site.transposed { loops.d_in } else { loops.d_out };
        let [replicas, samples, _] = input.size()[..] else { panic!("a value has three axes") };
        let mut output = Tensor::zeros([replicas, samples, width as i64], (input.kind(), input.device()));
        let (entries, pairs) = (slice_mut(&mut output), self.pairs.len());
        let inner = match packed::blocks(&loops) {
            Some(blocks) => packed::forward(&loops, blocks, pairs, slice(input), entries),
            None => streamed::forward(&loops, pairs, slice(input), entries),
        };
        (output, inner)
    }

    fn backward(
        &self,
        site: SiteUse,
        forward: Forward<'_, Vec<f32>>,
        output_gradient: &Tensor,
        gradient: &mut Components,
    ) -> Option<Tensor> {
        let loops = Loops::new(&self.components.factors[site.site], self.pairs, site.transposed);
        let mut input_gradient = forward.input_gradient_wanted.then(|| Tensor::zeros_like(forward.input));
        let read = Read { input: slice(forward.input), inner: forward.saved, output_gradient: slice(output_gradient) };
        let Factors { a, b } = &mut gradient.factors[site.site];
        let written = Written {
            input_gradient: input_gradient.as_mut().map(slice_mut),
            a_gradient: slice_mut(a),
            b_gradient: slice_mut(b),
        };
        match packed::blocks(&loops) {
            Some(blocks) => packed::backward(&loops, blocks, read, written),
            None => streamed::backward(&loops, read, written),
        }
        input_gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        initial_values::{InitialValues, Shape},
        selection::Budget,
        site::Site,
        slices::tensor_from,
        threads,
    };

    const BATCH: i64 = 9;

    /// Output, and the derivatives of inputs and factors, one after the other.
    fn both_ways(components: &Components, transposed: bool, packed: bool) -> [Vec<f32>; 4] {
        let numbers = |width: i64, step: usize| {
            tensor_from(&[2, BATCH, width], (0..).map(|index: usize| (index * index * step % 11) as f32 - 5.0))
        };
        let attributions = numbers(components.number(), 3).abs();
        let pairs = ActivePairs::largest(&attributions, &[Budget::OfBatch(14), Budget::OfBatch(9)]);
        let loops = Loops::new(components.factors.iter().next().unwrap(), &pairs, transposed);
        let (first, second) = if transposed { (loops.d_out, loops.d_in) } else { (loops.d_in, loops.d_out) };
        let (input, output_gradient) = (numbers(first as i64, 5), numbers(second as i64, 7));
        let mut output = vec![0.0; 2 * BATCH as usize * second];
        let mut input_gradient = vec![0.0; 2 * BATCH as usize * first];
        let (mut a_gradient, mut b_gradient) = (vec![0.0; loops.a.len()], vec![0.0; loops.b.len()]);
        let blocks = packed.then(|| packed::blocks(&loops).expect("small factors"));
        let inner = match blocks {
            Some(blocks) => packed::forward(&loops, blocks, pairs.len(), slice(&input), &mut output),
            None => streamed::forward(&loops, pairs.len(), slice(&input), &mut output),
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
