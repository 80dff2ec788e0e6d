//! Inputs made ahead of the steps that need them, for a device that works by itself.

use std::{
    ops::Range,
    sync::mpsc::{Receiver, sync_channel},
    thread::{JoinHandle, spawn},
};

use tch::{Device, Tensor};

use super::InputStream;
use crate::slices::{pinned, without_waiting};

/// How many batches each thread is ahead at most.
const BATCHES_AHEAD: usize = 2;

/// A thread makes so many entries in less time than a GPU needs for a step with them.
const ENTRIES_OF_A_THREAD: usize = 1 << 20;

/// The inputs of successive steps, made on threads of their own that take turns.
pub(super) struct InputsAhead {
    device: Device,
    first: u64,
    step: u64,
    batches: Vec<Receiver<Tensor>>,
    threads: Vec<JoinHandle<()>>,
}

impl InputsAhead {
    /// From step `first` on up to `steps`, for as long as anybody asks, on `threads` threads at most.
    pub fn new(stream: &InputStream, first: u64, steps: u64, batch: usize, device: Device, threads: usize) -> Self {
        let entries = stream.seeds.len() * batch * stream.features;
        let threads = entries.div_ceil(ENTRIES_OF_A_THREAD).min(threads).max(1);
        Self::on_threads(stream, first..steps, batch, device, threads)
    }

    fn on_threads(stream: &InputStream, steps: Range<u64>, batch: usize, device: Device, threads: usize) -> Self {
        let first = steps.start;
        let (batches, threads) = (0..threads)
            .map(|turn| {
                let (sender, receiver) = sync_channel(BATCHES_AHEAD);
                let (stream, steps) = (stream.clone(), steps.clone());
                let thread = spawn(move || {
                    // Each would wake as many of libtorch's own.
                    tch::set_num_threads(1);
                    for step in steps.skip(turn).step_by(threads) {
                        let input = pinned(stream.batch(step, batch, Device::Cpu), device);
                        if sender.send(input).is_err() {
                            return;
                        }
                    }
                });
                (receiver, thread)
            })
            .unzip();
        Self { device, first, step: first, batches, threads }
    }

    /// The inputs of `step` on the device; every step is asked for once, in order.
    pub fn batch(&mut self, step: u64) -> Tensor {
        assert_eq!(step, self.step, "steps come in order");
        self.step += 1;
        let turn = (step - self.first) as usize % self.batches.len();
        without_waiting(&self.batches[turn].recv().expect("there are inputs for every step"), self.device)
    }
}

impl Drop for InputsAhead {
    fn drop(&mut self) {
        // Nobody receives any more, which the threads notice. None is to call CUDA when the process ends.
        self.batches.clear();
        for thread in self.threads.drain(..) {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inputs::{IndependentFeatures, Inputs},
        random::Purpose,
    };

    fn stream() -> InputStream {
        InputStream {
            inputs: Inputs::Independent(IndependentFeatures { probability: 0.5, low: 0.0, high: 1.0 }),
            features: 3,
            seeds: vec![1, 2],
            purpose: Purpose::DecompositionInputs,
        }
    }

    #[test]
    fn inputs_made_ahead_are_those_of_their_steps_on_any_number_of_threads() {
        for threads in [1, 3] {
            let mut ahead = InputsAhead::on_threads(&stream(), 5..12, 4, Device::Cpu, threads);
            for step in 5..12 {
                assert_eq!(ahead.batch(step), stream().batch(step, 4, Device::Cpu), "step {step}, {threads} threads");
            }
        }
    }

    #[test]
    fn inputs_that_nobody_asks_for_any_more_are_not_made() {
        let mut ahead = InputsAhead::on_threads(&stream(), 0..u64::MAX, 4, Device::Cpu, 2);
        assert_eq!(ahead.batch(0), stream().batch(0, 4, Device::Cpu));
        // Ends, though the threads had no end of steps before them.
        drop(ahead);
    }
}
