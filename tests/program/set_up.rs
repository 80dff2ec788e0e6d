//! `scripts/set-up` on machines that lack something: each test makes a folder of the programs that such a machine has,
//! and compares the whole of what the user reads. Nothing is downloaded: pip is a script that writes tiny wheels.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The ordinary programs that the script calls.
const TOOLS: [&str; 17] = [
    "awk", "bash", "cat", "cut", "df", "dirname", "flock", "ln", "mkdir", "mv", "readlink", "rm", "sed", "sleep",
    "sort", "touch", "env",
];

/// Writes the wheel that was asked for into the folder after --dest, or fails where the machine says so.
const PIP: &str = r#"
echo "$*" >>"$HOME/pip-calls"
while [[ $1 != --dest ]]; do shift; done
if [[ -e $HOME/network-is-down ]]; then echo "no route to pypi.org" >&2; exit 1; fi
if [[ -e $HOME/power-fails ]]; then rm "$HOME/power-fails"; touch "$2/half.whl"; kill -9 $PPID; exit 1; fi
if [[ -e $HOME/network-is-slow ]]; then sleep 0.3; fi
exec "$PYTHON" -c '
import sys, zipfile
folder, requirement = sys.argv[1:]
paths = ["torch/lib/libtorch_cpu.so", "torch/lib/libtorch_cuda.so", "torch/lib/libtorch_python.so",
         "torch/include/torch/torch.h", "torch/version.py", "torch/nn/modules.py"]
if not requirement.startswith("torch"):
    paths = ["nvidia/cu13/lib/" + requirement.split("=")[0] + ".so.13", "nvidia/cu13/include/a.h"]
with zipfile.ZipFile(folder + "/" + requirement.replace("==", "-") + "-py3-none-any.whl", "w") as wheel:
    for path in paths:
        wheel.writestr(path, "")
' "$2" "$3"
"#;

/// A machine, made of a home folder, a clone of the repository and the programs on its PATH.
struct Machine {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    /// A machine that has everything, and no GPU.
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() };
        for folder in ["bin", "home", "apd/scripts"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in ["Cargo.toml", "scripts/set-up", "scripts/libtorch-wheels.txt", "scripts/unpack-wheel.py"] {
            fs::copy(sources.join(file), machine.path("apd").join(file)).unwrap();
        }
        for tool in TOOLS {
            let original = find_on_path(tool).unwrap_or_else(|| panic!("{tool} is on PATH"));
            symlink(original, machine.path("bin").join(tool)).unwrap();
        }
        let python = python();
        machine
            .with("uname", "echo Linux x86_64")
            .with("getconf", "echo glibc 2.36")
            .with("cargo", "")
            .with("rustc", "echo 'rustc 1.95.0 (59807616e 2026-04-14)'")
            .with("cc", "")
            .with("c++", "")
            .with(
                "python3",
                &format!(
                    "PYTHON='{python}'\nif [[ \"$1 $2\" != '-m pip' ]]; then exec \"$PYTHON\" \"$@\"; fi\n\
                     [[ $3 != --version ]] || exit 0\n{PIP}"
                ),
            )
            .with_variable("APD_LIBTORCH", "cpu")
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn with(self, program: &str, script: &str) -> Self {
        let path = self.path("bin").join(program);
        // Or a link's target would be overwritten.
        let _ = fs::remove_file(&path);
        fs::write(&path, format!("#!/usr/bin/env bash\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn without(self, program: &str) -> Self {
        fs::remove_file(self.path("bin").join(program)).unwrap();
        self
    }

    fn with_file(self, relative: &str, text: &str) -> Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn with_variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value.into()));
        self
    }

    fn start(&self) -> Child {
        Command::new(self.path("apd/scripts/set-up"))
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Whether the set-up succeeded, and what it said, the machine's own folder written as `~`.
    fn set_up(&self) -> (bool, String) {
        self.told(self.start().wait_with_output().unwrap())
    }

    fn told(&self, output: Output) -> (bool, String) {
        assert!(output.stdout.is_empty(), "standard output belongs to apd itself");
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), text.replace(self.folder.path().to_str().unwrap(), "~"))
    }

    fn fails_with(&self, message: &str) {
        assert_eq!(self.set_up(), (false, format!("apd: {message}\n")));
        assert!(!self.path("apd/.libtorch/wheel").exists(), "something is half-installed");
    }

    fn installed(&self) -> Option<String> {
        fs::read_to_string(self.path("apd/.libtorch/wheel/installed")).ok()
    }

    fn number_of_downloads(&self) -> usize {
        fs::read_to_string(self.path("home/pip-calls")).unwrap_or_default().lines().count()
    }
}

fn find_on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The Python itself: `python3` on PATH may be a script that looks for it by means of the user's variables.
fn python() -> String {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let output = output.expect("python3 is on PATH: set-up needs it, and so do its tests");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The files below a folder, as paths relative to it.
fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

const CPU_INSTALLATION: &str = "\
apd: getting libtorch 2.11.0 (flavour cpu) into ~/apd/.libtorch
apd:   torch==2.11.0 (531 MB)
apd:   nvidia-cuda-cupti==13.0.85 (11 MB)
apd:   nvidia-cuda-runtime==13.0.96 (3 MB)
";

#[test]
fn libtorch_is_installed_once() {
    let machine = Machine::new();
    assert_eq!(machine.set_up(), (true, CPU_INSTALLATION.to_owned()));
    assert_eq!(machine.installed().as_deref(), Some("2.11.0 cpu\n"));
    assert_eq!(machine.number_of_downloads(), 3);

    assert_eq!(machine.set_up(), (true, String::new()));
    assert_eq!(machine.number_of_downloads(), 3);
}

#[test]
fn the_cpu_flavour_keeps_what_a_cpu_program_needs() {
    let machine = Machine::new();
    machine.set_up();
    let expected = [
        "installed",
        "nvidia/cu13/lib/nvidia-cuda-cupti.so.13",
        "nvidia/cu13/lib/nvidia-cuda-runtime.so.13",
        "torch/include/torch/torch.h",
        "torch/lib/libtorch_cpu.so",
        "torch/version.py",
    ];
    assert_eq!(files_below(&machine.path("apd/.libtorch/wheel")), BTreeSet::from(expected.map(str::to_owned)));
    // And nothing beside it but what belongs there.
    let mut store: Vec<_> =
        fs::read_dir(machine.path("apd/.libtorch")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    store.sort();
    assert_eq!(store, ["link", "lock", "set-up.log", "wheel"]);
}

#[test]
fn the_compiler_sees_libtorch_without_cuda() {
    let machine = Machine::new().with_variable("APD_LIBTORCH", "cuda");
    machine.set_up();
    assert!(machine.path("apd/.libtorch/wheel/torch/lib/libtorch_cuda.so").exists());
    let link = machine.path("apd/.libtorch/link");
    assert!(link.join("include/torch/torch.h").exists());
    assert!(link.join("lib/libtorch_cpu.so").exists());
    assert!(!link.join("lib/libtorch_cuda.so").exists());
}

#[test]
fn a_machine_with_a_driver_gets_the_cuda_flavour() {
    let machine = Machine::new().with("nvidia-smi", "").with_variable("APD_LIBTORCH", "");
    let (succeeded, text) = machine.set_up();
    assert!(succeeded, "{text}");
    assert_eq!(text.lines().next(), Some("apd: getting libtorch 2.11.0 (flavour cuda) into ~/apd/.libtorch"));
    assert_eq!(machine.installed().as_deref(), Some("2.11.0 cuda\n"));
    assert_eq!(machine.number_of_downloads(), 15);
}

#[test]
fn a_flavour_is_replaced_when_another_is_asked_for_and_only_then() {
    let machine = Machine::new();
    machine.set_up();
    let machine = machine.with("nvidia-smi", "").with_variable("APD_LIBTORCH", "");
    assert_eq!(machine.set_up(), (true, String::new()));
    assert_eq!(machine.installed().as_deref(), Some("2.11.0 cpu\n"));

    let machine = machine.with_variable("APD_LIBTORCH", "cuda");
    machine.set_up();
    assert_eq!(machine.installed().as_deref(), Some("2.11.0 cuda\n"));
}

#[test]
fn a_failed_download_leaves_what_was_there_before() {
    let machine = Machine::new();
    machine.set_up();
    let machine = machine.with_file("home/network-is-down", "").with_variable("APD_LIBTORCH", "cuda");
    assert!(!machine.set_up().0);
    assert_eq!(machine.installed().as_deref(), Some("2.11.0 cpu\n"));
}

#[test]
fn an_interrupted_set_up_leaves_nothing_half_installed() {
    let machine = Machine::new().with_file("home/power-fails", "");
    assert!(!machine.set_up().0);
    assert!(!machine.path("apd/.libtorch/wheel").exists());
    assert_eq!(machine.set_up(), (true, CPU_INSTALLATION.to_owned()));
    assert!(!machine.path("apd/.libtorch/partial").exists());
}

#[test]
fn two_set_ups_at_once_install_once() {
    let machine = Machine::new().with_file("home/network-is-slow", "");
    let told: BTreeSet<_> = [machine.start(), machine.start()]
        .map(|child| machine.told(child.wait_with_output().unwrap()))
        .into_iter()
        .collect();
    let waited = "apd: another set-up is at work here; waiting for it\n".to_owned();
    assert_eq!(told, BTreeSet::from([(true, CPU_INSTALLATION.to_owned()), (true, waited)]));
    assert_eq!(machine.number_of_downloads(), 3);
}

#[test]
fn another_system() {
    Machine::new().with("uname", "echo Darwin arm64").fails_with(
        "this machine is Darwin arm64, but apd runs on Linux x86_64 only. Use such a machine or a container of one.",
    );
}

#[test]
fn no_rust() {
    Machine::new().without("cargo").fails_with(
        "no Rust: cargo or rustc is not on PATH. Install it from https://rustup.rs, then run this command again.",
    );
}

#[test]
fn rust_that_does_not_run() {
    Machine::new().with("rustc", "echo 'error: no default toolchain' >&2; exit 1").fails_with(
        "rustc does not run. Try `rustc --version`; with rustup, `rustup default stable` may be all that is missing.",
    );
}

#[test]
fn rust_that_is_too_old() {
    Machine::new()
        .with("rustc", "echo 'rustc 1.80.1 (3f5fd8dd4 2024-08-06)'")
        .fails_with("Rust 1.80.1 is too old: apd needs 1.89 or newer. With rustup, run `rustup update stable`.");
}

#[test]
fn no_cpp_compiler() {
    Machine::new().without("c++").fails_with(
        "no C++ compiler: 'c++' is not on PATH. Install one (Debian, Ubuntu: apt install g++; Fedora: dnf install \
         gcc-c++), or name yours in CXX.",
    );
}

#[test]
fn no_linker() {
    Machine::new().without("cc").fails_with(
        "no linker: Rust calls it 'cc', which is not on PATH. Install a C compiler (Debian, Ubuntu: apt install gcc; \
         Fedora: dnf install gcc).",
    );
}

#[test]
fn an_old_c_library() {
    Machine::new().with("getconf", "echo glibc 2.17").fails_with(
        "libtorch 2.11.0 needs glibc 2.28 or newer, and this machine has glibc 2.17. Use a newer Linux or a container \
         of one.",
    );
}

#[test]
fn no_python() {
    Machine::new().without("python3").fails_with(
        "no Python: python3 is not on PATH, and its pip is needed to get libtorch. Install it (Debian, Ubuntu: apt \
         install python3-pip), or set LIBTORCH to a folder with libtorch 2.11.0.",
    );
}

#[test]
fn no_pip() {
    Machine::new().with("python3", "exit 1").fails_with(
        "no pip: ~/bin/python3 has none, and pip is needed to get libtorch. Install it (Debian, Ubuntu: apt install \
         python3-pip; elsewhere: python3 -m ensurepip), or set LIBTORCH to a folder with libtorch 2.11.0.",
    );
}

#[test]
fn a_full_disk() {
    Machine::new().with("df", "echo 'Filesystem MB Used Available'; echo '/dev/sda 9000 7800 1200 87% /'").fails_with(
        "not enough disk: libtorch (flavour cpu) needs 1300 MB in ~/apd/.libtorch, and 1200 MB are free. Make room, \
         or make .libtorch a link to a folder on a larger disk.",
    );
}

#[test]
fn a_folder_that_cannot_be_written() {
    Machine::new().with_file("apd/.libtorch", "not a folder").fails_with(
        "cannot write to ~/apd/.libtorch. Make it writable, or set LIBTORCH to a folder with libtorch 2.11.0.",
    );
}

#[test]
fn no_network() {
    let machine = Machine::new().with_file("home/network-is-down", "");
    let (succeeded, text) = machine.set_up();
    assert!(!succeeded);
    assert_eq!(
        text.lines().last(),
        Some(
            "apd: pip could not download torch==2.11.0; its last words are in ~/apd/.libtorch/set-up.log. Check the \
             network, the proxy and pip's settings, then run this command again."
        )
    );
    assert_eq!(fs::read_to_string(machine.path("apd/.libtorch/set-up.log")).unwrap(), "no route to pypi.org\n");
    assert!(!machine.path("apd/.libtorch/wheel").exists());
    assert!(!machine.path("apd/.libtorch/partial").exists());
}

#[test]
fn a_flavour_that_does_not_exist() {
    Machine::new()
        .with_variable("APD_LIBTORCH", "tpu")
        .fails_with("APD_LIBTORCH is 'tpu', but it can only be cpu or cuda.");
}

/// A machine whose user has a libtorch of this version in the home folder.
fn machine_with_own_libtorch(version: &str) -> Machine {
    let machine = Machine::new()
        .with_file("home/torch/lib/libtorch_cpu.so", "")
        .with_file("home/torch/version.py", &format!("__version__ = '{version}'\n"));
    let folder = machine.path("home/torch").to_str().unwrap().to_owned();
    machine.with_variable("LIBTORCH", folder)
}

#[test]
fn a_libtorch_of_ones_own_is_used() {
    let machine = machine_with_own_libtorch("2.11.0+cu128");
    assert_eq!(machine.set_up(), (true, String::new()));
    assert!(!machine.path("apd/.libtorch").exists());
}

#[test]
fn a_libtorch_of_another_version() {
    let machine = machine_with_own_libtorch("2.9.1+cu128");
    machine.fails_with(
        "LIBTORCH is ~/home/torch, which holds libtorch 2.9.1+cu128, but apd needs 2.11.0. Name a folder with that \
         version, unset LIBTORCH to have it installed, or set LIBTORCH_BYPASS_VERSION_CHECK=1 to try all the same.",
    );
    let machine = machine.with_variable("LIBTORCH_BYPASS_VERSION_CHECK", "1");
    assert_eq!(machine.set_up(), (true, String::new()));
}

#[test]
fn a_libtorch_that_is_not_there() {
    let machine = Machine::new().with_variable("LIBTORCH", "/no/such/folder");
    machine.fails_with(
        "LIBTORCH is /no/such/folder, but there is no lib/libtorch_cpu.so in it. Name a folder with libtorch 2.11.0, \
         or unset LIBTORCH to have one installed.",
    );
}
