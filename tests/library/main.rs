//! The library from outside: mathematics, specs, reports and pages.
//!
//! One program for all of these tests, since each links everything and starts libtorch.

mod chromium;
mod configuration;
mod honest_configuration;
mod layers;
#[path = "../../benches/step/literal.rs"]
mod literal_form;
mod mathematics;
#[path = "../../benches/step/operations.rs"]
mod operations;
mod page;
mod report;
#[path = "../../benches/step/scaling.rs"]
mod scaling;
mod scaling_figure;
mod specs;
mod step_costs;
mod subcomponents;
mod support;
mod synthetic_run;
