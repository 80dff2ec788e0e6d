//! Parameters that move at a rate of their own and whose derivative is bounded as a whole.

use std::ops::Range;

use tch::{Kind, Tensor};

use super::{Rate, Slot};
use crate::slices::numbers_on;

/// Keeps a derivative of length zero from being divided by; torch's `clip_grad_norm_` adds the same.
const TINY: f64 = 1e-6;

/// A group of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What the learning rate is multiplied by, for every replica.
    pub rate: Vec<f64>,
    /// The length that the derivative with respect to all of the group's parameters together is cut down to, for every
    /// replica; `None`: it is left as it is.
    pub largest_norm: Option<Vec<f64>>,
}

impl Group {
    /// Moved as the training says, in each of some replicas.
    pub fn plain(replicas: usize) -> Self {
        Self { rate: vec![1.0; replicas], largest_norm: None }
    }

    pub(super) fn of_replicas(&self, replicas: Range<usize>) -> Self {
        Self {
            rate: self.rate[replicas.clone()].to_vec(),
            largest_norm: self.largest_norm.as_ref().map(|norms| norms[replicas].to_vec()),
        }
    }

    pub(super) fn rates(&self, rates: &[Rate]) -> Vec<Rate> {
        let of_replica = |(&rate, factor): (&Rate, &f64)| Rate { learning_rate: rate.learning_rate * factor, ..rate };
        rates.iter().zip(&self.rate).map(of_replica).collect()
    }

    /// Cuts the derivatives of the group's `slots`. One that is not finite is none afterwards either.
    pub(super) fn cut<'s>(&self, slots: impl Iterator<Item = &'s mut Slot>) {
        let Some(largest) = &self.largest_norm else { return };
        let mut slots: Vec<&mut Slot> = slots.collect();
        let square = |slot: &mut &mut Slot| {
            slot.parameter.derivative().flatten(1, -1).square().sum_dim_intlist([1].as_slice(), false, Kind::Double)
        };
        let Some(squares) = slots.iter_mut().map(square).reduce(|sum, square| sum + square) else { return };
        let factors = numbers_on(largest, Kind::Double, squares.device()) / (squares.sqrt() + TINY);
        let factors = factors.clamp_max(1.0).to_kind(Kind::Float);
        for slot in slots {
            let parameter = &mut slot.parameter;
            for tensor in [Some(&mut parameter.gradient), parameter.lengthwise.as_mut()].into_iter().flatten() {
                let shape: Vec<i64> = (0..tensor.dim()).map(|axis| if axis == 0 { -1 } else { 1 }).collect();
                let _: Tensor = tensor.g_mul_(&factors.view(shape.as_slice()));
            }
        }
    }
}
