//! Which values the trials of a sweep get.

use rand::RngExt;
use schemars::JsonSchema;
use serde::Serialize;
use toml::Value;

use super::{Drawn, Parameter};
use crate::{
    random::{Purpose, stream},
    settings::{Choice, TableReader, Variant, with_short_floats},
};

/// More trials than any report shows.
pub const MOST_TRIALS: usize = 10_000;

/// Every strategy that a spec can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Every combination of the values; those of the last key change fastest.
    #[default]
    Grid,
    /// Each value drawn independently and uniformly from its domain.
    Random(Draws),
    /// Points that fill the space more evenly than independent ones do: Sobol's sequence, scrambled (Owen 1995) with a
    /// hash (Burley 2020, "Practical hash-based Owen scrambling"). A power of two of them is most even.
    Sobol(Draws),
}

/// How many trials are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Draws {
    /// Number of trials.
    pub trials: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Choice for Strategy {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("grid", Self::Grid),
        Variant::Table("random", |table| Self::Random(Draws::read(table))),
        Variant::Table("sobol", |table| Self::Sobol(Draws::read(table))),
    ];
}

impl Draws {
    fn read(table: &mut TableReader) -> Self {
        Self {
            trials: table.number("trials").at_least(1).at_most(MOST_TRIALS).such_as(64),
            seed: table.number("seed").at_most(u64::from(u32::MAX)).or(0),
        }
    }
}

impl Strategy {
    /// The number of its trials at most; `None` if there are infinitely many.
    pub fn count(&self, space: &[Parameter]) -> Option<usize> {
        match self {
            Strategy::Grid => {
                space.iter().try_fold(1_usize, |count, parameter| Some(count.saturating_mul(parameter.domain.count()?)))
            }
            Strategy::Random(draws) | Strategy::Sobol(draws) => Some(draws.trials),
        }
    }

    /// The values of every trial, in the order of the parameters.
    ///
    /// # Panics
    /// Of a grid, if there are infinitely many.
    pub fn trials(&self, space: &[Parameter]) -> Vec<Vec<Drawn>> {
        match self {
            Strategy::Grid => grid(space),
            Strategy::Random(Draws { trials, seed }) => (0..*trials).map(|trial| random(space, *seed, trial)).collect(),
            Strategy::Sobol(Draws { trials, seed }) => (0..*trials).map(|trial| sobol(space, *seed, trial)).collect(),
        }
    }
}

fn grid(space: &[Parameter]) -> Vec<Vec<Drawn>> {
    space.iter().fold(vec![Vec::new()], |trials, parameter| {
        let values = parameter.domain.all().expect("a grid has finitely many values");
        let with = |trial: &Vec<Drawn>, value: &Drawn| trial.iter().cloned().chain([value.clone()]).collect();
        trials.iter().flat_map(|trial| values.iter().map(|value| with(trial, value)).collect::<Vec<_>>()).collect()
    })
}

fn random(space: &[Parameter], seed: u64, trial: usize) -> Vec<Drawn> {
    let mut generator = stream(seed, Purpose::Trials, trial as u64);
    space.iter().map(|parameter| parameter.domain.at(generator.random())).collect()
}

/// Dimension by dimension; each scrambled on its own.
fn sobol(space: &[Parameter], seed: u64, trial: usize) -> Vec<Drawn> {
    let at = |dimension: usize| f64::from(sobol_burley::sample(trial as u32, dimension as u32, seed as u32));
    space.iter().enumerate().map(|(dimension, parameter)| parameter.domain.at(at(dimension))).collect()
}

/// The most keys that Sobol's sequence has dimensions for.
pub const MOST_KEYS: usize = sobol_burley::NUM_DIMENSIONS as usize;

/// A value as a table or a terminal shows it: text without its quotes.
pub fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => with_short_floats(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::{Domain, Range, Scale, Written};

    fn unit(key: &str) -> Parameter {
        let range = Range { from: 0.0, to: 1.0, points: None, scale: Scale::Linear, integers: false };
        Parameter { key: key.into(), domain: Domain::Range(range), written: Written::nowhere() }
    }

    fn list(values: &[i64]) -> Parameter {
        let domain = Domain::Values(values.iter().copied().map(Value::Integer).collect());
        Parameter { key: "x".into(), domain, written: Written::nowhere() }
    }

    fn numbers(trials: &[Vec<Drawn>]) -> Vec<Vec<f64>> {
        let number = |drawn: &Drawn| drawn.value.as_float().unwrap();
        trials.iter().map(|trial| trial.iter().map(number).collect()).collect()
    }

    #[test]
    fn a_grid_is_every_combination_with_the_last_key_fastest() {
        let trials = Strategy::Grid.trials(&[list(&[1, 2]), list(&[7, 8, 9])]);
        let values: Vec<Vec<i64>> =
            trials.iter().map(|trial| trial.iter().map(|drawn| drawn.value.as_integer().unwrap()).collect()).collect();
        assert_eq!(values, [[1, 7], [1, 8], [1, 9], [2, 7], [2, 8], [2, 9]]);
        assert_eq!(Strategy::Grid.count(&[list(&[1, 2]), list(&[7, 8, 9])]), Some(6));
        assert_eq!(Strategy::Grid.count(&[list(&[1, 2]), unit("y")]), None);
    }

    #[test]
    fn draws_depend_on_their_seed_and_the_trial_alone() {
        let space = [unit("x"), unit("y")];
        let draws = |trials, seed| numbers(&Strategy::Random(Draws { trials, seed }).trials(&space));
        assert_eq!(draws(10, 3)[..5], draws(5, 3));
        assert_ne!(draws(1, 3), draws(1, 4));
        let mean = draws(4_000, 1).iter().map(|trial| trial[1]).sum::<f64>() / 4_000.0;
        // Uniform draws have standard deviation 0.2887.
        assert!((mean - 0.5).abs() < 4.0 * 0.2887 / 4_000_f64.sqrt(), "{mean}");
    }

    /// What makes Sobol's points even: of the first 2^(a+b), every one of the 2^a x 2^b boxes holds exactly one.
    #[test]
    fn sobol_points_fill_every_box_once() {
        let points = numbers(&Strategy::Sobol(Draws { trials: 64, seed: 5 }).trials(&[unit("x"), unit("y")]));
        for (across, down) in [(8, 8), (64, 1), (2, 32)] {
            let mut boxes = vec![0; 64];
            let place = |u: f64, count: usize| ((u * count as f64) as usize).min(count - 1);
            points.iter().for_each(|point| boxes[place(point[0], across) * down + place(point[1], down)] += 1);
            assert_eq!(boxes, vec![1; 64], "{across} x {down}");
        }
    }
}
