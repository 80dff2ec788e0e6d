//! `apd help`: what is not about one command, topic by topic. The help of a command is clap's, and
//! [`words`](super::words) makes `apd help COMMAND` mean `apd COMMAND --help`.
//!
//! A topic is a member of [`Topic`], a line in [`Help::run`] and a file in this folder.

mod spec;
mod spec_page;
mod tables;

use clap::{Args, Command, Subcommand};

use super::{Ending, Failure};

/// Print the help of a command, or tell what can stand in a spec or in a table
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "TOPIC",
    subcommand_help_heading = "Topics",
    disable_help_subcommand = true,
    after_help = "\
The help of a command is that of its option --help.

Examples:
  apd help spec method.apd
  apd help tables summary
  apd help train target"
)]
pub struct Help {
    #[command(subcommand)]
    topic: Topic,
}

#[derive(Debug, Subcommand)]
enum Topic {
    Spec(spec::SpecHelp),
    Tables(tables::TablesHelp),
}

impl Help {
    pub fn run(&self) -> Result<Ending, Failure> {
        match &self.topic {
            Topic::Spec(spec) => spec.run(),
            Topic::Tables(tables) => tables.run(),
        }
    }
}

/// `root` with its commands among the topics, so that a shell can complete them.
pub fn with_commands(root: Command) -> Command {
    let commands = root.get_subcommands().filter(|command| command.get_name() != "help");
    let names: Vec<Command> = commands.map(name_only).collect();
    root.mut_subcommand("help", |help| help.subcommands(names))
}

fn name_only(command: &Command) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    Command::new(command.get_name().to_owned()).about(about).subcommands(command.get_subcommands().map(name_only))
}
