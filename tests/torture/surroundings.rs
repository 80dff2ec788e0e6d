//! What can go wrong around a run: the disk, permissions, another process, the clock, files that go away.

use std::{
    env,
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, SystemTime},
};

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    cli_test::{Left, Test, files_in},
    experiment::{Whole, difference, folder_in, results, run, whole_run},
    findings::Finding,
    times,
};

/// Notes how it ended, and whether the same command then ends as if nothing had been.
fn goes_on(finding: &mut Finding, test: Test, ended: &Left, must_say: &[&str], expected: &Whole) {
    match ended.code {
        Some(0) => finding.saw("came to its end"),
        Some(1) if must_say.iter().all(|words| ended.stderr.contains(words)) => {
            finding.saw("told with what to do, gone on with")
        }
        code => return finding.saw_wrong(format!("{code:?}: {}", ended.stderr)),
    }
    let ended = test.args(run()).ends(0);
    if let Some(what) = difference(&results(ended.folder.path()), &results(expected.ended.folder.path())) {
        finding.saw_wrong(what);
    }
}

/// A small file system in memory, unmounted when it goes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`: this process may not mount.
    fn at(path: &Path, kilobytes: usize) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "none"]).arg(path);
        mount.output().is_ok_and(|ended| ended.status.success()).then(|| Self(path.into()))
    }

    fn grow(&self) {
        let status = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_costs_nothing_that_was_saved() {
    let whole = whole_run();
    let needed: usize =
        files_in(&whole.ended.folder.path().join("runs")).values().map(|file| file.len() / 1024 + 4).sum();
    let mut finding = Finding::of("the disk is full", "a file system too small by more or less");
    let total = times(2, 30);
    for round in 0..total {
        let test = Test::new().with_spec();
        let size = 24 + needed * round / total;
        let Some(disk) = SmallDisk::at(&test.folder.path().join("runs"), size) else {
            return finding.skip("this process may not mount a file system");
        };
        let ended = test.start_with(&run()).end();
        disk.grow();
        goes_on(&mut finding, test, &ended, &["No space left on device", "help: make room on the disk"], &whole);
    }
    finding.close();
}

#[test]
fn a_folder_that_becomes_read_only_is_told_and_costs_nothing_that_was_saved() {
    let whole = whole_run();
    let mut moments = ChaCha8Rng::seed_from_u64(9);
    let mut finding = Finding::of("the run's folder is made read-only", "at a random moment of the training");
    for _ in 0..times(2, 30) {
        let test = Test::new().with_spec();
        let running = test.start_with(&run());
        running.wait_for_words("components: ");
        let folder = folder_in(test.folder.path(), "tiny-");
        sleep(whole.took.mul_f64(moments.random_range(0.0..0.4)));
        let folders = [folder.join("checkpoint"), folder];
        let allow =
            |mode: u32| folders.iter().for_each(|path| drop(fs::set_permissions(path, Permissions::from_mode(mode))));
        allow(0o555);
        let ended = running.end();
        allow(0o755);
        goes_on(&mut finding, test, &ended, &["Permission denied", "help: "], &whole);
    }
    finding.close();
}

#[test]
fn a_second_process_on_one_run_is_refused_and_does_not_disturb_the_first() {
    let whole = whole_run();
    let mut finding = Finding::of("two processes on one run", "the second at a random moment");
    for _ in 0..times(1, 20) {
        let test = Test::new().with_spec();
        let first = test.start_with(&run());
        first.wait_for_words("components: ");
        let second = test.start_with(&run()).end();
        let first = first.end();
        let differs = difference(&results(test.folder.path()), &results(whole.ended.folder.path()));
        match (first.code, second.code) {
            (Some(0), Some(1)) if second.stderr.contains("is in use by process") && differs.is_none() => {
                finding.saw("the second refused, the first as ever");
            }
            // The first was faster.
            (Some(0), Some(0)) if differs.is_none() => finding.saw("the second came after the end"),
            codes => finding.saw_wrong(format!("{codes:?} {differs:?} {} {}", first.stderr, second.stderr)),
        }
    }
    finding.close();
}

#[test]
fn a_clock_that_jumps_by_years_changes_no_result() {
    let whole = whole_run();
    let mut finding = Finding::of("the clock moves", "by up to 30 years whenever it is asked; killed and gone on with");
    let library = whole.ended.folder.path().join("moved_clock.so");
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc.args(["--edition=2024", "-O", "--crate-type=cdylib", "tests/torture/moved_clock.rs", "-o"]).arg(&library);
    if !rustc.output().is_ok_and(|ended| ended.status.success()) {
        return finding.skip("there is no rustc");
    }
    let preload = library.display().to_string();
    for _ in 0..times(1, 10) {
        let test = Test::new().with_spec();
        let running = test.start_in(&run(), "LD_PRELOAD", &preload);
        running.wait_for_words("components: ");
        running.signal("KILL");
        running.end();
        let ended = test.start_in(&run(), "LD_PRELOAD", &preload).end();
        let started = fs::read_to_string(folder_in(test.folder.path(), "tiny-").join("provenance.json")).unwrap();
        let differs = difference(&results(test.folder.path()), &results(whole.ended.folder.path()));
        match (ended.code, differs) {
            (Some(0), None) => finding.saw("the same results"),
            (code, differs) => finding.saw_wrong(format!("{code:?} {differs:?} {}", ended.stderr)),
        }
        assert!(started.contains("\"started\": \"2"), "{started}");
        // A list sorts by these times.
        test.args(["list"]).ends(0);
    }
    finding.close();

    let mut finding = Finding::of("files are dated wrongly", "1970 and 2100, between a kill and going on");
    for round in 0..times(1, 10) {
        let test = Test::new().with_spec();
        let running = test.start_with(&run());
        running.wait_for_words("components: ");
        running.signal("KILL");
        running.end();
        let years = if round % 2 == 0 { 130 } else { 0 };
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(31_556_952 * years);
        let runs = test.folder.path().join("runs");
        files_in(&runs).keys().for_each(|path| File::open(runs.join(path)).unwrap().set_modified(date).unwrap());
        let ended = test.args(run()).ends(0);
        match difference(&results(ended.folder.path()), &results(whole.ended.folder.path())) {
            None => finding.saw("the same results"),
            Some(what) => finding.saw_wrong(what),
        }
    }
    finding.close();
}

#[test]
fn a_spec_that_is_removed_is_not_missed_by_the_run_and_told_by_the_next_command() {
    let whole = whole_run();
    let mut finding = Finding::of("the spec is removed", "while the run goes on");
    for _ in 0..times(1, 20) {
        let test = Test::new().with_spec();
        let running = test.start_with(&run());
        running.wait_for_words("components: ");
        fs::remove_file(test.folder.path().join("tiny.toml")).unwrap();
        let ended = running.end();
        let differs = difference(&results(test.folder.path()), &results(whole.ended.folder.path()));
        let next = test.start_with(&run()).end();
        match (ended.code, differs, next.code) {
            (Some(0), None, Some(2)) if next.stderr.contains("tiny.toml") => {
                finding.saw("the same results; told by the next command")
            }
            (code, differs, next_code) => {
                finding.saw_wrong(format!("{code:?} {differs:?} {next_code:?} {}", next.stderr))
            }
        }
    }
    finding.close();
}

#[test]
fn a_run_folder_that_is_removed_is_told_and_made_anew() {
    let whole = whole_run();
    let mut moments = ChaCha8Rng::seed_from_u64(10);
    let mut finding = Finding::of("the run's folder is removed", "at a random moment of the training");
    for _ in 0..times(1, 20) {
        let test = Test::new().with_spec();
        let running = test.start_with(&run());
        running.wait_for_words("components: ");
        let folder = folder_in(test.folder.path(), "tiny-");
        sleep(whole.took.mul_f64(moments.random_range(0.0..0.4)));
        fs::rename(&folder, test.folder.path().join("removed")).unwrap();
        let ended = running.end();
        goes_on(&mut finding, test, &ended, &["No such file or directory", "help: was the folder removed"], &whole);
    }
    finding.close();
}
