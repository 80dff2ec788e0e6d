//! What a shell, a terminal or a scheduler can make different around a command: the current folder, limits, closed or full
//! outputs, variables, paths of all kinds.

use std::{
    ffi::{CString, OsStr},
    fs::{self, File},
    os::unix::{ffi::OsStrExt, fs::symlink, process::CommandExt},
    path::Path,
    process::Command,
};

use crate::cli_test::{Test, limit};
use snapbox::str;

const RUN: [&str; 5] = ["run", "tiny.toml", "--device=cpu", "--threads=1", "--quiet"];

/// In a folder of the test that is removed before the command begins.
fn in_a_removed_folder(command: &mut Command, test: &Path) {
    let gone = test.join("gone");
    fs::create_dir(&gone).unwrap();
    let path = CString::new(gone.as_os_str().as_bytes()).unwrap();
    command.current_dir(gone);
    // SAFETY: one system call, allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::rmdir(path.as_ptr());
            Ok(())
        });
    }
}

#[test]
fn what_needs_no_current_folder_works_where_it_was_removed() {
    let test = Test::new().with_spec();
    let folder = test.folder.path().to_path_buf();
    let within = |command: &mut Command| in_a_removed_folder(command, &folder);
    let ended = test.args(["--version"]).ends_in(within, 0);
    assert!(ended.stdout.starts_with("apd "), "{}", ended.stdout);
    let ended = ended.then().args(["completions", "bash"]).ends_in(within, 0);
    assert!(ended.stdout.contains("decompose"), "{}", ended.stdout);
    let (spec, results) = (folder.join("tiny.toml"), folder.join("runs"));
    let run = ["run", spec.to_str().unwrap(), "--device=cpu", "--threads=1", "--results", results.to_str().unwrap()];
    let ended = ended.then().args(run).ends_in(within, 0);
    assert!(ended.stdout.contains("2 replicas, finished"), "{}", ended.stdout);
    let ended = ended.then().args(["list", "--results", results.to_str().unwrap()]).ends_in(within, 0);
    assert!(ended.stdout.contains("\ntiny-"), "{}", ended.stdout);
}

#[test]
fn what_needs_the_current_folder_says_that_it_was_removed() {
    let commands: [&[&str]; 6] = [
        &["run", "tiny.toml"],
        &["check", "tiny.toml"],
        &["list"],
        &["report", "runs/tiny"],
        &["diff", "/", "runs/tiny"],
        &["export", "png", "/", "--out", "slides"],
    ];
    for command in commands {
        let test = Test::new();
        let folder = test.folder.path().to_path_buf();
        let ended = test.args(command).ends_in(|command| in_a_removed_folder(command, &folder), 1);
        ended.stdout_is(str![""]).stderr_is(str![[r#"
error: [..] is in the current folder, which does not exist any more
  help: go to a folder that exists (cd), or give the path in full

"#]]);
    }
    let test = Test::new();
    let folder = test.folder.path().to_path_buf();
    let doctor = test.args(["doctor", "--device=cpu"]).ends_in(|command| in_a_removed_folder(command, &folder), 1);
    let expected =
        "!!  results   runs is in the current folder, which does not exist any more; go to a folder that exists";
    assert!(doctor.stdout.contains(expected), "{}", doctor.stdout);
}

#[test]
fn a_limit_on_the_size_of_files_is_told_like_a_full_disk() {
    let ended = Test::new().with_spec().args(RUN).ends_in(|command| limit(command, libc::RLIMIT_FSIZE, 1_000), 1);
    let error = &ended.stderr[ended.stderr.find("error: ").unwrap()..];
    snapbox::assert_data_eq!(
        error,
        str![[r#"
error: cannot write runs/[..]: File too large
  help: allow larger files (ulimit -f unlimited; some file systems have a limit too), then give the same command again: it goes on from the last checkpoint

"#]]
    );
}

#[test]
fn a_limit_on_open_files_is_told_with_what_to_do() {
    let seeds = "--set=seeds=40";
    let test = Test::new().with_spec().args(RUN).args([seeds]);
    test.ends_in(|command| limit(command, libc::RLIMIT_NOFILE, 16), 1).stderr_is(str![[r#"
error: cannot write runs/targets/[..]: Too many open files
  help: let a process open more files (ulimit -n 4096), or use fewer seeds, then give the same command again: it goes on from the last checkpoint

"#]]);
}

#[test]
fn threads_that_cannot_be_started_are_told() {
    let test = Test::new().with_spec().args(["run", "tiny.toml", "--device=cpu", "--threads=2000"]);
    test.ends_within(1 << 31, 1).stderr_is(str![[r#"
error: cannot start 2000 threads: Resource temporarily unavailable
  help: give fewer with --threads, or allow more processes (ulimit -u) or more memory (ulimit -v)

"#]]);
}

#[test]
fn the_limit_of_cpu_time_saves_before_it_ends_the_process() {
    let long = ["--set=decomposition.steps=100000000", "--set=decomposition.batch=1"];
    let ended = Test::new().with_spec().args(RUN).args(long).ends_in(|command| limit(command, libc::RLIMIT_CPU, 2), 3);
    assert!(
        ended.stderr.contains("warning: interrupted by SIGXCPU, the limit of CPU time at step "),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_standard_error_that_takes_nothing_ends_no_run() {
    let full = |command: &mut Command| {
        command.stderr(File::options().write(true).open("/dev/full").unwrap());
    };
    let ended = Test::new().with_spec().args(RUN[..4].iter()).ends_in(full, 0);
    assert!(ended.stdout.contains("2 replicas, finished"), "{}", ended.stdout);
    drop(Test::new().args(["run", "missing.toml"]).ends_in(full, 2));
}

#[test]
fn what_cannot_be_printed_is_a_failure() {
    let full = |command: &mut Command| {
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
    };
    for command in [&["--help"][..], &["--version"], &["list", "--help"], &["list"], &["completions", "zsh"]] {
        Test::new().args(command).ends_in(full, 1).stderr_is(str![[r#"
error: cannot write to the standard output: No space left on device
  help: make room on the disk (df -h and df -i tell what is used up), then give the same command again

"#]]);
    }
}

#[test]
fn the_home_folder_is_meant_by_a_tilde_that_the_shell_leaves() {
    let test = Test::new().with_spec();
    let home = test.folder.path().to_path_buf();
    let at_home = |command: &mut Command| {
        command.env("HOME", &home);
    };
    let ended = test.args(RUN).args(["--results=~/mine"]).ends_in(at_home, 0);
    assert!(home.join("mine").is_dir() && !home.join("~").exists());
    drop(ended.then().args(["check", "~/tiny.toml"]).ends_in(at_home, 0));

    let test = Test::new().args(["list", "--results=~nobody/runs"]).fails(2);
    test.stderr_is(str![[r#"
error: invalid value '~nobody/runs' for '--results <DIR>': the folder of another user is not looked up; give the path in full, or write ./~nobody/runs if ~nobody/runs is a name here

For more information, try '--help'.

"#]]);
    let without_home = |command: &mut Command| {
        command.env_remove("HOME");
    };
    Test::new().args(["report", "~/a"]).ends_in(without_home, 2).stderr_is(str![[r#"
error: invalid value '~/a' for '<RUN>...': ~ means the folder in HOME, which is not set; write ./~/a if ~/a is a name here

For more information, try '--help'.

"#]]);
}

#[test]
fn an_empty_path_is_refused() {
    Test::new().args(["list", "--results="]).fails(2).stderr_is(str![[r#"
error: invalid value '' for '--results <DIR>': an empty text is no path; the current folder is .

For more information, try '--help'.

"#]]);
}

#[test]
fn results_that_are_a_link_to_nowhere_a_device_or_too_long_a_name_are_told() {
    let long = format!("--results={}", "b".repeat(256));
    let test = Test::new().with_spec().with_change(|folder| symlink("nowhere", folder.join("dangling")).unwrap());
    test.args(RUN).args(["--results=dangling"]).ends(1).stderr_is(str![[r#"
error: cannot make the folder dangling: dangling is a link to nowhere, which does not exist
  help: make the folder that it leads to, remove the link, or choose another folder with --results

"#]]);
    Test::new().with_spec().args(RUN).args(["--results=/dev/null"]).ends(1).stderr_is(str![[r#"
error: cannot make the folder /dev/null: /dev/null is a device, a pipe or a socket
  help: move it out of the way, or choose another folder with --results

"#]]);
    Test::new().with_spec().args(RUN).args([long]).ends(1).stderr_is(str![[r#"
error: cannot write bbbb[..]: File name too long
  help: shorten the path: a name has at most 255 bytes, and a path 4095, or choose another folder with --results

"#]]);
}

#[test]
fn a_command_to_go_on_with_is_read_back_by_a_shell_byte_for_byte() {
    let test = Test::new().with_spec().with_change(|folder| {
        fs::create_dir(folder.join("it's $(a);")).unwrap();
        fs::rename(folder.join("tiny.toml"), folder.join("it's $(a);/tiny.toml")).unwrap();
    });
    let results = OsStr::from_bytes(b"--results=r\xff\n");
    let run = |command: &mut Command| {
        command.arg(results).arg("--set=decomposition.steps=100000000");
        limit(command, libc::RLIMIT_CPU, 2);
    };
    let words = ["run", "it's $(a);/tiny.toml", "--device=cpu", "--threads=1", "--quiet"];
    let ended = test.args(words).ends_in(run, 3);
    let expected = r"apd run 'it'\''s $(a);/tiny.toml' --device=cpu --threads=1 --quiet $'--results=r\xff\n' ";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    assert!(ended.folder.path().join(OsStr::from_bytes(b"r\xff\n")).is_dir());
}
