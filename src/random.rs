//! Random streams that are a pure function of (seed, purpose, step).
//!
//! A replica's inputs and initial values so depend neither on its neighbours nor on what was drawn before: a trial
//! means the same alone or in company, and a resumed run needs no generator state.

pub mod philox;

use rand::{SeedableRng, rngs::ChaCha8Rng};

/// What the random numbers are for. The numbers are part of what a seed means: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    InitialTarget = 1,
    TargetInputs = 2,
    InitialComponents = 3,
    DecompositionInputs = 4,
    MeasurementInputs = 5,
    LabelCoefficients = 6,
    Scrubbing = 7,
    Trials = 8,
    Ablation = 9,
    ImportanceFunctions = 10,
    Masks = 11,
    Adversary = 12,
    MeasurementMasks = 13,
}

/// The generator of one (seed, purpose, step): 2^32 words that no other has.
pub fn stream(seed: u64, purpose: Purpose, step: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(purpose as u64);
    generator.set_word_pos(u128::from(step) << 32);
    generator
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_step_and_nothing_else() {
        let first = |seed, purpose, step| stream(seed, purpose, step).next_u64();
        let here = first(1, Purpose::TargetInputs, 7);
        assert_eq!(here, first(1, Purpose::TargetInputs, 7));
        assert_ne!(here, first(2, Purpose::TargetInputs, 7));
        assert_ne!(here, first(1, Purpose::DecompositionInputs, 7));
        assert_ne!(here, first(1, Purpose::TargetInputs, 8));
    }

    #[test]
    fn a_stream_keeps_its_values_for_ever() {
        assert_eq!(stream(0, Purpose::InitialTarget, 0).next_u64(), 13_937_087_304_575_520_531);
    }
}
