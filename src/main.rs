//! `apd`: read the command line, begin the log, do the command, say how it ended.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use apd::{
    cli::{CommandLine, complain, ending_of_panic, explain_panics, start_log},
    memory,
};

fn main() -> ExitCode {
    explain_panics();
    memory::keep_freed_memory();
    let command_line = CommandLine::read();
    let screen = start_log(command_line.loudness());
    // Nothing is looked at any more that a panic may have left half done.
    let ending =
        catch_unwind(AssertUnwindSafe(|| command_line.run(&screen).unwrap_or_else(|failure| complain(&failure))));
    ending.map_or_else(|payload| ending_of_panic(&*payload), ExitCode::from)
}
