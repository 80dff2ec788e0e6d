//! `apd`: read the command line, begin the log, do the command, say how it ended.

use std::process::ExitCode;

use apd::{
    cli::{CommandLine, complain, explain_panics, start_log},
    memory,
};
use clap::Parser;

fn main() -> ExitCode {
    explain_panics();
    memory::keep_freed_memory();
    let command_line = CommandLine::parse();
    let screen = start_log(command_line.loudness());
    command_line.run(&screen).unwrap_or_else(|failure| complain(&failure)).into()
}
