//! `apd`: read the command line, begin the log, do the command, say how it ended.

mod before_main;

use std::panic::{AssertUnwindSafe, catch_unwind};

use apd::{
    cli::{CommandLine, Ending, complain, ending_of_panic, explain_panics, leave, prepare_for_limits, start_log},
    memory,
};

fn main() {
    leave(exit_code());
}

fn exit_code() -> u8 {
    before_main::return_to_current_folder();
    explain_panics();
    prepare_for_limits();
    memory::keep_freed_memory();
    let command_line = CommandLine::read();
    let screen = start_log(command_line.loudness());
    // Nothing is looked at any more that a panic may have left half done.
    let ending =
        catch_unwind(AssertUnwindSafe(|| command_line.run(&screen).unwrap_or_else(|failure| complain(&failure))));
    ending.map_or_else(|payload| ending_of_panic(&*payload), Ending::code)
}
