//! The options that several commands know, in groups: each command has those that it uses, so that its help lists no others
//! and any other is refused.

use std::{
    num::NonZeroU16,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};

use clap::Args;

use super::Loudness;
use crate::{device::DeviceChoice, shell::quoted_path};

/// Where results are unless something else is said.
const USUAL_RESULTS: &str = "runs";

/// The option of commands that read a spec.
#[derive(Debug, Default, Args)]
pub struct Set {
    /// Change a value of the spec, for example method.apd.rank=1 (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// The options of commands that compute.
#[derive(Debug, Args)]
pub struct Compute {
    /// Where to compute: auto (the first GPU if there is one), cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,

    /// Number of CPU threads to compute with [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU16>,
}

/// The option of commands that look into the results folder.
#[derive(Debug, Args)]
pub struct Results {
    /// The folder for run folders and trained targets
    #[arg(long, value_name = "DIR", default_value = USUAL_RESULTS)]
    pub results: PathBuf,
}

/// The option of commands that train.
#[derive(Debug, Args)]
pub struct Saving {
    /// How old a checkpoint may be when a run is killed; 0 saves every few steps
    ///
    /// Older where saving would otherwise take more than 2 % of the time.
    #[arg(long, value_name = "N", default_value_t = 20)]
    checkpoint_seconds: u32,
}

/// The option of commands that begin a run or a sweep.
#[derive(Debug, Default, Args)]
pub struct Force {
    /// Start anew beside earlier results; nothing is deleted
    #[arg(long)]
    pub force: bool,
}

/// The options of commands that read a spec, train, and leave a run or a sweep.
#[derive(Debug, Args)]
pub struct Training {
    #[command(flatten)]
    set: Set,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    results: Results,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    force: Force,
}

/// The options of all commands, which may stand before or after the command's name.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub struct Verbosity {
    /// Say only what is wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
}

/// What a command has been told by the groups of options that it has; as by default what it has no option for.
#[derive(Clone, Debug)]
pub struct Options {
    pub device: DeviceChoice,
    pub set: Vec<String>,
    pub results: PathBuf,
    threads: Option<NonZeroU16>,
    checkpoint_seconds: u32,
    pub force: bool,
}

impl Options {
    /// The options of a command that makes files in the results folder and has no other options.
    pub fn new(results: &Results) -> Self {
        Self {
            device: DeviceChoice::Cpu,
            set: Vec::new(),
            results: results.results.clone(),
            threads: None,
            checkpoint_seconds: 0,
            force: false,
        }
    }

    pub fn with_set(self, Set { set }: &Set) -> Self {
        Self { set: set.clone(), ..self }
    }

    pub fn with_compute(self, Compute { device, threads }: &Compute) -> Self {
        Self { device: *device, threads: *threads, ..self }
    }

    pub fn with_saving(self, Saving { checkpoint_seconds }: &Saving) -> Self {
        Self { checkpoint_seconds: *checkpoint_seconds, ..self }
    }

    pub fn with_force(self, Force { force }: &Force) -> Self {
        Self { force: *force, ..self }
    }

    pub fn threads(&self) -> NonZeroU16 {
        let cores = || available_parallelism().ok().and_then(|cores| NonZeroU16::try_from(cores).ok());
        self.threads.or_else(cores).unwrap_or(NonZeroU16::MIN)
    }

    /// ` --results DIR` for a command to copy; nothing where it is the usual folder.
    pub fn results_again(&self) -> String {
        let is_usual = self.results == Path::new(USUAL_RESULTS);
        if is_usual { String::new() } else { format!(" --results {}", quoted_path(&self.results)) }
    }

    pub fn checkpoint_age(&self) -> Duration {
        Duration::from_secs(self.checkpoint_seconds.into())
    }
}

impl Training {
    pub fn options(&self) -> Options {
        let Self { set, compute, results, saving, force } = self;
        Options::new(results).with_set(set).with_compute(compute).with_saving(saving).with_force(force)
    }
}

impl Verbosity {
    pub fn loudness(&self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (_, true) => Loudness::Verbose,
            _ => Loudness::Normal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use crate::cli::CommandLine;

    /// What the groups hold, but for what all commands know.
    const SHARED: &str = "set device threads results checkpoint-seconds force";

    /// By command, those of them that have an effect on it.
    const USED: [(&str, &str); 19] = [
        ("run", SHARED),
        ("decompose", SHARED),
        ("train target", "set device threads results checkpoint-seconds"),
        ("sweep hyperparameters", SHARED),
        ("sweep work", "device threads results checkpoint-seconds"),
        ("sweep status", ""),
        ("check", "set device threads results force"),
        ("evaluate", "device threads results"),
        ("import target", "set results"),
        ("import components", "set results force"),
        ("list", "results"),
        ("report", ""),
        ("diff", ""),
        ("export png", ""),
        ("export tensorboard", ""),
        ("doctor", "device results"),
        ("completions", ""),
        ("help spec", ""),
        ("help tables", ""),
    ];

    #[test]
    fn each_command_has_the_options_that_it_uses_and_no_others() {
        let root = CommandLine::command();
        let words = |text: &'static str| text.split_whitespace().collect::<BTreeSet<&str>>();
        for (name, used) in USED {
            let command = name.split(' ').fold(&root, |command, word| command.find_subcommand(word).unwrap());
            let shown = command.get_arguments().filter(|option| !option.is_hide_set());
            let found = shown.filter_map(|option| option.get_long()).filter(|name| words(SHARED).contains(name));
            assert_eq!(found.collect::<BTreeSet<&str>>(), words(used), "apd {name}");
        }
    }
}
