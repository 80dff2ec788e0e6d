//! Runs of the `apd` binary that read as sentences: `Test::new().with_spec().args(..).fails(2).stderr_is(..)`.
#![allow(dead_code, reason = "no test file uses everything")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use apd::spec::{Spec, load};
use snapbox::{IntoData, assert_data_eq};
use tempfile::TempDir;

/// A run in a folder of its own.
pub struct Test {
    pub folder: Rc<TempDir>,
    args: Vec<String>,
}

/// How it ended.
pub struct Ended {
    pub folder: Rc<TempDir>,
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
        Self { folder: Rc::new(TempDir::new().unwrap()), args: Vec::new() }
    }

    pub fn with_file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// With the files of a folder changed by `change`.
    pub fn with_change(self, change: impl FnOnce(&Path)) -> Self {
        change(self.folder.path());
        self
    }

    /// With other permissions of a file or folder.
    pub fn with_mode(self, path: impl AsRef<Path>, mode: u32) -> Self {
        fs::set_permissions(self.folder.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// With the small experiment as `tiny.toml`.
    pub fn with_spec(self) -> Self {
        self.with_file("tiny.toml", TINY)
    }

    pub fn spec(&self) -> Spec {
        load(&self.folder.path().join("tiny.toml"), &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The small experiment with the `--set` among these words.
    pub fn spec_of(&self, words: &[String]) -> Spec {
        let set: Vec<String> = words.iter().filter_map(|word| word.strip_prefix("--set=").map(String::from)).collect();
        load(&self.folder.path().join("tiny.toml"), &set).unwrap_or_else(|error| panic!("{error}"))
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

    /// Ends with this exit code; no file that was there is lost or changed.
    pub fn fails(self, code: i32) -> Ended {
        let before = files_in(self.folder.path());
        let ended = self.ends(code);
        let after = ended.files();
        for (path, content) in before.iter().filter(|(path, _)| !is_about_the_process(path)) {
            assert!(after.get(path) == Some(content), "{} is not as it was", path.display());
        }
        ended
    }

    /// Ends with this exit code, perhaps after clearing away checkpoints.
    pub fn ends(self, code: i32) -> Ended {
        let command = command(self.folder.path(), &self.args);
        self.ended(command, code)
    }

    /// The same with so many bytes of memory to address.
    pub fn ends_within(self, bytes: u64, code: i32) -> Ended {
        self.ends_in(|command| limit(command, libc::RLIMIT_AS, bytes), code)
    }

    /// The same in surroundings that `change` makes.
    pub fn ends_in(self, change: impl FnOnce(&mut Command), code: i32) -> Ended {
        let mut command = command(self.folder.path(), &self.args);
        change(&mut command);
        self.ended(command, code)
    }

    fn ended(self, mut command: Command, code: i32) -> Ended {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(code), "{:?}\n{stdout}\n{stderr}", self.args);
        Ended { folder: self.folder, stdout, stderr }
    }

    /// Starts in the test's folder and leaves it running.
    pub fn start<const N: usize>(&self, args: [&str; N]) -> Running {
        self.start_with(&args.map(String::from))
    }

    pub fn start_with(&self, args: &[String]) -> Running {
        Self::follow(&mut command(self.folder.path(), args))
    }

    /// The exit code, and all that it says: for commands whose end is not known before.
    pub fn answer_to(&self, args: &[String]) -> (Option<i32>, String) {
        let output = command(self.folder.path(), args).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("output is UTF-8"));
        (output.status.code(), said.concat())
    }

    /// Where a closing terminal is not to end it, as `nohup` starts it.
    pub fn start_without_hangup<const N: usize>(&self, args: [&str; N]) -> Running {
        let mut command = command(self.folder.path(), &args.map(String::from));
        // SAFETY: one system call, allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGHUP, libc::SIG_IGN);
                Ok(())
            });
        }
        Self::follow(&mut command)
    }

    /// With a variable in its environment.
    pub fn start_in(&self, args: &[String], variable: &str, value: &str) -> Running {
        Self::follow(command(self.folder.path(), args).env(variable, value))
    }

    /// Where no other program can be found.
    pub fn start_without_path(&self, args: &[String]) -> Running {
        Self::follow(command(self.folder.path(), args).env("PATH", ""))
    }

    fn follow(command: &mut Command) -> Running {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
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
    // Permissions hold for tests that are run by root too. Refused to others, whom they hold for anyway.
    const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
    const CAP_DAC_READ_SEARCH: libc::c_ulong = 2;
    // SAFETY: system calls, allowed between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0);
            // What the tests' own caller ignores, as `nohup` does, would be ignored here too.
            for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGXCPU] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        });
    }
    command
}

/// A limit on a resource, as `ulimit` sets it.
pub fn limit(command: &mut Command, resource: libc::__rlimit_resource_t, value: u64) {
    let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: one system call, allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::setrlimit(resource, &limit);
            Ok(())
        });
    }
}

/// Every file below a folder, by its path in it, with its content.
pub fn files_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().into(), fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}

/// Whether a file says, perhaps among other things, who worked when, and not only what came of it.
pub fn is_about_the_process(path: &Path) -> bool {
    ["log.txt", "provenance.json", "lock", "report.html"].iter().any(|name| path.ends_with(name))
}

impl Ended {
    /// Another command in the same folder.
    pub fn then(self) -> Test {
        Test { folder: self.folder, args: Vec::new() }
    }

    /// Another command in the same folder, and perhaps more after it.
    pub fn again(&self) -> Test {
        Test { folder: Rc::clone(&self.folder), args: Vec::new() }
    }

    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files_in(self.folder.path())
    }

    /// Its last lines on stderr are these.
    pub fn stderr_ends_with(&self, expected: snapbox::data::Inline) {
        ends_with(&self.stderr, expected);
    }

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

    /// Until a file whose path ends with this one is somewhere below the folder.
    pub fn wait_for_file(&self, folder: &Path, ending: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while !files_in(folder).keys().any(|path| path.ends_with(ending)) {
            assert!(Instant::now() < until, "apd never wrote {ending}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Without a process of its own, which on a busy machine would come too late.
    pub fn signal(&self, name: &str) {
        let signal = match name {
            "INT" => libc::SIGINT,
            "TERM" => libc::SIGTERM,
            "USR1" => libc::SIGUSR1,
            "USR2" => libc::SIGUSR2,
            "HUP" => libc::SIGHUP,
            "XCPU" => libc::SIGXCPU,
            "ALRM" => libc::SIGALRM,
            "KILL" => libc::SIGKILL,
            other => panic!("no signal {other}"),
        };
        // SAFETY: `kill` touches no memory, and the process is our own child, not yet waited for.
        assert_eq!(unsafe { libc::kill(self.child.id() as libc::pid_t, signal) }, 0);
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
        ends_with(&self.stderr, expected);
    }
}

fn ends_with(text: &str, expected: snapbox::data::Inline) {
    let count = expected.data.trim_matches('\n').lines().count();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(count)..].join("\n") + "\n";
    assert_data_eq!(last, expected.into_data());
}
