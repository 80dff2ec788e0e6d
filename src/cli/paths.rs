//! Paths on the command line: all are read in one way, whichever option or argument they are given to.

use std::{
    any::TypeId,
    env,
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use clap::{
    Arg, ArgMatches, Command,
    builder::{OsStringValueParser, TypedValueParser},
};

use crate::{run::reason, visible::visible};

/// Lets every path of the command and of its subcommands be read by [`read`].
pub fn with_paths(command: Command) -> Command {
    let command = command.mut_args(|arg| match is_path(&arg) {
        true => arg.value_parser(OsStringValueParser::new().try_map(|text| read(&text))),
        false => arg,
    });
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_paths))
}

fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

/// A path as it is meant. A shell replaces `~` only at the beginning of a word, so that of `--results=~/runs` it is done here;
/// a folder that is called `~` is made by nobody who wants it.
fn read(text: &OsStr) -> Result<PathBuf, String> {
    let home = || env::var_os("HOME").filter(|home| !home.is_empty());
    let bytes = text.as_bytes();
    match bytes {
        [] => Err("an empty text is no path; the current folder is .".into()),
        [b'~'] | [b'~', b'/', ..] => {
            let home =
                home().ok_or_else(|| format!("~ means the folder in HOME, which is not set; {}", literally(text)))?;
            // What is joined must not begin at the root.
            let below: Vec<u8> = bytes[1..].iter().copied().skip_while(|byte| *byte == b'/').collect();
            Ok(if below.is_empty() { home.into() } else { Path::new(&home).join(OsStr::from_bytes(&below)) })
        }
        // Such as the file that an editor leaves beside another.
        [b'~', ..] if Path::new(text).exists() => Ok(text.into()),
        [b'~', ..] => {
            Err(format!("the folder of another user is not looked up; give the path in full, or {}", literally(text)))
        }
        _ => Ok(text.into()),
    }
}

fn literally(text: &OsStr) -> String {
    format!("write ./{0} if {0} is a name here", visible(&text.to_string_lossy()))
}

/// Commands that have `--results` from all commands and do not use it.
const WITHOUT_RESULTS: [&str; 5] = ["report", "diff", "export", "status", "completions"];

/// The paths that a command was given, with those that are given where nothing is said.
pub fn given(command: &Command, matches: &ArgMatches) -> Vec<PathBuf> {
    fn collect(command: &Command, matches: &ArgMatches, without_results: bool, given: &mut Vec<PathBuf>) {
        let without_results = without_results || WITHOUT_RESULTS.contains(&command.get_name());
        if let Some((name, matches)) = matches.subcommand() {
            return collect(
                command.find_subcommand(name).expect("it was found in it"),
                matches,
                without_results,
                given,
            );
        }
        for id in matches.ids().filter(|id| !(without_results && id.as_str() == "results")) {
            given.extend(matches.try_get_many::<PathBuf>(id.as_str()).ok().flatten().into_iter().flatten().cloned());
        }
    }
    let mut paths = Vec::new();
    collect(command, matches, false, &mut paths);
    paths
}

/// That the current folder can be used, where `path` is looked for in it.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn current_folder(path: &Path) -> Result<(), String> {
    if path.is_absolute() {
        return Ok(());
    }
    let why = match (env::current_dir(), fs::metadata(".")) {
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => "which does not exist any more".to_owned(),
        (_, Err(error)) => format!("which cannot be used: {}", reason(&error)),
        _ => return Ok(()),
    };
    Err(format!(
        "{} is in the current folder, {why}\n  help: go to a folder that exists (cd), or give the path in full",
        visible(&path.display().to_string())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8]) -> Result<PathBuf, String> {
        read(OsStr::from_bytes(text))
    }

    #[test]
    fn the_home_folder_is_meant_by_a_tilde_at_the_beginning_alone() {
        let home = PathBuf::from(env::var_os("HOME").expect("tests run with HOME"));
        assert_eq!(of(b"~"), Ok(home.clone()));
        assert_eq!(of(b"~/a/b"), Ok(home.join("a/b")));
        assert_eq!(of(b"~//a"), Ok(home.join("a")));
        assert_eq!(of(b"./~"), Ok("./~".into()));
        assert_eq!(of(b"a/~/b\xff"), Ok(OsStr::from_bytes(b"a/~/b\xff").into()));
        assert_eq!(
            of(b"~nobody/x"),
            Err("the folder of another user is not looked up; give the path in full, or write ./~nobody/x if ~nobody/x is a \
                 name here".into())
        );
        assert_eq!(of(b""), Err("an empty text is no path; the current folder is .".into()));
    }
}
