//! `apd` takes a trained network's parameters apart into components.

pub mod attribution;
pub mod cli;
pub mod components;
pub mod device;
pub mod experiment;
pub mod fit;
pub mod initial_values;
pub mod inputs;
pub mod libtorch;
pub mod loss;
pub mod memory;
pub mod method;
pub mod metric;
pub mod network;
pub mod optimizer;
pub mod random;
pub mod reading;
pub mod report;
pub mod run;
pub mod schedule;
pub mod selection;
pub mod site;
pub mod spec;
pub mod statistics;
mod threads;
pub mod version;
