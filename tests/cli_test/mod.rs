//! Runs of the `apd` binary that read as sentences: `Test::new().with_spec().args(..).fails(2).stderr_is(..)`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use apd::spec::{Spec, load};
use snapbox::{IntoData, assert_data_eq};
use tempfile::TempDir;

/// A run in a folder of its own.
pub struct Test {
    pub folder: TempDir,
    args: Vec<String>,
}

/// How it ended.
pub struct Ended {
    pub folder: TempDir,
    pub stdout: String,
    pub stderr: String,
}

/// A small experiment: two replicas, two steps.
const TINY: &str = "\
seeds = 2
[target.tms]
features = 5
hidden = 2
[target.initial_values]
instances = 12
[target.inputs.independent]
probability = 0.3
[target.training]
steps = 2
batch = 16
learning_rate = 0.005
schedule = \"linear\"
[method.apd]
components = 5
rank = 2
schatten_power = 1.0
[method.apd.initial_values]
instances = 12
[method.apd.selection.batch_top_k]
k = 1.0
[method.apd.coefficients]
faithfulness = 1.0
minimality = 1.0
simplicity = 0.1
[decomposition]
steps = 2
batch = 16
learning_rate = 0.01
schedule = \"constant\"
[measurement]
samples = 100
";

impl Test {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), args: Vec::new() }
    }

    pub fn with_file(self, name: &str, content: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// With the small experiment as `tiny.toml`.
    pub fn with_spec(self) -> Self {
        self.with_file("tiny.toml", TINY)
    }

    pub fn spec(&self) -> Spec {
        load(&self.folder.path().join("tiny.toml"), &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn args<Args: IntoIterator>(mut self, args: Args) -> Self
    where
        Args::Item: AsRef<str>,
    {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_string()));
        self
    }

    pub fn succeeds(self) -> Ended {
        self.fails(0)
    }

    /// Ends with this exit code.
    pub fn fails(self, code: i32) -> Ended {
        let output = command(self.folder.path(), &self.args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(code), "{:?}\n{stdout}\n{stderr}", self.args);
        Ended { folder: self.folder, stdout, stderr }
    }

    /// Starts in the test's folder and leaves it running.
    pub fn start<const N: usize>(&self, args: [&str; N]) -> Running {
        let args = args.map(String::from);
        let mut child =
            command(self.folder.path(), &args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let (lines, received) = channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| {
                let _ = lines.send(line);
            });
        });
        Running { child, lines: received }
    }
}

fn command(folder: &Path, args: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apd"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

impl Ended {
    pub fn stdout_is(&self, expected: impl IntoData) -> &Self {
        assert_data_eq!(&self.stdout, expected.into_data());
        self
    }

    pub fn stderr_is(&self, expected: impl IntoData) -> &Self {
        assert_data_eq!(&self.stderr, expected.into_data());
        self
    }
}

/// A run under way. Killed if the test fails.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
}

/// How a run under way ended.
pub struct Left {
    pub code: Option<i32>,
    pub stderr: String,
}

impl Running {
    /// Until a line on stderr begins with these words.
    pub fn wait_for_words(&self, words: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        let next = || self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        let said = std::iter::from_fn(next).any(|line| line.starts_with(words));
        assert!(said, "apd never said {words:?}");
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn end(mut self) -> Left {
        let code = self.child.wait().unwrap().code();
        let lines: Vec<String> = self.lines.iter().collect();
        Left { code, stderr: lines.join("\n") + "\n" }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Left {
    /// Its last lines are these.
    pub fn stderr_ends_with(&self, expected: snapbox::data::Inline) {
        let count = expected.data.trim_matches('\n').lines().count();
        let lines: Vec<&str> = self.stderr.lines().collect();
        let last = lines[lines.len().saturating_sub(count)..].join("\n") + "\n";
        assert_data_eq!(last, expected.into_data());
    }
}
