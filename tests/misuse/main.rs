//! Files that are changed, hostile or links to elsewhere, and results that say less than they seem to.

mod changed_files;
#[path = "../cli_test/mod.rs"]
mod cli_test;
mod hostile_input;
mod links;
mod warnings;
