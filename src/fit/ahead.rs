//! Inputs made ahead of the steps that need them, for a device that works by itself.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::{JoinHandle, spawn},
};

use tch::{Device, Tensor};

use super::InputStream;

/// How many batches each thread is ahead at most.
const BATCHES_AHEAD: usize = 2;

/// The inputs of successive steps, made and sent to the device on threads of their own that take turns. All threads share the
/// device's one queue, so that what is sent is there before whoever gets it can use it.
pub(super) struct InputsAhead {
    step: u64,
    first: u64,
    batches: Vec<Receiver<Tensor>>,
    threads: Vec<JoinHandle<()>>,
}

impl InputsAhead {
    /// From step `first` on up to `steps`, for as long as anybody asks.
    pub fn new(stream: &InputStream, first: u64, steps: u64, batch: usize, device: Device, threads: usize) -> Self {
        let (batches, threads) = (0..threads.max(1))
            .map(|turn| {
                let (sender, receiver) = sync_channel(BATCHES_AHEAD);
                let stream = stream.clone();
                let thread = spawn(move || {
                    for step in (first..steps).skip(turn).step_by(threads.max(1)) {
                        if sender.send(stream.batch(step, batch, device)).is_err() {
                            return;
                        }
                    }
                });
                (receiver, thread)
            })
            .unzip();
        Self { step: first, first, batches, threads }
    }

    /// The inputs of `step` on the device; every step is asked for once, in order.
    pub fn batch(&mut self, step: u64) -> Tensor {
        assert_eq!(step, self.step, "steps come in order");
        self.step += 1;
        let turn = (step - self.first) as usize % self.batches.len();
        self.batches[turn].recv().expect("there are inputs for every step")
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
            let mut ahead = InputsAhead::new(&stream(), 5, 12, 4, Device::Cpu, threads);
            for step in 5..12 {
                assert_eq!(ahead.batch(step), stream().batch(step, 4, Device::Cpu), "step {step}, {threads} threads");
            }
        }
    }

    #[test]
    fn inputs_that_nobody_asks_for_any_more_are_not_made() {
        let mut ahead = InputsAhead::new(&stream(), 0, u64::MAX, 4, Device::Cpu, 2);
        assert_eq!(ahead.batch(0), stream().batch(0, 4, Device::Cpu));
        // Ends, though the threads had no end of steps before them.
        drop(ahead);
    }
}
