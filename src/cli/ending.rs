//! How a command ends: its exit code, and its words if it failed.

use std::{
    fmt,
    fs::File,
    io::{self, ErrorKind, Write},
    os::{fd::AsFd, unix::fs::FileTypeExt},
    path::Path,
};

use super::finish::this_command;
use crate::{
    interrupt::Interrupted,
    run::{Elsewhere, RunError, Unfinished},
    spec::SpecError,
    visible::visible_lines,
};

/// The ways to end; `apd --help` documents their exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    Failed,
    WrongUse,
    Interrupted,
}

impl Ending {
    pub const fn code(self) -> u8 {
        match self {
            Ending::Done => 0,
            Ending::Failed => 1,
            Ending::WrongUse => 2,
            Ending::Interrupted => 3,
        }
    }
}

/// Ends this process with an exit code, and leaves all that it holds to the system: libtorch would take a third of what an empty
/// command costs to take its operators from its lists one by one.
pub fn leave(code: impl Into<i32>) -> ! {
    let _ = io::stdout().flush();
    // SAFETY: nothing of this process runs after it.
    unsafe { libc::_exit(code.into()) }
}

/// Why a command failed, in words for its user.
#[derive(Debug)]
pub enum Failure {
    /// The spec is wrong: every mistake, drawn with its line.
    Spec(SpecError),
    /// The command asks for what cannot be, such as a device that is not there.
    Use(String),
    /// Something went wrong on the way.
    Work(String),
    /// It was asked to save and leave, in words that say where it was.
    Interrupted(String),
}

impl Failure {
    pub fn work(error: impl fmt::Display) -> Self {
        Failure::Work(error.to_string())
    }
}

impl From<Interrupted> for Failure {
    fn from(interrupted: Interrupted) -> Self {
        Failure::Interrupted(interrupted.to_string())
    }
}

impl From<Unfinished> for Failure {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::Interrupted(interrupted) => interrupted.into(),
            Unfinished::Failed(error) => Failure::work(error),
        }
    }
}

/// Says why on stderr and in the run's log; returns how to end.
pub fn complain(failure: &Failure) -> Ending {
    match failure {
        Failure::Spec(error) => {
            // Drawn by the spec module, "error:" included.
            let _ = io::stderr().write_all(error.to_string().as_bytes());
            Ending::WrongUse
        }
        Failure::Use(what) => {
            tracing::error!("{what}");
            Ending::WrongUse
        }
        Failure::Work(what) => {
            tracing::error!("{what}");
            Ending::Failed
        }
        Failure::Interrupted(what) => {
            tracing::warn!("{what}\n  help: go on with: {}", this_command());
            Ending::Interrupted
        }
    }
}

/// Prints results on stdout, harmless for a terminal whatever names and values are among them.
pub fn print(text: &str) -> Result<(), Failure> {
    print_as_it_is(&visible_lines(text))
}

/// Prints what is meant for another program. A reader that has gone away (`| head`, a terminal that was closed) is no failure.
pub fn print_as_it_is(text: &str) -> Result<(), Failure> {
    print_as_it_is_by(|| io::stdout().write_all(text.as_bytes()))
}

/// Whether nobody reads stdout any more.
fn has_left(error: &io::Error) -> bool {
    let is_terminal_or_device = || {
        let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
        stdout.and_then(|stdout| stdout.metadata()).is_ok_and(|about| about.file_type().is_char_device())
    };
    error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(libc::EIO) && is_terminal_or_device()
}

/// Lets `print` write to stdout.
pub fn print_as_it_is_by(print: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
    match print().and_then(|()| io::stdout().flush()) {
        Err(error) if !has_left(&error) => {
            Err(Failure::work(RunError::write(Path::new("to the standard output"), &error).of_command(Elsewhere::Out)))
        }
        _ => Ok(()),
    }
}
