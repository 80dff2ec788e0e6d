//! What goes wrong with files and folders: what happened, where, and what to do next.

use std::{
    fmt,
    io::{self, ErrorKind},
    path::Path,
};

use super::presence::is_absence;
use crate::{
    interrupt::Interrupted,
    visible::{visible, visible_lines},
};

/// A file or folder that could not be used. Shown as one line that says what happened, and one that says what to do; names
/// and texts from the file in it are harmless for a terminal.
#[derive(Debug)]
pub struct RunError {
    what: String,
    help: String,
    then: Then,
    elsewhere: Elsewhere,
    damaged: bool,
    forbidden: bool,
    missing: bool,
    /// Whether it was the system that said no.
    refused: bool,
}

/// What a user can do beside following the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Nothing else is to be said.
    Nothing,
    /// Choose another place.
    OrElsewhere,
    /// Give the same command again.
    Again,
}

/// How the user of a command chooses another place for what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// By `--results`; the same command again goes on from a checkpoint.
    Results,
    /// By `--out`.
    Out,
    /// By a copy of the folder that the command was given.
    Copy,
}

impl RunError {
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            what: visible_lines(&what.into()),
            help: visible_lines(&help.into()),
            then: Then::Nothing,
            elsewhere: Elsewhere::Results,
            damaged: false,
            forbidden: false,
            missing: false,
            refused: false,
        }
    }

    /// This mistake, whose advice is also to choose another place.
    pub fn or_elsewhere(self) -> Self {
        Self { then: Then::OrElsewhere, ..self }
    }

    /// This mistake as it is told to the user of a command that chooses another place with `elsewhere`.
    pub fn of_command(self, elsewhere: Elsewhere) -> Self {
        Self { elsewhere, ..self }
    }

    /// `path` could not be written.
    pub fn write(path: &Path, error: &io::Error) -> Self {
        let forbidden = matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem);
        let what = format!("cannot write {}: {}", shown(path), reason(error));
        let (help, then) = help_for_writing(error);
        Self { forbidden, then, refused: true, ..Self::new(what, help) }
    }

    /// `path` could not be read, though it may well be sound.
    pub fn read(path: &Path, error: &io::Error) -> Self {
        let (help, then) = help_for_reading(error);
        let what = format!("cannot read {}: {}", shown(path), reason(error));
        Self { then, missing: is_absence(error.kind()), refused: true, ..Self::new(what, help) }
    }

    /// `path` was read, but does not hold what was written to it.
    pub fn damaged(path: &Path, why: impl fmt::Display) -> Self {
        let what = format!("{} is damaged: {why}", shown(path));
        Self { damaged: true, ..Self::new(what, "put the file back from a copy, or make it again with --force") }
    }

    /// Whether the file could be read but does not hold what was written to it.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Whether there is nothing of the name, so that it is no fault where a file is not expected.
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// Whether it is the system that refuses, and not what a file holds that is wrong.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether the place may not be written: by this user, or by anybody.
    pub fn is_forbidden(&self) -> bool {
        self.forbidden
    }

    /// This mistake with other advice.
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: visible_lines(&help.into()), then: Then::Nothing, ..self }
    }

    /// What is wrong with `path`, without its name and without the advice.
    pub fn why(&self, path: &Path) -> &str {
        let after = self.what.split_once(&shown(path)).map_or(self.what(), |(_, after)| after);
        after.split_once(": ").map_or(after, |(_, why)| why)
    }

    /// What happened, without the advice.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do.
    pub fn help(&self) -> &str {
        &self.help
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n  help: {}", self.what, self.help)?;
        match (self.then, self.elsewhere) {
            (Then::Nothing, _) => Ok(()),
            (Then::OrElsewhere, Elsewhere::Results) => write!(out, ", or choose another folder with --results"),
            (Then::OrElsewhere, Elsewhere::Out) => write!(out, ", or choose another folder with --out"),
            (Then::OrElsewhere, Elsewhere::Copy) => write!(out, ", or give the command a copy of the folder"),
            (Then::Again, Elsewhere::Results) => {
                write!(out, ", then give the same command again: it goes on from the last checkpoint")
            }
            (Then::Again, _) => write!(out, ", then give the same command again"),
        }
    }
}

impl std::error::Error for RunError {}

/// Why work has ended before it was finished.
#[derive(Debug)]
pub enum Unfinished {
    Interrupted(Interrupted),
    Failed(RunError),
}

impl Unfinished {
    /// A mistake as it is told to the user of a command that chooses another place with `elsewhere`.
    pub fn of_command(self, elsewhere: Elsewhere) -> Self {
        match self {
            Unfinished::Failed(error) => Unfinished::Failed(error.of_command(elsewhere)),
            interrupted => interrupted,
        }
    }
}

impl From<Interrupted> for Unfinished {
    fn from(interrupted: Interrupted) -> Self {
        Unfinished::Interrupted(interrupted)
    }
}

impl From<RunError> for Unfinished {
    fn from(error: RunError) -> Self {
        Unfinished::Failed(error)
    }
}

/// A path on one line.
fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}

/// The system's words without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

/// Advice for what fails alike in reading and in writing.
fn help_for_both(error: &io::Error) -> Option<(&'static str, Then)> {
    Some(match error.raw_os_error()? {
        libc::ENAMETOOLONG => ("shorten the path: a name has at most 255 bytes, and a path 4095", Then::OrElsewhere),
        libc::EMFILE => ("let a process open more files (ulimit -n 4096), or use fewer seeds", Then::Again),
        libc::ENFILE => ("end other programs: no more files can be open on this machine", Then::Again),
        libc::ELOOP => ("take the link away: links lead in a circle there", Then::OrElsewhere),
        libc::ESTALE | libc::ENOTCONN => ("mount the network file system again, or wait until it is back", Then::Again),
        libc::ENOMEM => ("end other programs: this machine has no memory left", Then::Again),
        _ => return None,
    })
}

fn help_for_reading(error: &io::Error) -> (&'static str, Then) {
    let help = match error.kind() {
        ErrorKind::NotFound => "check the path; a run folder that lacks files belongs to an unfinished run",
        ErrorKind::PermissionDenied => "ask its owner for permission to read it",
        ErrorKind::NotADirectory => "check the path: it leads through a file as if that were a folder",
        ErrorKind::IsADirectory => "check the path: it is that of a folder",
        // Another place to write to is of no use.
        _ => match help_for_both(error) {
            Some((help, Then::Again)) => return (help, Then::Again),
            Some((help, _)) => help,
            None => return ("check the disk or the network file system", Then::Again),
        },
    };
    (help, Then::Nothing)
}

fn help_for_writing(error: &io::Error) -> (&'static str, Then) {
    match error.kind() {
        ErrorKind::StorageFull => ("make room on the disk (df -h and df -i tell what is used up)", Then::Again),
        ErrorKind::QuotaExceeded => {
            ("remove files, or ask for more room: your share of the disk is used up", Then::Again)
        }
        ErrorKind::FileTooLarge => {
            ("allow larger files (ulimit -f unlimited; some file systems have a limit too)", Then::Again)
        }
        ErrorKind::PermissionDenied => ("give yourself permission to write there", Then::OrElsewhere),
        ErrorKind::ReadOnlyFilesystem => ("have the file system mounted for writing", Then::OrElsewhere),
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            ("move it out of the way", Then::OrElsewhere)
        }
        ErrorKind::NotFound => {
            ("was the folder removed while the run was going? give the same command again", Then::Nothing)
        }
        ErrorKind::ExecutableFileBusy | ErrorKind::ResourceBusy => ("end the program that uses it", Then::Again),
        _ => help_for_both(error).unwrap_or(("check the disk or the network file system", Then::Again)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_without_the_path_too() {
        let path = Path::new("runs/a: b/summary.csv");
        let missing = RunError::read(path, &io::Error::from_raw_os_error(2));
        assert_eq!(missing.why(path), "No such file or directory");
        assert_eq!(RunError::damaged(path, "line 3: no number").why(path), "line 3: no number");
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let error = writing(libc::ENOSPC);
        assert_eq!(
            error.to_string(),
            "cannot write runs/a/training.csv: No space left on device\n  help: make room on the disk (df -h and df -i \
             tell what is used up), then give the same command again: it goes on from the last checkpoint"
        );
    }

    fn writing(number: i32) -> RunError {
        RunError::write(Path::new("runs/a/training.csv"), &io::Error::from_raw_os_error(number))
    }

    fn help(error: &RunError) -> String {
        error.to_string().split_once("\n  help: ").unwrap().1.to_string()
    }

    #[test]
    fn advice_fits_its_cause() {
        const AGAIN: &str = ", then give the same command again: it goes on from the last checkpoint";
        const ELSEWHERE: &str = ", or choose another folder with --results";
        let expected = [
            (libc::EDQUOT, "remove files, or ask for more room: your share of the disk is used up", AGAIN),
            (libc::EFBIG, "allow larger files (ulimit -f unlimited; some file systems have a limit too)", AGAIN),
            (libc::EACCES, "give yourself permission to write there", ELSEWHERE),
            (libc::EPERM, "give yourself permission to write there", ELSEWHERE),
            (libc::EROFS, "have the file system mounted for writing", ELSEWHERE),
            (libc::ENOTDIR, "move it out of the way", ELSEWHERE),
            (libc::EISDIR, "move it out of the way", ELSEWHERE),
            (libc::ENAMETOOLONG, "shorten the path: a name has at most 255 bytes, and a path 4095", ELSEWHERE),
            (libc::EMFILE, "let a process open more files (ulimit -n 4096), or use fewer seeds", AGAIN),
            (libc::ENFILE, "end other programs: no more files can be open on this machine", AGAIN),
            (libc::ELOOP, "take the link away: links lead in a circle there", ELSEWHERE),
            (libc::ESTALE, "mount the network file system again, or wait until it is back", AGAIN),
            (libc::ETXTBSY, "end the program that uses it", AGAIN),
            (libc::EIO, "check the disk or the network file system", AGAIN),
            (libc::ENOENT, "was the folder removed while the run was going? give the same command again", ""),
        ];
        for (number, advice, then) in expected {
            assert_eq!(help(&writing(number)), format!("{advice}{then}"));
        }
        let reading = |number| help(&RunError::read(Path::new("x"), &io::Error::from_raw_os_error(number)));
        assert_eq!(reading(libc::ELOOP), "take the link away: links lead in a circle there");
        assert_eq!(reading(libc::ENOTDIR), "check the path: it leads through a file as if that were a folder");
        assert_eq!(reading(libc::EACCES), "ask its owner for permission to read it");
    }

    #[test]
    fn another_place_is_chosen_by_the_option_of_the_command() {
        let forbidden = |command| help(&writing(libc::EACCES).of_command(command));
        assert_eq!(
            forbidden(Elsewhere::Out),
            "give yourself permission to write there, or choose another folder with --out"
        );
        assert_eq!(
            forbidden(Elsewhere::Copy),
            "give yourself permission to write there, or give the command a copy of the folder"
        );
        let full = help(&writing(libc::EFBIG).of_command(Elsewhere::Out));
        assert!(full.ends_with(", then give the same command again"), "{full}");
    }

    #[test]
    fn a_path_with_a_line_break_is_told_on_one_line() {
        let error = RunError::write(Path::new("a\nerror: b"), &io::Error::from_raw_os_error(libc::EACCES));
        assert_eq!(error.what(), "cannot write a\u{fffd}error: b: Permission denied");
    }
}
