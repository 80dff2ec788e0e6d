//! The samples of a step, of which those without active features are one.

use tch::{Kind, Tensor};

use crate::{
    random::philox::Rows,
    slices::{slice, slice_mut},
};

/// Samples of a batch. Where the network does nothing on an input of zeros, whatever the masks, all such samples are
/// represented by one, which counts as many times as there are.
pub struct Batch {
    /// [replica, row, feature].
    pub input: Tensor,
    /// Number of samples that the rows stand for.
    pub samples: i64,
    left: Option<Left>,
}

/// What is left of a batch.
struct Left {
    /// Numbers of the samples, int64 [replica, row].
    rows: Tensor,
    /// For how many samples a row stands, [replica, row, 1].
    counts: Tensor,
}

impl Batch {
    /// Every sample of `input` [replica, sample, feature].
    pub fn whole(input: &Tensor) -> Self {
        Self { input: input.shallow_clone(), samples: input.size()[1], left: None }
    }

    /// The samples of `input` with active features, and one for all others, in as many rows as the replica with most of them
    /// needs ([`rows_needed`]).
    pub fn without_empty(input: &Tensor) -> Self {
        let [replicas, samples, features] = input.size()[..] else { panic!("inputs have three axes") };
        let width = rows_needed(input).into_iter().max().expect("there is a replica");
        if width == samples {
            return Self::whole(input);
        }
        let mut left = Tensor::zeros([replicas, width, features], (Kind::Float, input.device()));
        let mut counts = Tensor::zeros([replicas, width, 1], (Kind::Float, input.device()));
        let mut rows = Vec::with_capacity((replicas * width) as usize);
        let of_input = slice(input).chunks_exact((samples * features) as usize);
        let of_left = slice_mut(&mut left).chunks_exact_mut((width * features) as usize);
        let of_counts = slice_mut(&mut counts).chunks_exact_mut(width as usize);
        for (input, (left, counts)) in of_input.zip(of_left.zip(of_counts)) {
            let features = features as usize;
            let active = || active_rows(input, features);
            for ((_, row), left) in active().zip(left.chunks_exact_mut(features)) {
                left.copy_from_slice(row);
            }
            let before = rows.len();
            rows.extend(active().map(|(row, _)| row as i64));
            let number = rows.len() - before;
            counts[..number].fill(1.0);
            counts[number] = (samples - number as i64) as f32;
            rows.resize(before + width as usize, 0);
        }
        let rows = Tensor::from_slice(&rows).view([replicas, width]);
        Self { input: left, samples, left: Some(Left { rows, counts }) }
    }

    /// The rows as random numbers are drawn for them: what a sample gets does not depend on which are left.
    pub fn rows(&self) -> Rows<'_> {
        match &self.left {
            None => Rows::Below(self.samples),
            Some(Left { rows, .. }) => Rows::Numbered(rows),
        }
    }

    /// For how many samples a row stands, [replica, row, 1]; `None`: each for one.
    pub fn counts(&self) -> Option<&Tensor> {
        self.left.as_ref().map(|left| &left.counts)
    }
}

/// In so many steps the number of rows goes from none to all.
const STEPS: i64 = 16;

/// How many rows each replica of `input` needs for its samples with active features and one for all others, rounded up: a
/// number that depends on no other replica, as then its sums do not either.
pub fn rows_needed(input: &Tensor) -> Vec<i64> {
    let [replicas, samples, features] = input.size()[..] else { panic!("inputs have three axes") };
    if !input.is_contiguous() || input.kind() != Kind::Float || input.device().is_cuda() {
        return vec![samples; replicas as usize];
    }
    let step = (samples / STEPS).max(1) as u64;
    let of_replica = |input: &[f32]| {
        let needed = active_rows(input, features as usize).count() as u64 + 1;
        (needed.next_multiple_of(step) as i64).min(samples)
    };
    slice(input).chunks_exact((samples * features) as usize).map(of_replica).collect()
}

/// The samples of a replica with active features.
fn active_rows(input: &[f32], features: usize) -> impl Iterator<Item = (usize, &[f32])> {
    input.chunks_exact(features).enumerate().filter(|(_, row)| row.iter().any(|&entry| entry != 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_without_active_features_are_one_that_counts_for_all() {
        let input = Tensor::from_slice(&[0.0_f32, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0]).view([1, 5, 2]);
        let batch = Batch::without_empty(&input);
        assert_eq!(Vec::<f32>::try_from(batch.input.flatten(0, -1)).unwrap(), [1.0, 2.0, 0.0, 3.0, 0.0, 0.0]);
        assert_eq!(Vec::<f32>::try_from(batch.counts().unwrap().flatten(0, -1)).unwrap(), [1.0, 1.0, 3.0]);
        let Rows::Numbered(rows) = batch.rows() else { panic!("some samples are left out") };
        assert_eq!(Vec::<i64>::try_from(rows.flatten(0, -1)).unwrap(), [1, 3, 0]);
    }

    #[test]
    fn a_batch_without_empty_samples_stays_whole() {
        let input = Tensor::ones([2, 3, 2], (Kind::Float, tch::Device::Cpu));
        assert!(Batch::without_empty(&input).counts().is_none());
    }
}
