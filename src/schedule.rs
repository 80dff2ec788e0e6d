//! How the learning rate changes over the steps of a training.

use std::f64::consts::{FRAC_PI_2, PI};

use schemars::JsonSchema;
use serde::Serialize;

use crate::settings::{Choice, TableReader, Variant};

/// The shape of the learning rate after the warm-up; `s` counts the steps after it, `n` is their number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// 1.
    Constant,
    /// 1 - s / n.
    Linear,
    /// cos(pi/2 * s / (n - 1)).
    Cosine,
    /// 0.5^(s / half_life).
    Exponential {
        /// Number of steps in which the learning rate halves.
        half_life: f64,
    },
    /// f + (1 - f) (1 + cos(pi * s / (n - 1))) / 2: half a period of the cosine, from 1 down to the share f.
    CosineDecay {
        /// Share f of the learning rate at the last step.
        #[serde(rename = "final")]
        final_share: f64,
    },
    /// 1 - (1 - f) s / (n - 1): a straight line from 1 down to the share f.
    LinearDecay {
        /// Share f of the learning rate at the last step.
        #[serde(rename = "final")]
        final_share: f64,
    },
}

impl Choice for Schedule {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("constant", Self::Constant),
        Variant::Word("linear", Self::Linear),
        Variant::Word("cosine", Self::Cosine),
        Variant::Table("exponential", |table| Self::Exponential {
            half_life: table.number("half_life").above(0.0).such_as(1_000.0),
        }),
        Variant::Table("cosine_decay", |table| Self::CosineDecay { final_share: read_final_share(table) }),
        Variant::Table("linear_decay", |table| Self::LinearDecay { final_share: read_final_share(table) }),
    ];
}

fn read_final_share(table: &mut TableReader) -> f64 {
    table.number("final").at_least(0.0).at_most(1.0).or(0.0)
}

impl Schedule {
    /// The share of the full learning rate at `step` of `steps`, of which the first `floor(warm_up * steps)` rise
    /// linearly from zero.
    pub fn factor(self, step: u64, steps: u64, warm_up: f64) -> f64 {
        let warm_up_steps = (steps as f64 * warm_up) as u64;
        if step < warm_up_steps {
            return step as f64 / warm_up_steps as f64;
        }
        let (passed, total) = ((step - warm_up_steps) as f64, (steps - warm_up_steps) as f64);
        let of_last = if total == 1.0 { 0.0 } else { passed / (total - 1.0) };
        let down_to = |final_share: f64, left: f64| final_share + (1.0 - final_share) * left;
        match self {
            Schedule::Constant => 1.0,
            Schedule::Linear => 1.0 - passed / total,
            Schedule::Cosine if total == 1.0 => 1.0,
            Schedule::Cosine => (FRAC_PI_2 * passed / (total - 1.0)).cos(),
            Schedule::Exponential { half_life } => 0.5_f64.powf(passed / half_life),
            Schedule::CosineDecay { final_share } => down_to(final_share, 0.5 * (1.0 + (PI * of_last).cos())),
            Schedule::LinearDecay { final_share } => down_to(final_share, 1.0 - of_last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_rises_from_zero_and_then_the_shape_begins() {
        let factors: Vec<f64> = (0..6).map(|step| Schedule::Linear.factor(step, 6, 1.0 / 3.0)).collect();
        assert_eq!(factors, [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]);
    }

    #[test]
    fn cosine_ends_at_zero() {
        assert_eq!(Schedule::Cosine.factor(0, 5, 0.0), 1.0);
        assert!(Schedule::Cosine.factor(4, 5, 0.0).abs() < 1e-12);
        assert!((Schedule::Cosine.factor(2, 5, 0.0) - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Schedule::Cosine.factor(0, 1, 0.0), 1.0);
    }

    /// The values of `scheduled` with these arguments in the literal form of SPD.
    #[test]
    fn decays_end_at_their_final_share() {
        let factors = |schedule: Schedule| (1..6).map(move |step| schedule.factor(step, 6, 1.0 / 6.0));
        let close = |factors: &mut dyn Iterator<Item = f64>, expected: [f64; 5]| {
            factors.zip(expected).all(|(factor, expected)| (factor - expected).abs() < 1e-12)
        };
        let root = 0.5_f64.sqrt();
        let cosine = [1.0, 0.6 + 0.4 * root, 0.6, 0.6 - 0.4 * root, 0.2];
        assert!(close(&mut factors(Schedule::CosineDecay { final_share: 0.2 }), cosine));
        assert!(close(&mut factors(Schedule::LinearDecay { final_share: 0.2 }), [1.0, 0.8, 0.6, 0.4, 0.2]));
        for schedule in [Schedule::CosineDecay { final_share: 0.2 }, Schedule::LinearDecay { final_share: 0.2 }] {
            assert_eq!(schedule.factor(0, 1, 0.0), 1.0);
        }
    }

    #[test]
    fn exponential_halves_every_half_life() {
        assert_eq!(Schedule::Exponential { half_life: 10.0 }.factor(20, 100, 0.0), 0.25);
    }
}
