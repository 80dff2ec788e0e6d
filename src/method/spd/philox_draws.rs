//! Random numbers of steps, each a function of the replica's seed, the step, and what it is for.

use tch::{Device, Tensor};

use super::draws::{Drawn, Draws};
use crate::random::{
    Purpose,
    philox::{Rows, uniform, uniform_subset},
};

/// Draws by a counter-based generator. What a number is for is its stream: the term in the uppermost byte, then the draw, then
/// the place of the use.
pub struct PhiloxDraws {
    seeds: Vec<u64>,
    purpose: Purpose,
    step: u64,
    device: Device,
}

/// The place of numbers that are of no single use.
const NO_USE: usize = 0xff;

impl PhiloxDraws {
    /// The numbers of a step of training.
    pub fn of_step(seeds: &[u64], step: u64, device: Device) -> Self {
        Self { seeds: seeds.to_vec(), purpose: Purpose::Masks, step, device }
    }

    /// The numbers with which an adversary that lives through the training begins.
    pub fn of_persistent_adversary(seeds: &[u64], device: Device) -> Self {
        Self { seeds: seeds.to_vec(), purpose: Purpose::Adversary, step: 0, device }
    }

    /// The numbers of a measurement, the same in every replica.
    pub fn of_measurement(replicas: usize, device: Device) -> Self {
        Self { seeds: vec![0; replicas], purpose: Purpose::MeasurementMasks, step: 0, device }
    }

    fn stream(drawn: Drawn, draw: usize, place: usize) -> u32 {
        assert!(draw < 1 << 8 && place < 1 << 8, "draw {draw} of use {place}");
        let term = match drawn {
            Drawn::Stochastic => 0,
            Drawn::Layerwise => 1,
            Drawn::Subset => 2,
            Drawn::FreshAdversary => 3,
            Drawn::Merged => 4,
            Drawn::Gate => 5,
            Drawn::Random => 6,
        };
        term << 16 | (draw as u32) << 8 | place as u32
    }
}

impl Draws for PhiloxDraws {
    fn sources(&self, drawn: Drawn, draw: usize, place: usize, rows: Rows, columns: i64) -> Tensor {
        let stream = Self::stream(drawn, draw, place);
        uniform(&self.seeds, self.purpose, self.step, stream, rows, columns, self.device)
    }

    fn routes(&self, drawn: Drawn, draw: usize, rows: Rows, uses: i64) -> Tensor {
        let stream = Self::stream(drawn, draw, NO_USE);
        uniform_subset(&self.seeds, self.purpose, self.step, stream, rows, uses, self.device)
    }

    fn choices(&self, rows: Rows) -> Tensor {
        let stream = Self::stream(Drawn::Gate, 0, NO_USE);
        uniform(&self.seeds, self.purpose, self.step, stream, rows, 1, self.device)
    }
}
