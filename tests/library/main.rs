//! The library from outside: mathematics, specs, reports and pages.
//!
//! One program for all of these tests, since each links everything and starts libtorch.

mod chromium;
mod configuration;
mod honest_configuration;
mod layers;
mod mathematics;
mod page;
mod report;
mod specs;
mod support;
mod synthetic_run;
