//! Nothing is written outside of the results folder, wherever links in it lead.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::cli_test::{Test, files_in};
use apd::{
    run::{RunFolder, TargetFolder},
    spec::parse,
};

const RUN: [&str; 4] = ["run", "tiny.toml", "--device=cpu", "--threads=1"];

/// Where the run folder of the small experiment would be, below the test's folder.
fn run_folder(test: &Test) -> PathBuf {
    let spec = test.spec();
    RunFolder::locate(Path::new("runs"), &spec.name, &spec.hash(), false).unwrap()
}

/// A link in the place `link`, made with the folders above it, that leads to the folder or file `outside`.
fn with_link(test: Test, link: &Path, outside: &str) -> Test {
    test.with_change(|folder| {
        fs::create_dir_all(folder.join(link).parent().unwrap()).unwrap();
        symlink(folder.join(outside), folder.join(link)).unwrap();
    })
}

/// That the experiment is refused because of a link at `link`, and that nothing happens to what it leads to.
fn assert_refused(test: Test, link: &Path) {
    let test = with_link(test.with_file("outside/kept.txt", "kept"), link, "outside");
    let ended = test.args(RUN).ends(1);
    assert_said(&ended.stderr, link);
    assert_eq!(files_in(&ended.folder.path().join("outside")), [("kept.txt".into(), b"kept".to_vec())].into());
}

fn assert_said(stderr: &str, link: &Path) {
    let (last, link) = (&stderr[stderr.find("error: ").unwrap_or(0)..], link.display());
    assert_eq!(
        last,
        format!(
            "error: {link} is a link, and nothing is written through links in a results folder\n  help: put what it points \
             to in its place, or choose another folder with --results\n"
        )
    );
}

#[test]
fn a_results_folder_that_is_a_link_is_what_its_user_named() {
    let test =
        with_link(Test::new().with_spec().with_file("elsewhere/kept.txt", "kept"), Path::new("runs"), "elsewhere");
    let run = run_folder(&test).file_name().unwrap().to_owned();
    let ended = test.args(RUN).succeeds();
    assert!(ended.folder.path().join("elsewhere").join(run).join("summary.csv").is_file());
}

#[test]
fn a_run_folder_that_is_a_link_is_refused() {
    let test = Test::new().with_spec();
    let run = run_folder(&test);
    assert_refused(test, &run);
}

#[test]
fn a_folder_of_checkpoints_that_is_a_link_is_refused() {
    let test = Test::new().with_spec();
    let checkpoints = run_folder(&test).join("checkpoint");
    assert_refused(test, &checkpoints);
}

#[test]
fn a_folder_of_reports_that_is_a_link_is_refused() {
    let test = Test::new().with_spec();
    let report = run_folder(&test).join("report");
    assert_refused(test, &report);
}

#[test]
fn a_folder_of_targets_and_one_of_them_that_are_links_are_refused() {
    assert_refused(Test::new().with_spec(), Path::new("runs/targets"));
    let test = Test::new().with_spec();
    let target = TargetFolder::new(Path::new("runs"), &test.spec().target.hash(), 1).path().to_path_buf();
    assert_refused(test, &target);
}

/// The one is emptied, the other appended to, by whoever follows.
#[test]
fn a_lock_and_a_log_that_are_links_are_refused() {
    for name in ["lock", "log.txt"] {
        let test = Test::new().with_spec().with_file("outside.txt", "kept");
        let link = run_folder(&test).join(name);
        let ended = with_link(test, &link, "outside.txt").args(RUN).ends(1);
        assert_said(&ended.stderr, &link);
        assert_eq!(fs::read_to_string(ended.folder.path().join("outside.txt")).unwrap(), "kept");
    }
}

#[test]
fn files_that_are_links_give_way_to_files() {
    const WRITTEN: [&str; 5] =
        ["provenance.json", "target.safetensors", "components.safetensors", "summary.csv", "baselines.csv"];
    let mut test = Test::new().with_spec();
    let run = run_folder(&test);
    for name in WRITTEN {
        let outside = format!("outside/{name}");
        test = with_link(test.with_file(&outside, "kept"), &run.join(name), &outside);
    }
    let ended = test.args(RUN).ends(0);
    for name in WRITTEN {
        let outside = fs::read_to_string(ended.folder.path().join("outside").join(name)).unwrap();
        assert_eq!(outside, "kept", "{name}");
        let is_link = fs::symlink_metadata(ended.folder.path().join(&run).join(name)).unwrap().is_symlink();
        assert!(!is_link, "{name}");
    }
}

#[test]
fn a_name_that_is_no_plain_word_is_refused() {
    let long = "x".repeat(65);
    let text = include_str!("../../../experiments/tms_5-2.toml");
    for name in ["..", "../x", "a/b", "/etc/x", ".hidden", "-x", "", "a b", "a\u{1b}[31m", "a\nb", "~", "é", &long] {
        let name = toml::Value::from(name).to_string();
        let error = parse(Path::new("x.toml"), text, &[format!("name={name}")]).unwrap_err().to_string();
        let rule = "error: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`\n";
        assert!(error.starts_with(rule), "{name}: {error}");
    }
}

/// Names that a file system or another program keeps for itself elsewhere are ordinary here, because a hash follows.
#[test]
fn names_of_our_own_folders_are_ordinary() {
    for name in ["targets", "con", "nul", "lock", "a..b"] {
        let ended =
            Test::new().with_spec().args(["check", "tiny.toml"]).args([format!("--set=name={name}")]).succeeds();
        assert!(ended.stdout.contains(&format!("runs/{name}-")), "{}", ended.stdout);
    }
}
