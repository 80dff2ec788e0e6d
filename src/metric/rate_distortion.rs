//! The output's error as more and more components are allowed: it judges a decomposition without knowing the mechanisms.

use tch::{Kind, Tensor};

use super::{Description, Partial, partial::squared_errors};
use crate::{
    interrupt::Interrupted,
    selection::{ActivePairs, Budget},
};

/// The smallest mean number of active components above none.
const FEWEST: f64 = 1.0 / 32.0;

/// One selection and its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    pub description: Description,
    /// Mean squared error to the target's output.
    pub error: f64,
}

/// The curve from no component to all of them, on `input` [1, sample, feature] with its `attributions` A_c(x)^2
/// [1, sample, component]. At every point the largest attributions of the whole table are selected, or with `of_each_sample` those
/// of each sample; `ranks` are the components' total ranks.
///
/// # Errors
/// As soon as `check` fails, which is asked before every point.
pub fn rate_distortion(
    partial: &Partial,
    input: &Tensor,
    attributions: &Tensor,
    of_each_sample: bool,
    ranks: &[usize],
    check: &dyn Fn() -> Result<(), Interrupted>,
) -> Result<Vec<RatePoint>, Interrupted> {
    let (samples, candidates) = (input.size()[1] as usize, partial.candidates() as usize);
    let table = attributions.narrow(2, 0, candidates as i64).to_device(tch::Device::Cpu).contiguous();
    let target = partial.target_output(input);
    let point = |budget: Budget| {
        let mask = ActivePairs::largest(&table, &[budget]).to_mask();
        let counts = mask.sum_dim_intlist([0, 1].as_slice(), false, Kind::Double) / samples as f64;
        let mut frequencies = Vec::<f64>::try_from(counts).expect("one axis");
        frequencies.resize(ranks.len(), 1.0);
        let output = partial.output(&mask.to_device(input.device()), input);
        let error = squared_errors(&output, &target).mean(Kind::Double).double_value(&[]);
        RatePoint { description: Description::new(&frequencies, ranks), error }
    };
    let budgets = budgets(samples, candidates, of_each_sample).into_iter();
    budgets.map(|budget| check().map(|()| point(budget))).collect()
}

/// None, then from [`FEWEST`] a sample in steps of a factor of sqrt 2 up to all.
fn budgets(samples: usize, candidates: usize, of_each_sample: bool) -> Vec<Budget> {
    let means = (0..).map(|step| FEWEST * 2.0_f64.powf(0.5 * f64::from(step)));
    let means = means.take_while(|mean| *mean < candidates as f64).chain([candidates as f64]);
    let units = if of_each_sample { 1 } else { samples };
    let mut counts: Vec<usize> =
        [0].into_iter().chain(means.map(|mean| (mean * units as f64).round() as usize)).collect();
    counts.dedup();
    let budget = |count| if of_each_sample { Budget::OfEachSample(count) } else { Budget::OfBatch(count) };
    counts.into_iter().map(budget).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::gradient_attributions, metric::tiny};

    fn curve(of_each_sample: bool) -> Vec<RatePoint> {
        let tiny = tiny::residual_mlp();
        let input = Tensor::from_slice2(&[[1.0_f32, 0.0], [0.0, 0.5], [0.5, 1.0], [0.0, -1.0]]).unsqueeze(0);
        let attributions = gradient_attributions(&tiny.network, &tiny.weights, &tiny.components, &input);
        rate_distortion(&tiny.partial(), &input, &attributions, of_each_sample, &[2, 2, 1, 0], &|| Ok(())).unwrap()
    }

    #[test]
    fn without_components_all_is_lost_and_with_all_nothing() {
        for of_each_sample in [false, true] {
            let curve = curve(of_each_sample);
            let (first, last) = (curve[0], curve[curve.len() - 1]);
            // 2 relu(x) over two outputs and four samples: 4 (1 + 0.25 + 0.25 + 1) / 8.
            assert_eq!((first.description.active, first.description.bits, first.error), (0.0, 0.0, 1.25));
            assert_eq!((last.description.active, last.description.active_ranks, last.error), (4.0, 5.0, 0.0));
            assert_eq!(last.description.bits, 5.0 + 4.0 * 2.0);
        }
    }

    #[test]
    fn the_selection_is_loosened_step_by_step() {
        let curve = curve(false);
        assert!(curve.is_sorted_by(|left, right| left.description.active < right.description.active));
        // One pair of the table: component 0 on the first sample, which is then right.
        let one = curve.iter().find(|point| point.description.active == 0.25).unwrap();
        assert_eq!((one.error, one.description.active_ranks), (1.25 - 4.0 / 8.0, 0.5));
    }

    #[test]
    fn the_grid_is_logarithmic_and_ends_with_all() {
        let counts = |of_each_sample| {
            let count = |budget| match budget {
                Budget::OfBatch(count) | Budget::OfEachSample(count) => count,
            };
            budgets(64, 5, of_each_sample).into_iter().map(count).collect::<Vec<_>>()
        };
        assert_eq!(counts(false), [0, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 320]);
        assert_eq!(counts(true), [0, 1, 2, 3, 4, 5]);
    }
}
