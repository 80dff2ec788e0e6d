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

/// `long` of a fault when asked for by `APD_TORTURE=long`, otherwise `short`.
fn times(short: usize, long: usize) -> usize {
    if std::env::var("APD_TORTURE").is_ok_and(|length| length == "long") { long } else { short }
}
