//! Files cut, flipped, zeroed and lengthened: whoever reads them says so by their name, or answers as before.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use apd::{
    report::{self, Report},
    run::{Checkpoints, Provenance, RunError, SweepFolder, read_checked, read_table, read_tensors},
    sweep::{self, Plan},
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    cli_test::Test,
    damage::Damaged,
    experiment::{difference, folder_in, results, run, whole_run, whole_sweep},
    findings::Finding,
    times,
};

/// The answer to a damaged file.
enum Answer {
    /// An error or a note that names the file.
    Named,
    /// The answer to the sound file.
    Same,
    Other(String),
}

/// Damages the file again and again, each time at another place, evenly over all of it, and asks `read`.
fn torment(finding: &mut Finding, path: &Path, times: usize, random: &mut ChaCha8Rng, read: impl Fn() -> Answer) {
    for round in 0..times {
        let _damaged = Damaged::new(path, (round as f64 + 0.5) / times as f64, random);
        match catch_unwind(AssertUnwindSafe(&read)) {
            Ok(Answer::Named) => finding.saw("told by its name"),
            Ok(Answer::Same) => finding.saw("answered as before"),
            Ok(Answer::Other(answer)) => finding.saw_wrong(format!("accepted: {answer}")),
            Err(_) => finding.saw_wrong("a panic"),
        }
    }
}

fn names(path: &Path, answer: &str) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    ["could not be read", "is damaged", "is not what", "is missing", "is not valid TOML", "are not those"]
        .iter()
        .any(|sign| answer.contains(sign))
        && answer.contains(&*name)
}

/// An error, or a note in the answer.
fn must_name(path: &Path, answer: Result<String, RunError>) -> Answer {
    let answer = answer.unwrap_or_else(|error| error.to_string());
    if names(path, &answer) { Answer::Named } else { Answer::Other(answer) }
}

fn or_same(path: &Path, answer: Result<String, RunError>, sound: &str) -> Answer {
    match answer {
        Ok(answer) if answer == sound => Answer::Same,
        answer => must_name(path, answer),
    }
}

fn report_of(folder: &Path) -> Result<String, RunError> {
    Ok(Report::read(&[folder.into()])?.text(10_000))
}

/// Every file in the folder that results are read from.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_source = |path: &PathBuf| {
        path.extension().is_some_and(|kind| ["csv", "toml", "json", "safetensors"].iter().any(|known| kind == *known))
    };
    let mut paths: Vec<PathBuf> = paths.filter(is_source).collect();
    paths.sort();
    paths
}

#[test]
fn every_file_of_a_finished_run_is_read_as_it_was_written_or_told_by_its_name() {
    let ended = whole_run().ended;
    let folder = folder_in(ended.folder.path(), "tiny-");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let sources = sources(&folder);
    assert!(sources.len() > 15, "{sources:?}");
    for path in &sources {
        let name = path.file_name().unwrap().to_string_lossy();
        let mut finding = Finding::of(format!("{name} of a finished run"), "damaged; read by the report");
        torment(&mut finding, path, times(6, 200), &mut random, || must_name(path, report_of(&folder)));
        finding.close();
    }
    for name in ["spec.toml", "summary.csv", "provenance.json"] {
        let path = folder.join(name);
        let mut finding =
            Finding::of(format!("{name} of a finished run"), "damaged; read by the list and the comparison");
        let runs = folder.parent().unwrap();
        torment(&mut finding, &path, times(4, 100), &mut random, || must_name(&path, report::list(runs, 10_000)));
        // How a run was made is not compared.
        if name != "provenance.json" {
            let diff = || must_name(&path, report::diff(&folder, &folder, 10_000));
            torment(&mut finding, &path, times(4, 100), &mut random, diff);
        }
        finding.close();
    }
    assert_eq!(report_of(&folder).unwrap().matches("could not be read").count(), 0, "the files are as they were");
}

#[test]
fn every_file_of_a_target_is_read_as_it_was_written_or_told_by_its_name() {
    let ended = whole_run().ended;
    let targets = ended.folder.path().join("runs/targets");
    let folder = fs::read_dir(targets).unwrap().next().unwrap().unwrap().path();
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for path in sources(&folder) {
        let name = path.file_name().unwrap().to_string_lossy();
        let mut finding = Finding::of(format!("{name} of a target"), "damaged; read by a run");
        let read = || -> Result<String, RunError> {
            match &*name {
                "target.safetensors" => drop(read_tensors(&path)?),
                "provenance.json" => drop(Provenance::read(&path)?),
                "spec.toml" => drop(read_checked(&path)?),
                _ => drop(read_table::<Vec<String>>(&path)?),
            }
            Ok("read".into())
        };
        torment(&mut finding, &path, times(6, 100), &mut random, || must_name(&path, read()));
        finding.close();
    }
}

/// Killed while its components were trained, with two checkpoints.
fn unfinished() -> Test {
    loop {
        let test = Test::new().with_spec();
        let running = test.start_with(&run());
        running.wait_for_words("components: ");
        let folder = folder_in(test.folder.path(), "tiny-");
        running.wait_for_file(&folder, "checkpoint/previous.safetensors");
        running.signal("KILL");
        running.end();
        // Unless it was killed between two renames, or came to its end.
        if folder.join("checkpoint/newest.safetensors").is_file() {
            return test;
        }
    }
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before_it_wherever_it_is_damaged() {
    let test = unfinished();
    let folder = folder_in(test.folder.path(), "tiny-").join("checkpoint");
    let checkpoints = Checkpoints::new(&folder, &test.spec_of(&run()).hash());
    let [newest, previous, aside] =
        ["newest", "previous", "damaged"].map(|name| folder.join(format!("{name}.safetensors")));
    let (sound_newest, sound_previous) = (fs::read(&newest).unwrap(), fs::read(&previous).unwrap());
    let step = || checkpoints.load().map(|found| found.map(|checkpoint| checkpoint.step));
    let latest = step().unwrap().unwrap();
    fs::rename(&newest, &aside).unwrap();
    let earlier = step().unwrap().unwrap();
    assert!(earlier < latest);
    let mut random = ChaCha8Rng::seed_from_u64(5);

    let mut finding = Finding::of("newest checkpoint", "damaged, at every region");
    let total = times(60, 3_700);
    for round in 0..total {
        fs::write(&newest, &sound_newest).unwrap();
        let damaged = Damaged::new(&newest, (round as f64 + 0.5) / total as f64, &mut random);
        match catch_unwind(AssertUnwindSafe(step)) {
            Ok(Ok(Some(step))) if step == earlier && aside.is_file() => {
                finding.saw("put aside, the one before it used")
            }
            Ok(found) => finding.saw_wrong(format!("step {found:?} of {earlier}, {latest}")),
            Err(_) => finding.saw_wrong("a panic"),
        }
        drop(damaged);
        fs::remove_file(&aside).ok();
    }
    finding.close();

    let mut finding = Finding::of("the only checkpoint", "damaged, at every region");
    let total = times(20, 500);
    fs::remove_file(&newest).ok();
    for round in 0..total {
        fs::write(&previous, &sound_previous).unwrap();
        let damaged = Damaged::new(&previous, (round as f64 + 0.5) / total as f64, &mut random);
        match catch_unwind(AssertUnwindSafe(step)) {
            Ok(Ok(None)) => finding.saw("put aside, from the beginning"),
            Ok(found) => finding.saw_wrong(format!("step {found:?} of none")),
            Err(_) => finding.saw_wrong("a panic"),
        }
        drop(damaged);
        fs::remove_file(&aside).ok();
    }
    finding.close();
}

#[test]
fn every_file_of_an_unfinished_run_is_read_as_it_was_written_or_told_by_its_name() {
    let test = unfinished();
    let folder = folder_in(test.folder.path(), "tiny-");
    let mut random = ChaCha8Rng::seed_from_u64(6);
    for path in sources(&folder) {
        let name = path.file_name().unwrap().to_string_lossy();
        let mut finding = Finding::of(format!("{name} of an unfinished run"), "damaged; read by the report");
        torment(&mut finding, &path, times(6, 100), &mut random, || must_name(&path, report_of(&folder)));
        finding.close();
    }
}

#[test]
fn every_file_of_a_sweep_is_read_as_it_was_written_or_told_by_its_name() {
    let ended = whole_sweep().ended;
    let path = folder_in(ended.folder.path(), "-sweep-");
    let status = || -> Result<String, RunError> {
        let folder = SweepFolder::existing(&path)?;
        let plan = Plan::read(&folder)?;
        Ok(sweep::status(&plan, &folder, &sweep::overview(&plan, &folder)))
    };
    let sound = status().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for name in ["sweep.toml", "plan.csv", "trials.csv", "trials/0001/summary.csv", "trials/0001/provenance.json"] {
        let file = path.join(name);
        let mut finding = Finding::of(format!("{name} of a sweep"), "damaged; read by its status");
        torment(&mut finding, &file, times(6, 200), &mut random, || match status() {
            Ok(text) if text.contains(", 1 unreadable\n") && text.contains(name) => Answer::Named,
            answer => or_same(&file, answer, &sound),
        });
        finding.close();
    }
}

/// What the binary itself says to a sample.
#[test]
fn no_command_panics_on_a_damaged_file_or_takes_it_for_a_sound_one() {
    let whole = whole_run().ended;
    let expected = results(whole.folder.path());
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut finding = Finding::of("a file of a finished run", "damaged; given to apd report, evaluate, list, export");
    let folder = folder_in(whole.folder.path(), "tiny-");
    let name = folder.strip_prefix(whole.folder.path()).unwrap().to_string_lossy().into_owned();
    let sources = sources(&folder);
    let mut test = whole.then();
    for round in 0..times(4, 100) {
        let path = &sources[random.random_range(0..sources.len())];
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let commands: [&[&str]; 4] = [
            &["report", &name],
            &["evaluate", &name, "--device=cpu", "--threads=1"],
            &["list"],
            &["export", "tensorboard", &name, "--out=events"],
        ];
        let command = commands[round % commands.len()];
        let damaged = Damaged::new(path, random.random_range(0.0..1.0), &mut random);
        let arguments: Vec<String> = command.iter().map(ToString::to_string).collect();
        let (code, said) = test.answer_to(&arguments);
        let evaluated = command[0] == "evaluate" && code == Some(0);
        let is_read = match command[0] {
            "list" => ["spec.toml", "summary.csv", "provenance.json"].contains(&&*file),
            "evaluate" => ["spec.toml", "provenance.json"].contains(&&*file) || file.ends_with("safetensors"),
            _ => true,
        };
        match code {
            Some(0 | 1) if names(path, &said) => finding.saw(format!("{}: told by its name", command[0])),
            Some(0) if !is_read && !evaluated => finding.saw(format!("{}: does not read it", command[0])),
            // Made anew, as it was before.
            Some(0) if evaluated && difference(&results(test.folder.path()), &expected).is_none() => {
                finding.saw("evaluate: made anew");
            }
            _ => finding.saw_wrong(format!("{command:?} with {file} damaged: {code:?} {said}")),
        }
        drop(damaged);
        // The tables of an evaluation have checksums of their own.
        if let Some(what) = difference(&results(test.folder.path()), &expected) {
            finding.saw_wrong(format!("{command:?} with {file} damaged: {what}"));
        }
    }
    finding.close();

    let mut finding = Finding::of("a file of an unfinished run", "damaged; gone on with by apd run");
    for _ in 0..times(2, 40) {
        test = unfinished();
        let folder = folder_in(test.folder.path(), "tiny-");
        let mut files = self::sources(&folder);
        files.extend(self::sources(&folder.join("checkpoint")));
        let path = files[random.random_range(0..files.len())].clone();
        let sound = fs::read(&path).unwrap();
        let bytes = crate::damage::damaged(&sound, random.random_range(0.0..1.0), &mut random);
        fs::write(&path, bytes).unwrap();
        let (code, said) = test.answer_to(&run());
        match code {
            Some(0) => match difference(&results(test.folder.path()), &expected) {
                None if names(&path, &said) => finding.saw("told by its name, the same results"),
                None => finding.saw("made anew, the same results"),
                Some(what) => finding.saw_wrong(format!("{}: {what}", path.display())),
            },
            Some(1) if names(&path, &said) => finding.saw("refused by its name"),
            _ => finding.saw_wrong(format!("{}: {code:?} {said}", path.display())),
        }
    }
    finding.close();
}
