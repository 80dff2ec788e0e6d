//! What runs are written as for other programs: event files, read back by TensorBoard's own reader, and pictures.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::cli_test::Test;
use snapbox::{assert_data_eq, str};

/// Prints what the event file in the folder that is its argument holds.
const READER: &str = r#"
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
for tag in sorted(events.Tags()["scalars"]):
    found = events.Scalars(tag)
    first, last = found[0], found[-1]
    print(f"{tag}: {len(found)}, {first.step} {first.value:.6g} .. {last.step} {last.value:.6g}, {last.wall_time - first.wall_time:.1f} s")
for tag in events.Tags()["tensors"]:
    (text,) = events.Tensors(tag)
    print(tag, text.tensor_proto.string_val[0].decode().splitlines()[0].strip())
"#;

/// A Python path with TensorBoard: what is installed, or else what pip puts into the tests' own folder.
fn tensorboard() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tensorboard");
    let is_there = || {
        let mut python = Command::new("python3");
        python.args(["-c", "import tensorboard.backend.event_processing.event_accumulator"]);
        python.env("PYTHONPATH", &folder).output().is_ok_and(|output| output.status.success())
    };
    if !is_there() {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
        let pip =
            Command::new("python3").args(pip).arg(&folder).args(["tensorboard==2.21.0", "setuptools<81"]).output();
        let pip = pip.expect("python3, which the set-up needs too");
        assert!(is_there(), "TensorBoard could not be had: {}", String::from_utf8_lossy(&pip.stderr));
    }
    folder
}

fn read(events: &Path) -> String {
    let python = Command::new("python3").args(["-c", READER]).arg(events).env("PYTHONPATH", tensorboard()).output();
    let python = python.unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    String::from_utf8(python.stdout).unwrap()
}

fn golden_run(name: &str) -> Test {
    let mut test = Test::new();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_run")).unwrap() {
        let file = file.unwrap();
        let place = format!("{name}/{}", file.file_name().to_str().unwrap());
        test = test.with_file(&place, fs::read(file.path()).unwrap());
    }
    test
}

#[test]
fn tensorboard_reads_losses_measurements_and_the_spec_of_every_replica() {
    let ended = golden_run("run").args(["export", "tensorboard", "run"]).succeeds();
    ended.stderr_is(str![[r#"
3 replicas for TensorBoard: run/tensorboard
  help: look with: tensorboard --logdir run/tensorboard

"#]]);
    let replica = |replica: usize| read(&ended.folder.path().join(format!("run/tensorboard/replica_{replica}")));
    assert_data_eq!(
        replica(2),
        str![[r#"
loss/faithfulness: 201, 0 0.67313 .. 1999 4.51186e-06, 3.3 s
loss/minimality: 201, 0 0.0163586 .. 1999 0.00141583, 3.3 s
loss/simplicity: 201, 0 0.00211702 .. 1999 0.0191767, 3.3 s
loss/total: 201, 0 0.690971 .. 1999 0.0148441, 3.3 s
measured/alive: 1, 1999 5 .. 1999 5, 0.0 s
measured/faithfulness: 1, 1999 7.83926e-06 .. 1999 7.83926e-06, 0.0 s
measured/mean_active: 1, 1999 0.210938 .. 1999 0.210938, 0.0 s
measured/mean_rank: 1, 1999 1 .. 1999 1, 0.0 s
measured/minimality: 1, 1999 0.00164972 .. 1999 0.00164972, 0.0 s
measured/ml2r: 1, 1999 0.714421 .. 1999 0.714421, 0.0 s
measured/mmcs: 1, 1999 0.97114 .. 1999 0.97114, 0.0 s
measured/recovered: 1, 1999 0 .. 1999 0, 0.0 s
measured/simplicity: 1, 1999 0.0193744 .. 1999 0.0193744, 0.0 s
measured/total: 1, 1999 0.0152197 .. 1999 0.0152197, 0.0 s
spec format = 1

"#]]
    );
    assert_ne!(replica(0), replica(1));
}

#[test]
fn runs_are_exported_side_by_side_and_again() {
    let export = ["export", "tensorboard", "first", "--out", "events"];
    let once = golden_run("first").args(export).succeeds();
    // Named by the second that the run began: 2026-11-22T17:53:47Z.
    let file = Path::new("events/first/replica_0/events.out.tfevents.1795370027.apd");
    let written = fs::read(once.folder.path().join(file)).unwrap();
    let again = once.then().args(export).succeeds();
    assert_eq!(fs::read(again.folder.path().join(file)).unwrap(), written);
    assert!(!again.folder.path().join("first/tensorboard").exists());
}

#[test]
fn a_damaged_row_makes_no_more_replicas_than_it_names() {
    let test = golden_run("run").with_change(|folder| {
        let table = folder.join("run/training.csv");
        let text = fs::read_to_string(&table).unwrap() + "18446744073709551615,0,total,1\n";
        fs::write(table, text).unwrap();
    });
    test.args(["export", "tensorboard", "run"]).succeeds().stderr_is(str![[r#"
4 replicas for TensorBoard: run/tensorboard
  help: look with: tensorboard --logdir run/tensorboard

"#]]);
}

#[test]
fn a_run_that_holds_nothing_yet_is_refused() {
    Test::new().with_file("run/spec.toml", "name = \"x\"\n").args(["export", "tensorboard", "run"]).fails(1).stderr_is(
        str![[r#"
error: run holds no losses and no measurements yet
  help: wait until the run has been going for a while

"#]],
    );
}

#[test]
fn a_file_in_the_place_of_the_folder_is_told_with_the_option_that_names_it() {
    let test = golden_run("run").with_file("file", "");
    test.args(["export", "png", "run", "--out", "file"]).fails(1).stderr_is(str![[r#"
error: cannot make the folder file/run: file is a file
  help: move it out of the way, or choose another folder with --out

"#]]);
    let with_a_space = golden_run("a run").args(["export", "tensorboard", "a run"]).succeeds();
    with_a_space.stderr_is(str![[r#"
3 replicas for TensorBoard: a run/tensorboard
  help: look with: tensorboard --logdir 'a run/tensorboard'

"#]]);
}

#[test]
fn figures_are_exported_as_png_of_the_given_width() {
    let ended = golden_run("run").args(["export", "png", "run", "--out", "slides", "--width", "500"]).succeeds();
    let names: Vec<String> = ended
        .files()
        .into_keys()
        .filter_map(|path| Some(path.strip_prefix("slides/run").ok()?.display().to_string()))
        .collect();
    assert!(names.contains(&"features.png".to_owned()) && names.contains(&"losses.png".to_owned()), "{names:?}");
    ended.stderr_is(format!("{} figures: slides/run\n", names.len()));
    let features = fs::read(ended.folder.path().join("slides/run/features.png")).unwrap();
    // The signature, then the header: its length, `IHDR`, and the width.
    assert_eq!(features[..20], *b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\xf4");
}
