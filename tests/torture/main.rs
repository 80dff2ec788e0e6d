//! Faults, caused: after each, nothing earlier is lost, nothing wrong is taken for a result, and the message is clear.
//!
//! `scripts/torture` runs the long version, whose findings are in `results/torture/`; without it these are a few of each
//! fault. `scripts/endurance` runs what is ignored here.

#[path = "../cli_test/mod.rs"]
mod cli_test;

mod corruption;
mod damage;
mod endurance;
mod experiment;
mod findings;
mod kills;
mod surroundings;

/// How often a fault is caused: `long` times where the environment says `APD_TORTURE=1`, a share of that where it says less,
/// and otherwise `short` times.
fn times(short: usize, long: usize) -> usize {
    let share =
        std::env::var("APD_TORTURE").map(|share| share.parse::<f64>().expect("APD_TORTURE is a share from 0 to 1"));
    share.map_or(short, |share| short.max((long as f64 * share).round() as usize))
}
