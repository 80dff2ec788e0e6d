//! From an experiment's outcome to what its user is told.

use std::path::PathBuf;

use super::{Ending, Failure, ending::print};
use crate::{
    experiment::Outcome,
    report::{self, Options, Report},
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

/// Makes the report of a run that has been trained or measured and prints its table. Where every replica has diverged there is
/// nothing in it, and the command fails.
pub fn report(runs: &[PathBuf]) -> Result<Ending, Failure> {
    let report = write(runs, &Options::default())?;
    match report.wholly_diverged().next() {
        None => Ok(Ending::Done),
        Some((_, seeds)) => Err(Failure::Work(format!(
            "every replica has diverged, and none is measured: seed{} {}\n  help: try smaller values of \
             `decomposition.learning_rate` or of the coefficients, or a `warm_up`",
            if seeds.len() == 1 { "" } else { "s" },
            seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// Makes the report of finished runs with options and prints their tables.
pub fn report_with(runs: &[PathBuf], options: &Options) -> Result<Ending, Failure> {
    write(runs, options).map(|_| Ending::Done)
}

fn write(runs: &[PathBuf], options: &Options) -> Result<Report, Failure> {
    let report = report::make_with(runs, options).map_err(Failure::work)?;
    print(&format!("{}\n", report.text(terminal_width(100)).trim_end()))?;
    for path in report.written.iter().filter(|path| path.extension().is_some_and(|extension| extension == "html")) {
        tracing::info!("report: {}", path.display());
    }
    Ok(report)
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
