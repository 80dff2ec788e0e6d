//! The words of a command line before they are parsed, and what is said where they cannot be.

use std::ffi::OsString;

use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};

/// The words with options that stand before the command, as in `apd --results X list`, put behind it: each command knows its
/// own. And the command's name, `apd sweep status`, as far as the words name one.
pub fn options_behind_command(root: &Command, words: Vec<OsString>) -> (Vec<OsString>, String) {
    let (mut command, mut name) = (root, root.get_name().to_owned());
    let (mut before, mut options) = (Vec::new(), Vec::new());
    let mut left = words.iter().peekable();
    before.extend(left.next());
    while command.has_subcommands()
        && let Some(word) = left.peek().and_then(|word| word.to_str())
    {
        if let Some(found) = command.find_subcommand(word) {
            command = found;
            name = format!("{name} {}", found.get_name());
            before.extend(left.next());
        } else if word.starts_with("--") && word.len() > 2 && !knows(root, word) {
            options.extend(left.next());
            let has_value = !word.contains('=') && takes_value(root, word);
            options.extend(left.next_if(|_| has_value));
        } else if word.starts_with('-') && word != "--" {
            before.extend(left.next());
        } else {
            break;
        }
    }
    let is_complete = !command.has_subcommands();
    let in_order = || before.into_iter().chain(options).chain(left).cloned().collect();
    (if is_complete { in_order() } else { words.clone() }, name)
}

/// `apd help COMMAND` as `apd COMMAND --help`, and `apd help` as `apd --help`: `help` itself knows only its topics.
pub fn help_of_command(root: &Command, mut words: Vec<OsString>) -> Vec<OsString> {
    let mut command = root;
    for place in 1..words.len() {
        let is_topic = |word: &OsString| {
            let topics = command.find_subcommand("help");
            word.to_string_lossy().starts_with('-')
                || topics.is_some_and(|topics| topics.find_subcommand(word).is_some())
        };
        match words[place].to_str() {
            Some("help") if command.has_subcommands() => {
                if !words.get(place + 1).is_some_and(is_topic) {
                    words.remove(place);
                    words.push("--help".into());
                }
                break;
            }
            Some(word) if word.starts_with('-') && !takes_value(root, word) => {}
            Some(word) if command.find_subcommand(word).is_some() => {
                command = command.find_subcommand(word).expect("it was found");
            }
            _ => break,
        }
    }
    words
}

/// Says of an option that other commands have, and this one has not, where its own are named.
pub fn explained(root: &Command, name: &str, mut error: Error) -> Error {
    let word = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => word.clone(),
        _ => return error,
    };
    if root.get_name() != name && is_of_another(root, &word) {
        let tip = format!("'{name}' does not use {word}: '{name} --help' tells what it does use");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
        error.remove(ContextKind::SuggestedArg);
    } else if error.get(ContextKind::SuggestedArg).is_none() && has_set(root, name) {
        // An option that no command has is likely to be a key of the spec.
        let key = word.trim_start_matches('-');
        let tip = format!("values of the spec are given with --set KEY=VALUE, as in --set {key}=3");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

/// Whether the command of this name, such as `apd train target`, takes changed values of a spec.
fn has_set(root: &Command, name: &str) -> bool {
    let command = name.split(' ').skip(1).try_fold(root, |command, word| command.find_subcommand(word));
    command.is_some_and(|command| option(command, "--set").is_some_and(|set| !set.is_hide_set()))
}

/// Whether the option is one of `command` itself: those of all commands, which may stand anywhere.
fn knows(command: &Command, word: &str) -> bool {
    ["--help", "--version"].contains(&word) || option(command, word).is_some()
}

fn takes_value(command: &Command, word: &str) -> bool {
    let is_one = |command: &Command| option(command, word).is_some_and(|option| option.get_action().takes_values());
    is_one(command) || command.get_subcommands().any(|below| takes_value(below, word))
}

fn is_of_another(command: &Command, word: &str) -> bool {
    option(command, word).is_some() || command.get_subcommands().any(|below| is_of_another(below, word))
}

/// The option of this name, with or without a value behind it.
fn option<'a>(command: &'a Command, word: &str) -> Option<&'a clap::Arg> {
    let name = word.strip_prefix("--")?.split('=').next()?;
    command.get_opts().chain(command.get_arguments()).find(|option| option.get_long() == Some(name))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::CommandLine;

    fn ordered(line: &str) -> (String, String) {
        let words = line.split(' ').map(OsString::from).collect();
        let (words, name) = options_behind_command(&CommandLine::command(), words);
        (words.join(std::ffi::OsStr::new(" ")).into_string().unwrap(), name)
    }

    #[test]
    fn options_before_a_command_are_put_behind_it() {
        for (given, expected, name) in [
            ("apd --results x list", "apd list --results x", "apd list"),
            ("apd --results=x -q list", "apd -q list --results=x", "apd list"),
            ("apd sweep --device cpu work s -- -x", "apd sweep work --device cpu s -- -x", "apd sweep work"),
            ("apd --force --set a=1 run x.toml", "apd run --force --set a=1 x.toml", "apd run"),
            ("apd --quiet run x", "apd --quiet run x", "apd run"),
            ("apd --results x", "apd --results x", "apd"),
            ("apd --results x no-such list", "apd --results x no-such list", "apd"),
        ] {
            assert_eq!(ordered(given), (expected.to_owned(), name.to_owned()), "{given}");
        }
    }

    #[test]
    fn help_of_a_command_is_asked_of_the_command() {
        for (given, expected) in [
            ("apd help", "apd --help"),
            ("apd help train target", "apd train target --help"),
            ("apd -q help list", "apd -q list --help"),
            ("apd help no-such", "apd no-such --help"),
            ("apd sweep help", "apd sweep --help"),
            ("apd sweep help status", "apd sweep status --help"),
            ("apd help sweep status", "apd sweep status --help"),
            ("apd help spec", "apd help spec"),
            ("apd help spec rank", "apd help spec rank"),
            ("apd help --help", "apd help --help"),
            ("apd --results help list", "apd --results help list"),
            ("apd report help", "apd report help"),
            ("apd", "apd"),
        ] {
            let words = given.split(' ').map(OsString::from).collect();
            let found = help_of_command(&CommandLine::command(), words);
            assert_eq!(found.join(std::ffi::OsStr::new(" ")), expected, "{given}");
        }
    }

    #[test]
    fn an_option_of_other_commands_is_refused_by_the_commands_name() {
        let explained = |command: &str, option: &str| {
            let error = CommandLine::try_parse_from(format!("apd {command} {option} x y").split(' ')).unwrap_err();
            explained(&CommandLine::command(), &format!("apd {command}"), error).to_string()
        };
        for (command, option) in [
            ("list", "--device=cpu"),
            ("report", "--set=a=1"),
            ("train target", "--force"),
            ("sweep status", "--threads=1"),
        ] {
            let (text, option) = (explained(command, option), option.split('=').next().unwrap());
            let tip =
                format!("tip: 'apd {command}' does not use {option}: 'apd {command} --help' tells what it does use");
            assert!(text.contains(&tip), "{text}");
        }
        let unknown = explained("run", "--forse");
        assert!(unknown.contains("tip: a similar argument exists: '--force'"), "{unknown}");
    }
}
