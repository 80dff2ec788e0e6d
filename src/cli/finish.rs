//! From an experiment's outcome to what its user is told.

use std::path::PathBuf;

use super::{Ending, Failure, ending::print};
use crate::{
    experiment::Outcome,
    report::{Options, Report},
    run::RunError,
};

/// The folder of a finished stage, or how an interrupted one ends.
pub enum Stage {
    Finished(PathBuf),
    Interrupted(Ending),
}

/// Says on stderr how a stage ended.
pub fn tell(what: &str, outcome: Outcome) -> Stage {
    match outcome {
        Outcome::Finished { folder, already } => {
            let already = if already { "was finished already" } else { "finished" };
            tracing::info!("{what} {already}: {}", folder.display());
            Stage::Finished(folder)
        }
        interrupted => Stage::Interrupted(tell_interrupted(interrupted)),
    }
}

/// Says on stderr where an interrupted stage is to be gone on with.
pub fn tell_interrupted(outcome: Outcome) -> Ending {
    let Outcome::Interrupted { folder, stage, step, steps } = outcome else { return Ending::Done };
    tracing::warn!(
        "interrupted at step {step} of {steps} ({stage}); saved in {}\n  help: go on with: {}",
        folder.display(),
        command_to_go_on(std::env::args())
    );
    Ending::Interrupted
}

/// Makes the report of finished runs and prints their table.
pub fn report(runs: &[PathBuf]) -> Result<Ending, Failure> {
    tell_report(runs, &Options::default(), |error| error)
}

/// Makes the report that a user has asked for, who can name a folder for it, and prints its tables.
pub fn report_with(runs: &[PathBuf], options: &Options) -> Result<Ending, Failure> {
    tell_report(runs, options, |error| error.with_option("--out FOLDER"))
}

/// Prints the tables and writes the files; `advise` gives an error of writing the advice that fits the command.
fn tell_report(runs: &[PathBuf], options: &Options, advise: impl Fn(RunError) -> RunError) -> Result<Ending, Failure> {
    let (mut report, mut errors) = Report::read_each(runs);
    if errors.len() == runs.len() && !errors.is_empty() {
        return Err(Failure::work(errors.remove(0)));
    }
    // One that cannot be read does not keep the others from being reported.
    errors.iter().for_each(|error| tracing::error!("{error}"));
    // First: the tables are worth something even if the files cannot be written.
    print(&format!("{}\n", report.text(terminal_width(100)).trim_end()))?;
    report.write(options).map_err(|error| Failure::work(advise(error)))?;
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
    Ok(if errors.is_empty() { Ending::Done } else { Ending::Failed })
}

/// Of stdout; `otherwise` where it is no terminal.
pub fn terminal_width(otherwise: usize) -> usize {
    let size = console::Term::stdout().size_checked();
    size.map_or(otherwise, |(_, width)| usize::from(width).clamp(60, 160))
}

/// The same command without `--force`, which would start anew. Quoted for a shell.
fn command_to_go_on(arguments: impl Iterator<Item = String>) -> String {
    let plain = |argument: &str| argument.chars().all(|c| c.is_ascii_alphanumeric() || "._-/=:,+@%".contains(c));
    let quoted = |argument: String| match plain(&argument) && !argument.is_empty() {
        true => argument,
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    };
    arguments.filter(|argument| argument != "--force").map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_go_on_does_not_start_anew() {
        let arguments = ["apd", "run", "my spec.toml", "--force", "--set", "seeds=[1, 2]", "it's"].map(String::from);
        let expected = r"apd run 'my spec.toml' --set 'seeds=[1, 2]' 'it'\''s'";
        assert_eq!(command_to_go_on(arguments.into_iter()), expected);
    }
}
