//! `apd` takes a trained network's parameters apart into components.

pub mod device;
pub mod fit;
pub mod initial_values;
pub mod inputs;
pub mod libtorch;
pub mod method;
pub mod network;
pub mod report;
pub mod run;
pub mod schedule;
pub mod selection;
pub mod spec;
pub mod statistics;
pub mod version;
