//! `apd` takes a trained network's parameters apart into components, by Attribution-based Parameter Decomposition (Braun,
//! Bushnaq, Heimersheim, Mendel, Sharkey 2025, arXiv:2501.14926).
//!
//! # In reading order
//!
//! - What is computed on: [`site`] (a weight matrix that is decomposed), [`weights`], [`network`] (sizes and forward pass),
//!   [`inputs`], [`components`] (factors of low rank), [`initial_values`], [`random`] (streams keyed by seed, purpose and step).
//! - How a forward pass is run: [`graph`] (a network's operations), [`execute`] (with its own weights, masked or selected
//!   components, or derivatives along all components), [`kernel`] (loops that are faster than walking along the graph).
//! - The method: [`attribution`], [`selection`], [`loss`], put together in [`method`].
//! - Training: [`fit`] (the only loop), [`optimizer`], [`schedule`], [`profile`] (where a step's time goes).
//! - What came of it: [`metric`] (components in, numbers out), [`statistics`].
//! - Around it: [`settings`] (TOML read with the place of every value), [`spec`] (a checked experiment of them), [`run`] (what stays on disk), [`table`] (every table
//!   of it, declared once), [`state_dict_file`] (what others have left on disk), [`experiment`] (one experiment's whole way), [`sweep`] (many trials of one),
//!   [`report`] (figures and tables from run folders alone), [`cli`].
//! - Below it all: [`interrupt`] (being asked to stop), [`device`], [`libtorch`], [`memory`], [`slices`], [`version`], `shell`, `visible`, `panicked`.
//!
//! Imports run one way: no two of these modules need each other, not even by way of others (`tests/library/layers.rs`).
//!
//! # Words
//!
//! A **site** is one decomposed weight matrix W_l; a tied use of it is the same site. A **component** c is a vector in
//! parameter space: at every site a matrix P_{c,l} = A_{c,l} B_{c,l} of at most the **rank** budget. An **attribution**
//! A_c(x) says how much the output depends on component c at x; the **selection** s_c(x) in {0, 1} which components are
//! active. A **replica** is an independent copy with its own seed, trained in lock-step with others; it is the leading
//! axis of every tensor of an experiment.
//!
//! Axes are written out: `[replica, sample, component]`, `[replica, d_in, component, rank]`.

pub mod attribution;
pub mod cli;
pub mod components;
pub mod device;
pub mod execute;
pub mod experiment;
pub mod fit;
pub mod graph;
pub mod initial_values;
pub mod inputs;
pub mod interrupt;
pub mod kernel;
pub mod libtorch;
pub mod loss;
pub mod memory;
pub mod method;
pub mod metric;
pub mod network;
pub mod optimizer;
mod panicked;
pub mod profile;
pub mod random;
pub mod report;
pub mod run;
pub mod schedule;
#[cfg(test)]
mod second_method;
pub mod selection;
pub mod settings;
mod shell;
pub mod site;
pub mod slices;
pub mod spec;
pub mod state_dict_file;
pub mod statistics;
pub mod sweep;
pub mod table;
pub mod version;
mod visible;
pub mod weights;
