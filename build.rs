//! Lets the programs find libtorch from anywhere, refuses one of another version, and notes the commit.

use std::env;
use std::path::Path;
use std::process::{Command, exit};

#[path = "src/libtorch.rs"]
#[allow(dead_code, reason = "its other half is for programs that run on libtorch")]
mod libtorch;
use libtorch::{CPU_LIBRARY, NEEDED_VERSION};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/libtorch.rs");
    if let Err(message) = use_libtorch() {
        println!("cargo::error={message}");
        exit(1);
    }
    note_commit();
}

/// Writes libtorch's real folder into the programs' search path: libtorch looks for the libraries that it needs itself
/// from where it lies, not from where a link to it lies.
fn use_libtorch() -> Result<(), String> {
    println!("cargo:rerun-if-env-changed=LIBTORCH_BYPASS_VERSION_CHECK");
    let given = env::var("DEP_TCH_LIBTORCH_LIB").map_err(|_| "torch-sys did not say where libtorch is.".to_owned())?;
    println!("cargo:rerun-if-changed={given}/{CPU_LIBRARY}");
    let library = Path::new(&given).join(CPU_LIBRARY).canonicalize().map_err(|_| {
        format!("there is no libtorch in {given}. Run scripts/set-up, or set LIBTORCH to a folder with libtorch {NEEDED_VERSION}.")
    })?;
    let folder = library.parent().expect("a file has a folder");

    let found = libtorch::version_in(folder);
    let fits = found.as_ref().is_none_or(|found| found.split('+').next() == Some(NEEDED_VERSION));
    if !fits && env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_none() {
        return Err(format!(
            "{given} holds libtorch {}, but apd needs {NEEDED_VERSION}. Set LIBTORCH to a folder with that version, or unset it and run scripts/set-up.",
            found.unwrap_or_default()
        ));
    }
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    // The older kind of search path: it comes before LD_LIBRARY_PATH, which may name another program's libtorch.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
    Ok(())
}

/// Gives the compiler APD_COMMIT and APD_DIRTY: the commit that is being built, and whether the sources differ from it.
fn note_commit() {
    const SOURCES: [&str; 5] = ["src", "build.rs", "Cargo.toml", "Cargo.lock", ".cargo"];
    // The folder may be an unpacked archive inside somebody else's repository, whose commit says nothing.
    let here = env::current_dir().ok().and_then(|folder| folder.canonicalize().ok());
    let repository = git(&["rev-parse", "--show-toplevel"]).and_then(|folder| Path::new(&folder).canonicalize().ok());
    if repository.is_none() || repository != here {
        println!("cargo:rustc-env=APD_COMMIT=unknown");
        println!("cargo:rustc-env=APD_DIRTY=false");
        return;
    }
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let changes = git(&[&["status", "--porcelain", "--"], SOURCES.as_slice()].concat()).unwrap_or_default();
    println!("cargo:rustc-env=APD_COMMIT={commit}");
    println!("cargo:rustc-env=APD_DIRTY={}", !changes.is_empty());

    // The log of HEAD grows with each commit and checkout. Only files that exist: a missing one means "always".
    let log = ["logs/HEAD", "HEAD"].map(|name| git(&["rev-parse", "--git-path", name]));
    for path in log.iter().flatten().map(String::as_str).chain(SOURCES).filter(|path| Path::new(path).exists()) {
        println!("cargo:rerun-if-changed={path}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
