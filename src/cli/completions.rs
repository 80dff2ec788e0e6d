//! `apd completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{CommandLine, Ending, Failure, ending::print_as_it_is, help::with_commands};

/// Print a shell's completions of this command line
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd completions bash > ~/.local/share/bash-completion/completions/apd
  apd completions zsh > ~/.zfunc/_apd")]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> Result<Ending, Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut with_commands(CommandLine::command()), "apd", &mut script);
        print_as_it_is(&String::from_utf8_lossy(&script))?;
        Ok(Ending::Done)
    }
}
