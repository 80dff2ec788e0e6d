//! The built binary as its users meet it: whole texts, exit codes, what is left on disk; and the scripts around it.
//!
//! One program for all of these tests, since each links everything and starts libtorch.

mod bench_scripts;
mod check;
mod cli;
#[path = "../cli_test/mod.rs"]
mod cli_test;
mod end_to_end;
mod export;
mod golden;
mod import;
mod import_layout;
mod import_subcomponents;
mod list_diff;
mod misuse;
mod options;
mod represented;
mod set_up;
mod spec_reference;
#[path = "../library/support/mod.rs"]
mod support;
mod surroundings;
mod sweep;
mod table_reference;
mod unreadable;
mod which_folders;
