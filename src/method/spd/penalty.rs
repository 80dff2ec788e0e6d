//! What causal importances cost.

use tch::{Kind, Tensor};

/// Keeps a power differentiable at an importance of 0.
const FLOOR: f64 = 1e-12;

/// How much an importance g counts, psi(g); numbers for every replica.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// (g + 1e-12)^p.
    Power(Vec<f64>),
    /// g^2 / (g^2 + gamma^2).
    SmoothL0(Vec<f64>),
}

/// The importance loss, sum over uses and subcomponents of f + beta f log2(1 + a f), where f is the mean of psi(g) over the
/// batch. The second term is the bits that name one of a f occurrences.
pub struct Penalty<'a> {
    pub shape: &'a Shape,
    /// beta, for every replica.
    pub frequency: &'a [f64],
    /// a, for every replica.
    pub reference: &'a [f64],
}

impl Penalty<'_> {
    /// The loss `[replica]`, and its derivative with respect to the importances of every use [replica, sample, subcomponent].
    /// `samples` is by how many a row of each use counts, [replica, sample, 1], and `batch` their sum.
    pub fn of(&self, importances: &[Tensor], samples: Option<&Tensor>, batch: i64) -> (Tensor, Vec<Tensor>) {
        let each = importances.iter().map(|importance| self.of_use(importance, samples, batch as f64));
        let (values, slopes): (Vec<Tensor>, Vec<Tensor>) = each.unzip();
        (values.into_iter().reduce(|sum, value| sum + value).expect("a network has a use"), slopes)
    }

    fn of_use(&self, importance: &Tensor, samples: Option<&Tensor>, batch: f64) -> (Tensor, Tensor) {
        let numbers = |values: &[f64]| {
            let numbers = Tensor::from_slice(values).to_kind(importance.kind()).to_device(importance.device());
            numbers.view([-1, 1, 1])
        };
        let (counted, slope) = match self.shape {
            Shape::Power(powers) if powers.iter().all(|&power| power == 1.0) => {
                (importance + FLOOR, importance.ones_like())
            }
            Shape::Power(powers) if powers.iter().all(|&power| power == 2.0) => {
                let raised = importance + FLOOR;
                (raised.square(), raised * 2.0)
            }
            Shape::Power(powers) => {
                let (power, raised) = (numbers(powers), importance + FLOOR);
                (raised.pow(&power), raised.pow(&(&power - 1.0)) * power)
            }
            Shape::SmoothL0(widths) => {
                let (square, width) = (importance.square(), numbers(widths).square());
                let sum = &square + &width;
                (square / &sum, importance * (width * 2.0) / sum.square())
            }
        };
        let weighted = samples.map_or_else(|| counted.shallow_clone(), |samples| &counted * samples);
        let frequency = weighted.sum_dim_intlist([1].as_slice(), true, None::<Kind>) / batch;
        let share = samples.map_or_else(|| slope.shallow_clone(), |samples| &slope * samples) / batch;
        if self.frequency.iter().all(|&beta| beta == 0.0) {
            return (frequency.sum_dim_intlist([1, 2].as_slice(), false, None::<Kind>), share);
        }
        let (beta, reference) = (numbers(self.frequency), numbers(self.reference));
        let occurrences = &frequency * &reference;
        let bits = (&occurrences + 1.0).log2() * &beta;
        let value = (&frequency + &frequency * &bits).sum_dim_intlist([1, 2].as_slice(), false, None::<Kind>);
        let of_bits = beta * &occurrences / ((&occurrences + 1.0) * std::f64::consts::LN_2);
        (value, share * (bits + of_bits + 1.0))
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn the_derivative_is_that_of_the_loss() {
        tch::manual_seed(3);
        for shape in [
            Shape::Power(vec![1.0, 1.0]),
            Shape::Power(vec![2.0, 2.0]),
            Shape::Power(vec![0.7, 1.5]),
            Shape::SmoothL0(vec![0.3, 1.0]),
        ] {
            let penalty = Penalty { shape: &shape, frequency: &[0.5, 2.0], reference: &[7.0, 100.0] };
            let importance = Tensor::rand([2, 4, 3], (Kind::Double, Device::Cpu)) + 0.1;
            let samples = Tensor::from_slice(&[1.0, 3.0, 2.0, 1.0]).view([1, 4, 1]);
            let value = |importance: &Tensor| penalty.of(&[importance.shallow_clone()], Some(&samples), 7).0;
            let slope = &penalty.of(&[importance.shallow_clone()], Some(&samples), 7).1[0];
            let step = 1e-6;
            for place in 0..12 {
                let moved = importance.copy();
                let _ = moved.narrow(0, 1, 1).flatten(0, -1).narrow(0, place, 1).g_add_scalar_(step);
                let change = (value(&moved) - value(&importance)).double_value(&[1]) / step;
                let expected = slope.flatten(1, -1).double_value(&[1, place]);
                assert!((change - expected).abs() < 1e-4, "{shape:?} {place}: {change} for {expected}");
            }
        }
    }

    #[test]
    fn a_row_that_stands_for_many_samples_counts_as_they_do() {
        let shape = Shape::Power(vec![1.3]);
        let penalty = Penalty { shape: &shape, frequency: &[0.5], reference: &[10.0] };
        let row = Tensor::from_slice(&[0.2, 0.8]).view([1, 1, 2]);
        let whole = penalty.of(&[row.repeat([1, 10, 1])], None, 10).0;
        let counted = penalty.of(&[row], Some(&Tensor::from_slice(&[10.0]).view([1, 1, 1])), 10).0;
        assert!((whole.double_value(&[0]) - counted.double_value(&[0])).abs() < 1e-12);
    }
}
