//! Specs: what is loaded of a file, what is said of a wrong one, and laws for texts at random.

mod defaults;
mod errors;
mod files;
mod round_trip;
