//! Where a training stands.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::table::TrainingRow;

/// Where the training of one replica ended before its time: its parameters are those before this step's update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    pub replica: usize,
    pub step: u64,
    /// The loss term that is not finite, or else the parameter with a value or derivative that is not, or too large.
    pub what: String,
}

/// Where a training stands: what an exact resume needs.
pub struct State {
    /// Number of updates made.
    pub step: u64,
    /// Parameters and moments under readable names.
    pub tensors: Vec<(String, Tensor)>,
    pub log: Vec<TrainingRow>,
    /// Replicas that are no longer trained.
    pub divergences: Vec<Divergence>,
}

impl State {
    /// That of some of the replicas, which are numbered anew in this order.
    pub fn of_replicas(&self, parts: &[Range<usize>]) -> Self {
        let narrowed = |tensor: &Tensor| {
            let views = parts.iter().map(|part| tensor.narrow(0, part.start as i64, part.len() as i64));
            Tensor::cat(&views.collect::<Vec<_>>(), 0)
        };
        let (log, divergences) = self.records_of(parts);
        let tensors = self.tensors.iter().map(|(name, tensor)| (name.clone(), narrowed(tensor)));
        Self { step: self.step, tensors: tensors.collect(), log, divergences }
    }

    /// What is noted of some of the replicas, which are numbered anew in this order.
    pub fn records_of(&self, parts: &[Range<usize>]) -> (Vec<TrainingRow>, Vec<Divergence>) {
        let replicas: Vec<usize> = parts.iter().cloned().flatten().collect();
        let number = |replica: usize| replicas.iter().position(|&kept| kept == replica);
        let row = |row: &TrainingRow| Some(TrainingRow { replica: number(row.replica)?, ..row.clone() });
        let divergence = |found: &Divergence| Some(Divergence { replica: number(found.replica)?, ..found.clone() });
        (self.log.iter().filter_map(row).collect(), self.divergences.iter().filter_map(divergence).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_some_replicas_is_numbered_anew() {
        let divergence = |replica| Divergence { replica, step: 7, what: "w".into() };
        let row = |replica| TrainingRow { replica, step: 5, term: "total".into(), value: replica as f64 };
        let state = State {
            step: 9,
            tensors: vec![("w".into(), Tensor::from_slice2(&[[0.0_f32], [1.0], [2.0], [3.0]]))],
            log: (0..4).map(row).collect(),
            divergences: vec![divergence(1), divergence(3)],
        };
        let some = state.of_replicas(&[3..4, 0..1, 2..3]);
        assert_eq!(some.tensors[0].1, Tensor::from_slice2(&[[3.0_f32], [0.0], [2.0]]));
        assert_eq!(
            some.log.iter().map(|row| (row.replica, row.value)).collect::<Vec<_>>(),
            [(1, 0.0), (2, 2.0), (0, 3.0)]
        );
        assert_eq!((some.step, some.divergences), (9, vec![divergence(0)]));
    }
}
