//! The command line: one file a subcommand, each turning arguments into calls of the library and results into text.
//!
//! Around them: `words` (what is given, in order), `options` (those that several commands know), `paths` (how paths are read),
//! `folders` (which runs are meant), `help` (what is not about one command), `start` (from a spec to a session), `finish`
//! (what is told of what is finished), `ending` (exit
//! codes), `progress` and `logging` (the terminal), `limits` (those of the process), `panic` (bugs of ours).

mod check;
mod completions;
mod decompose;
mod diff;
pub mod doctor;
mod ending;
mod evaluate;
mod export;
mod finish;
mod folders;
mod help;
mod import;
mod limits;
mod list;
mod logging;
mod options;
mod panic;
mod paths;
mod progress;
mod report;
mod run;
mod start;
mod sweep;
mod train;
mod words;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::path::PathBuf;

use indicatif::MultiProgress;

use ending::print_as_it_is_by;
pub use ending::{Ending, Failure, complain, leave};
use finish::terminal_width;
pub use limits::prepare_for_limits;
pub use logging::{Loudness, start_log};
pub use panic::{ending_of_panic, explain_panics};

use options::Verbosity;

/// Take a trained network's parameters apart into components.
///
/// apd reads an experiment from a TOML file, trains its small target network, decomposes the network's parameters into
/// components (Attribution-based Parameter Decomposition, Braun et al. 2025, arXiv:2501.14926), measures what it found,
/// and leaves tables, tensors and a report in a run folder. `apd COMMAND --help` tells the options of a command.
#[derive(Debug, Parser)]
#[command(name = "apd", version, subcommand_required = true, disable_help_subcommand = true, after_help = AFTER_HELP)]
pub struct CommandLine {
    #[command(flatten)]
    verbosity: Verbosity,
    #[command(subcommand)]
    command: Command,
    /// All paths that it is about.
    #[arg(skip)]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(train::Train),
    Decompose(decompose::Decompose),
    Report(report::Report),
    List(list::List),
    Diff(diff::Diff),
    Evaluate(evaluate::Evaluate),
    Export(export::Export),
    Import(import::Import),
    Run(run::Run),
    Sweep(sweep::Sweep),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Help(help::Help),
}

const AFTER_HELP: &str = "\
Examples:
  apd run experiments/tms_5-2.toml
  apd run experiments/tms_5-2.toml --set seeds=30 --set method.apd.rank=1
  apd check experiments/tms_40-10.toml
  apd report runs/tms_5-2-*

Exit codes:
    0  done; a run that was finished already counts as done
    1  failed; the message says why
    2  wrong command line or wrong spec; nothing was started
    3  interrupted (by Ctrl-C, or by SIGTERM, SIGHUP, SIGUSR1, SIGUSR2,
       SIGXCPU or SIGALRM) and saved: the same command without --force goes
       on from there
  101  a bug of apd
  130  left at once after a second Ctrl-C: goes on from the last checkpoint";

impl CommandLine {
    /// The command line of this process; ends it where that is wrong, or asks for help.
    pub fn read() -> Self {
        let mut command = paths::with_paths(Self::command()).term_width(terminal_width().min(80));
        let given = words::help_of_command(&command, std::env::args_os().collect());
        let (given, name) = words::options_behind_command(&command, given);
        let read = command.try_get_matches_from_mut(given).and_then(|matches| {
            let paths = paths::given(&command, &matches);
            Ok(Self { paths, ..Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))? })
        });
        read.unwrap_or_else(|error| {
            let error = words::explained(&command, &name, error);
            match print_as_it_is_by(|| error.print()) {
                // Help that was asked for, and could not be given.
                Err(failure) if !error.use_stderr() => {
                    start_log(Loudness::Quiet);
                    leave(complain(&failure).code())
                }
                _ => leave(error.exit_code()),
            }
        })
    }

    /// Does the command. `screen` is where bars are drawn.
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        if !matches!(self.command, Command::Doctor(_)) {
            self.paths.iter().try_for_each(|path| paths::current_folder(path)).map_err(Failure::Work)?;
        }
        match &self.command {
            Command::Train(train) => train.run(screen),
            Command::Decompose(decompose) => decompose.run(screen),
            Command::Report(report) => report.run(),
            Command::List(list) => list.run(),
            Command::Diff(diff) => diff.run(),
            Command::Evaluate(evaluate) => evaluate.run(screen),
            Command::Export(export) => export.run(),
            Command::Import(import) => import.run(screen),
            Command::Run(run) => run.run(screen),
            Command::Sweep(sweep) => sweep.run(screen),
            Command::Check(check) => check.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Completions(completions) => completions.run(),
            Command::Help(help) => help.run(),
        }
    }

    pub fn loudness(&self) -> Loudness {
        self.verbosity.loudness()
    }
}
