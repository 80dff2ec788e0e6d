//! From a finished experiment to what its user is told.

use std::{ffi::OsString, path::PathBuf};

use super::{Ending, Failure, ending::print};
use crate::{
    experiment::Finished,
    report::{Options, Report, wrapped},
    run::{Elsewhere, RunError},
    shell::quoted,
};

/// Says on stderr that a stage has come to its end; returns its folder.
pub fn tell(what: &str, Finished { folder, already }: Finished) -> PathBuf {
    let already = if already { "was finished already" } else { "finished" };
    tracing::info!("{what} {already}: {}", folder.display());
    folder
}

/// Makes the report of a run that has been trained or measured and prints its table. Where every replica has diverged there is
/// nothing in it, and the command fails.
pub fn report(runs: &[PathBuf]) -> Result<Ending, Failure> {
    let (report, ending) = write(runs, &Options::default(), Elsewhere::Results)?;
    match report.wholly_diverged().next() {
        None => Ok(ending),
        Some((_, seeds)) => Err(Failure::Work(format!(
            "every replica has diverged, and none is measured: seed{} {}\n  help: try smaller values of \
             `decomposition.learning_rate` or of the coefficients, or a `warm_up`",
            if seeds.len() == 1 { "" } else { "s" },
            seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// Makes the report that a user has asked for, who can name a folder for it, and prints its tables.
pub fn report_with(runs: &[PathBuf], options: &Options) -> Result<Ending, Failure> {
    write(runs, options, Elsewhere::Out).map(|(_, ending)| ending)
}

/// Prints the tables and writes the files, for the user of a command that chooses another place so.
fn write(runs: &[PathBuf], options: &Options, elsewhere: Elsewhere) -> Result<(Report, Ending), Failure> {
    let (mut report, mut errors) = Report::read_each(runs);
    if errors.len() == runs.len() && !errors.is_empty() {
        return Err(Failure::work(errors.remove(0)));
    }
    // One that cannot be read does not keep the others from being reported.
    errors.iter().for_each(|error| tracing::error!("{error}"));
    report.check_replicas(&options.replicas).map_err(|error| Failure::Use(error.to_string()))?;
    // First: the tables are worth something even if the files cannot be written.
    print(&format!("{}\n", report.text(terminal_width()).trim_end()))?;
    report.write(options).map_err(|error| Failure::work(error.of_command(elsewhere)))?;
    let refused: Vec<&str> = report.refused.iter().map(RunError::what).collect();
    if !refused.is_empty() {
        tracing::warn!(
            "the files of the report are not written: {}\n  help: `apd report` with --out FOLDER writes them there",
            refused.join("; ")
        );
    }
    for path in report.written.iter().filter(|path| path.extension().is_some_and(|extension| extension == "html")) {
        tracing::info!("report: {}", path.display());
    }
    let ending = if errors.is_empty() { Ending::Done } else { Ending::Failed };
    Ok((report, ending))
}

/// Columns that no table and no sentence needs: all are as wide as they are.
const WIDEST: usize = u16::MAX as usize;

/// Columns in which no table can be read.
const NARROWEST: usize = 60;

/// How many columns stdout has: as many as COLUMNS says, or else as the terminal has. A file or another program takes lines
/// as they are.
pub fn terminal_width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let of_terminal = || Some(usize::from(console::Term::stdout().size_checked()?.1));
    said.filter(|columns| *columns > 0).or_else(of_terminal).map_or(WIDEST, |columns| columns.clamp(NARROWEST, WIDEST))
}

/// Lines of what is told and the text about it, which goes on below itself where it is longer than a line.
pub fn described(lines: &[(&str, String)], width: usize) -> String {
    const ABOUT: usize = 12;
    let line = |(about, text): &(&str, String)| {
        let room = width - ABOUT;
        let text = if text.chars().count() > room { wrapped(text, room) } else { text.clone() };
        format!("{about:<11} {}\n", text.replace('\n', &format!("\n{:ABOUT$}", "")))
    };
    lines.iter().map(line).collect()
}

/// The command of this process as it goes on with what it has begun.
pub fn this_command() -> String {
    command_to_go_on(std::env::args_os())
}

/// The same command without `--force`, which would start anew. Quoted for a shell.
fn command_to_go_on(arguments: impl Iterator<Item = OsString>) -> String {
    // What stands behind `--` is no option.
    let mut are_options = true;
    let stays = |argument: &OsString| {
        are_options &= argument != "--";
        !(are_options && argument == "--force")
    };
    arguments.filter(stays).map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use super::*;

    #[test]
    fn the_command_to_go_on_does_not_start_anew() {
        let command = |words: &[&[u8]]| command_to_go_on(words.iter().map(|word| OsStr::from_bytes(word).to_owned()));
        let arguments: [&[u8]; 7] =
            [b"apd", b"run", b"my spec.toml", b"--force", b"--set", b"seeds=[1, 2]", b"--results=r\xff"];
        let expected = r"apd run 'my spec.toml' --set 'seeds=[1, 2]' $'--results=r\xff'";
        assert_eq!(command(&arguments), expected);
        assert_eq!(command(&[b"apd", b"run", b"--force", b"--", b"--force"]), "apd run -- --force");
    }
}
