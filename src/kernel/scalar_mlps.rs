//! Many small perceptrons with one hidden layer, each of which reads one number of a sample and makes one:
//!
//! ```text
//! z = sum_k w2_k gelu(w1_k h + b1_k) + b2.
//! ```
//!
//! Hidden activations are not stored: the backward pass computes them again, which costs less than reading them. Samples are side
//! by side in the lanes of vectors. A thread has whole perceptrons, so that no sum depends on the number of threads.

use super::{
    gelu::{gelu, gelu_and_slope},
    simd::{LANES, widest},
    threads,
};

type Lanes = [f32; LANES];

/// Perceptrons whose arrays are [perceptron, ...] one after the other.
#[derive(Clone, Copy)]
pub struct ScalarMlps<'a> {
    /// Width of the hidden layer.
    pub width: usize,
    /// w1, [perceptron, hidden].
    pub first_weight: &'a [f32],
    /// b1, [perceptron, hidden].
    pub first_bias: &'a [f32],
    /// w2, [perceptron, hidden].
    pub second_weight: &'a [f32],
    /// b2, `[perceptron]`.
    pub second_bias: &'a [f32],
}

/// The derivatives of [`ScalarMlps`], to which a backward pass adds.
pub struct ScalarMlpGradients<'a> {
    /// That of w1, [perceptron, hidden].
    pub first_weight: &'a mut [f32],
    /// That of b1, [perceptron, hidden].
    pub first_bias: &'a mut [f32],
    /// That of w2, [perceptron, hidden].
    pub second_weight: &'a mut [f32],
    /// That of b2, `[perceptron]`.
    pub second_bias: &'a mut [f32],
}

/// One perceptron.
#[derive(Clone, Copy)]
struct ScalarMlp<'a> {
    first_weight: &'a [f32],
    first_bias: &'a [f32],
    second_weight: &'a [f32],
    second_bias: f32,
}

/// Sums over samples, in lanes, that belong to one hidden entry.
#[derive(Clone, Copy)]
struct HiddenSums {
    /// Of the output gradient times gelu.
    value: Lanes,
    /// Of the output gradient times gelu's slope.
    slope: Lanes,
    /// Of the output gradient times gelu's slope and the input.
    input_slope: Lanes,
}

impl HiddenSums {
    const ZERO: Self = Self { value: [0.0; LANES], slope: [0.0; LANES], input_slope: [0.0; LANES] };
}

impl<'a> ScalarMlps<'a> {
    /// Overwrites `output` [perceptron, sample] with what the perceptrons make of `input` [perceptron, sample].
    pub fn forward(&self, input: &[f32], output: &mut [f32]) {
        let samples = self.samples(input);
        let threads = threads::worth_having(input.len() * self.width);
        threads::for_each_run(output, samples, threads, |first, output| {
            let pass =
                ForwardPass { perceptrons: self.after(first), input: &input[first * samples..], samples, output };
            widest(
                #[inline(always)]
                || pass.run(),
            );
        });
    }

    /// Adds the derivatives of weights and biases to `gradients` and overwrites `input_gradient` [perceptron, sample], given
    /// `input` and the derivative with respect to the output, both [perceptron, sample]. Where the latter is exactly zero nothing
    /// is computed.
    pub fn backward(
        &self,
        input: &[f32],
        output_gradient: &[f32],
        gradients: ScalarMlpGradients,
        input_gradient: &mut [f32],
    ) {
        let samples = self.samples(input);
        let threads = threads::worth_having(input.len() * self.width);
        let each = self.second_bias.len().div_ceil(threads).max(1);
        let (hidden, of_samples) = (each * self.width, each * samples);
        let first = gradients.first_weight.chunks_mut(hidden).zip(gradients.first_bias.chunks_mut(hidden));
        let second = gradients.second_weight.chunks_mut(hidden).zip(gradients.second_bias.chunks_mut(each));
        let read = input.chunks(of_samples).zip(output_gradient.chunks(of_samples));
        let arrays = read.zip(input_gradient.chunks_mut(of_samples));
        let part = |(index, ((first, second), ((input, output_gradient), input_gradient)))| {
            let ((first_weight, first_bias), (second_weight, second_bias)) = (first, second);
            let gradients = ScalarMlpGradients { first_weight, first_bias, second_weight, second_bias };
            let perceptrons = self.after(index * each);
            BackwardPass { perceptrons, input, output_gradient, samples, gradients, input_gradient }
        };
        threads::for_each_part(first.zip(second).zip(arrays).enumerate().map(part), |pass| {
            widest(
                #[inline(always)]
                || pass.run(),
            );
        });
    }

    fn samples(&self, input: &[f32]) -> usize {
        (input.len() / self.second_bias.len()).max(1)
    }

    /// The perceptrons from the `first` on.
    fn after(&self, first: usize) -> Self {
        let hidden = first * self.width;
        Self {
            width: self.width,
            first_weight: &self.first_weight[hidden..],
            first_bias: &self.first_bias[hidden..],
            second_weight: &self.second_weight[hidden..],
            second_bias: &self.second_bias[first..],
        }
    }

    #[inline(always)]
    fn each(self) -> impl Iterator<Item = ScalarMlp<'a>> {
        let first = self.first_weight.chunks_exact(self.width).zip(self.first_bias.chunks_exact(self.width));
        let second = self.second_weight.chunks_exact(self.width).zip(self.second_bias);
        first.zip(second).map(|((first_weight, first_bias), (second_weight, &second_bias))| ScalarMlp {
            first_weight,
            first_bias,
            second_weight,
            second_bias,
        })
    }
}

impl ScalarMlp<'_> {
    /// w1, b1 and w2 of each hidden entry.
    #[inline(always)]
    fn hidden(&self) -> impl Iterator<Item = (f32, f32, f32)> {
        let first = self.first_weight.iter().zip(self.first_bias);
        first
            .zip(self.second_weight)
            .map(|((&first_weight, &bias), &second_weight)| (first_weight, bias, second_weight))
    }

    #[inline(always)]
    fn forward(&self, input: &Lanes) -> Lanes {
        let mut sum = [self.second_bias; LANES];
        for (first_weight, bias, second_weight) in self.hidden() {
            for lane in 0..LANES {
                sum[lane] = second_weight.mul_add(gelu(first_weight.mul_add(input[lane], bias)), sum[lane]);
            }
        }
        sum
    }

    /// Adds to the sums of each hidden entry; returns the derivative with respect to the input.
    #[inline(always)]
    fn backward(&self, input: &Lanes, output_gradient: &Lanes, sums: &mut [HiddenSums]) -> Lanes {
        let mut input_gradient = [0.0; LANES];
        for ((first_weight, bias, second_weight), sums) in self.hidden().zip(sums) {
            let product = first_weight * second_weight;
            for lane in 0..LANES {
                let (value, slope) = gelu_and_slope(first_weight.mul_add(input[lane], bias));
                let weighted = output_gradient[lane] * slope;
                input_gradient[lane] = product.mul_add(slope, input_gradient[lane]);
                sums.value[lane] = output_gradient[lane].mul_add(value, sums.value[lane]);
                sums.slope[lane] += weighted;
                sums.input_slope[lane] = weighted.mul_add(input[lane], sums.input_slope[lane]);
            }
        }
        for lane in 0..LANES {
            input_gradient[lane] *= output_gradient[lane];
        }
        input_gradient
    }
}

/// The forward pass of a run of perceptrons.
struct ForwardPass<'a> {
    perceptrons: ScalarMlps<'a>,
    input: &'a [f32],
    samples: usize,
    output: &'a mut [f32],
}

impl ForwardPass<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.input.chunks_exact(self.samples).zip(self.output.chunks_exact_mut(self.samples));
        for (perceptron, (input, output)) in self.perceptrons.each().zip(rows) {
            for (input, output) in input.chunks(LANES).zip(output.chunks_mut(LANES)) {
                let mut lanes = [0.0; LANES];
                lanes[..input.len()].copy_from_slice(input);
                output.copy_from_slice(&perceptron.forward(&lanes)[..output.len()]);
            }
        }
    }
}

/// The backward pass of a run of perceptrons.
struct BackwardPass<'a> {
    perceptrons: ScalarMlps<'a>,
    input: &'a [f32],
    output_gradient: &'a [f32],
    samples: usize,
    gradients: ScalarMlpGradients<'a>,
    input_gradient: &'a mut [f32],
}

impl BackwardPass<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { perceptrons, samples, gradients, .. } = self;
        let width = perceptrons.width;
        let mut sums = vec![HiddenSums::ZERO; width];
        let mut active = Active::default();
        let read = self.input.chunks_exact(samples).zip(self.output_gradient.chunks_exact(samples));
        let rows = read.zip(self.input_gradient.chunks_exact_mut(samples));
        for (index, (perceptron, ((input, output_gradient), input_gradient))) in
            perceptrons.each().zip(rows).enumerate()
        {
            active.select(input, output_gradient);
            sums.fill(HiddenSums::ZERO);
            let mut bias = [0.0; LANES];
            input_gradient.fill(0.0);
            let lanes = active.input.iter().zip(&active.output_gradient).zip(active.samples.chunks(LANES));
            for ((input, output_gradient), samples) in lanes {
                let of_input = perceptron.backward(input, output_gradient, &mut sums);
                samples.iter().zip(of_input).for_each(|(&sample, entry)| input_gradient[sample] = entry);
                bias.iter_mut().zip(output_gradient).for_each(|(sum, entry)| *sum += entry);
            }
            gradients.second_bias[index] += total(&bias);
            for (hidden, (sums, &second_weight)) in sums.iter().zip(perceptron.second_weight).enumerate() {
                let place = index * width + hidden;
                gradients.first_weight[place] += second_weight * total(&sums.input_slope);
                gradients.first_bias[place] += second_weight * total(&sums.slope);
                gradients.second_weight[place] += total(&sums.value);
            }
        }
    }
}

/// The samples with an output gradient that is not zero, in whole lanes; the last are filled up with zeros.
#[derive(Default)]
struct Active {
    samples: Vec<usize>,
    input: Vec<Lanes>,
    output_gradient: Vec<Lanes>,
}

impl Active {
    #[inline(always)]
    fn select(&mut self, input: &[f32], output_gradient: &[f32]) {
        self.samples.clear();
        self.samples.extend((0..input.len()).filter(|&sample| output_gradient[sample] != 0.0));
        for (lanes, entries) in [(&mut self.input, input), (&mut self.output_gradient, output_gradient)] {
            lanes.clear();
            lanes.resize(self.samples.len().div_ceil(LANES), [0.0; LANES]);
            let selected = self.samples.iter().map(|&sample| entries[sample]);
            lanes.as_flattened_mut().iter_mut().zip(selected).for_each(|(lane, entry)| *lane = entry);
        }
    }
}

/// The sum of all lanes.
#[inline(always)]
fn total(lanes: &Lanes) -> f32 {
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::Kernel;

    /// [perceptron, sample] and [perceptron, hidden] arrays of some perceptrons.
    #[derive(Clone, Debug)]
    struct Case {
        perceptrons: usize,
        width: usize,
        input: Vec<f32>,
        output_gradient: Vec<f32>,
        weights: [Vec<f32>; 3],
        second_bias: Vec<f32>,
    }

    fn cases() -> impl Strategy<Value = Case> {
        let array = |length, scale: f32| proptest::collection::vec(-scale..scale, length);
        (1..5_usize, 1..20_usize, 1..70_usize).prop_flat_map(move |(perceptrons, width, samples)| {
            let hidden = perceptrons * width;
            let weights = [array(hidden, 3.0), array(hidden, 3.0), array(hidden, 3.0)];
            // Every second output gradient or so is exactly zero.
            let output_gradient = array(perceptrons * samples, 1.0).prop_map(|entries| {
                entries.into_iter().map(|entry| if entry < 0.0 { 0.0 } else { entry - 0.5 }).collect()
            });
            let others = (array(perceptrons * samples, 3.0), output_gradient, array(perceptrons, 1.0));
            (weights, others).prop_map(move |(weights, (input, output_gradient, second_bias))| Case {
                perceptrons,
                width,
                input,
                output_gradient,
                weights,
                second_bias,
            })
        })
    }

    impl Case {
        /// Output, derivatives of w1, b1, w2, b2 and of the input; derivatives begin at one.
        fn passes(&self) -> [Vec<f32>; 6] {
            let [first_weight, first_bias, second_weight] = &self.weights;
            let second_bias = &self.second_bias;
            let mlps = ScalarMlps { width: self.width, first_weight, first_bias, second_weight, second_bias };
            let (mut output, mut of_input) = (vec![f32::NAN; self.input.len()], vec![f32::NAN; self.input.len()]);
            mlps.forward(&self.input, &mut output);
            let [mut w1, mut b1, mut w2] = [(); 3].map(|()| vec![1.0; first_weight.len()]);
            let mut b2 = vec![1.0; self.perceptrons];
            let gradients = ScalarMlpGradients {
                first_weight: &mut w1,
                first_bias: &mut b1,
                second_weight: &mut w2,
                second_bias: &mut b2,
            };
            mlps.backward(&self.input, &self.output_gradient, gradients, &mut of_input);
            [output, w1, b1, w2, b2, of_input]
        }

        /// The same by its formula in float64, sample by sample.
        fn literal(&self) -> [Vec<f64>; 6] {
            let (width, samples) = (self.width, self.input.len() / self.perceptrons);
            let mut output = vec![0.0; self.input.len()];
            let mut of_input = output.clone();
            let [mut w1, mut b1, mut w2] = [(); 3].map(|()| vec![1.0; self.weights[0].len()]);
            let mut b2 = vec![1.0; self.perceptrons];
            for (perceptron, b2) in b2.iter_mut().enumerate() {
                for place in perceptron * samples..(perceptron + 1) * samples {
                    let (h, q) = (f64::from(self.input[place]), f64::from(self.output_gradient[place]));
                    output[place] += f64::from(self.second_bias[perceptron]);
                    *b2 += q;
                    for hidden in perceptron * width..(perceptron + 1) * width {
                        let [first, bias, second] = [0, 1, 2].map(|array| f64::from(self.weights[array][hidden]));
                        let x = first * h + bias;
                        let below = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
                        let slope = below + x * libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
                        output[place] += second * x * below;
                        w2[hidden] += q * x * below;
                        b1[hidden] += q * second * slope;
                        w1[hidden] += q * second * slope * h;
                        of_input[place] += q * second * slope * first;
                    }
                }
            }
            [output, w1, b1, w2, b2, of_input]
        }
    }

    proptest! {
        #[test]
        fn both_passes_are_those_of_the_formula(case in cases()) {
            for (array, (own, literal)) in case.passes().iter().zip(case.literal()).enumerate() {
                let largest = literal.iter().fold(1.0, |largest: f64, entry| largest.max(entry.abs()));
                for (own, literal) in own.iter().zip(literal) {
                    prop_assert!((f64::from(*own) - literal).abs() <= 5e-6 * largest, "array {array}: {own} {literal}");
                }
            }
        }
    }

    #[test]
    fn no_bit_depends_on_the_number_of_threads_or_the_width_of_vectors() {
        let array =
            |length: usize, step: usize| (0..length).map(|index| (index * step % 97) as f32 / 48.0 - 1.0).collect();
        let (perceptrons, width, samples) = (7, 16, 1_001);
        let hidden = perceptrons * width;
        let case = Case {
            perceptrons,
            width,
            input: array(perceptrons * samples, 31),
            output_gradient: array(perceptrons * samples, 53),
            weights: [array(hidden, 3), array(hidden, 5), array(hidden, 7)],
            second_bias: array(perceptrons, 11),
        };
        threads::give_each_lane(1, true);
        let alone = case.passes();
        threads::give_each_lane(3, true);
        assert_eq!(alone, case.passes());
        Kernel::WidestVectors.switch(false);
        let narrow = case.passes();
        Kernel::WidestVectors.switch(true);
        assert_eq!(alone, narrow);
    }
}
