//! Signals at random moments, SIGKILL most of the time: whatever is killed is gone on with, and ends with the bytes of an
//! uninterrupted one.

use std::{path::Path, thread::sleep};

use apd::{
    report::Report,
    run::{Lock, Provenance, Status},
};
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    cli_test::{Running, Test},
    experiment::{Files, Whole, difference, folder_in, results, run, sweep, test_of_sweep, whole_run, whole_sweep},
    findings::Finding,
    times,
};

#[test]
fn a_run_killed_at_any_moment_ends_with_the_bytes_of_an_uninterrupted_one() {
    let Whole { ended, took } = whole_run();
    let expected = results(ended.folder.path());
    let mut finding = Finding::of("a run is sent a signal", "7 of 10 SIGKILL; SIGTERM, SIGINT, SIGUSR1");
    let mut moments = ChaCha8Rng::seed_from_u64(1);
    let (mut left, mut finished) = (times(8, 500), 0);
    while left > 0 {
        let test = Test::new().with_spec();
        loop {
            let running = test.start_with(&run());
            if left > 0 {
                sleep(took.mul_f64(moments.random_range(0.0..1.0)));
            }
            let ended = if left > 0 { signal(running, &mut moments) } else { leave(running) };
            match ended {
                Ok(Outcome::Ended) => break,
                Ok(Outcome::Left(how)) => {
                    finding.saw(how);
                    left = left.saturating_sub(1);
                }
                Err(what) => return fail(finding, what),
            }
        }
        finished += 1;
        let run_folder = folder_in(test.folder.path(), "tiny-");
        let text = Report::read(&[run_folder]).unwrap().text(1000);
        if let Some(what) = difference(&results(test.folder.path()), &expected) {
            return fail(finding, what);
        }
        if text.contains("could not be read") {
            return fail(finding, text);
        }
    }
    eprintln!("{finished} runs, all alike");
    finding.close();
}

#[test]
fn a_sweep_killed_at_any_moment_ends_with_all_rows_and_computes_no_finished_trial_again() {
    let Whole { ended, took } = whole_sweep();
    let expected = results(ended.folder.path());
    let mut finding =
        Finding::of("a sweep is sent a signal", "7 of 10 SIGKILL; SIGTERM, SIGINT, SIGUSR1; 3 of 10 with two workers");
    let mut moments = ChaCha8Rng::seed_from_u64(2);
    let mut left = times(4, 100);
    while left > 0 {
        let test = test_of_sweep();
        let mut finished = Files::new();
        loop {
            let mut command = sweep();
            command.extend(moments.random_bool(0.3).then(|| "--workers=2".into()));
            let running = test.start_with(&command);
            if left > 0 {
                sleep(took.mul_f64(moments.random_range(0.0..1.0)));
            }
            let ended = if left > 0 { signal(running, &mut moments) } else { leave(running) };
            // Workers of a killed one save and leave; only then is the folder at rest.
            wait_for_workers(test.folder.path());
            let now = finished_trials(test.folder.path());
            let kept = finished.iter().all(|(path, provenance)| now.get(path) == Some(provenance));
            if !kept {
                return fail(finding, "a finished trial was computed again".into());
            }
            finished = now;
            match ended {
                // Its workers may have met packs that those of a killed one still worked on.
                Ok(Outcome::Ended) if finished.len() == 4 => break,
                Ok(Outcome::Ended) => {}
                Ok(Outcome::Left(how)) => {
                    finding.saw(how);
                    left = left.saturating_sub(1);
                }
                Err(what) => return fail(finding, what),
            }
        }
        // The tables of a sweep are written once more by whoever comes next.
        test.start_with(&sweep()).end();
        if let Some(what) = difference(&results(test.folder.path()), &expected) {
            return fail(finding, what);
        }
    }
    finding.close();
}

enum Outcome {
    /// On its own, well.
    Ended,
    /// Because of the signal, in these words.
    Left(&'static str),
}

fn fail(mut finding: Finding, what: String) {
    finding.saw_wrong(what);
    finding.close();
}

/// Sends a signal, sometimes twice. `Err`: it ended as it should not.
fn signal(running: Running, moments: &mut ChaCha8Rng) -> Result<Outcome, String> {
    let name = match moments.next_u32() % 10 {
        0 => "TERM",
        1 => "INT",
        2 => "USR1",
        _ => "KILL",
    };
    running.signal(name);
    if name == "INT" && moments.random_bool(0.5) {
        sleep(std::time::Duration::from_millis(2));
        running.signal("INT");
    }
    let ended = running.end();
    match (name, ended.code) {
        (_, Some(0)) => Ok(Outcome::Ended),
        ("KILL", None) => Ok(Outcome::Left("killed")),
        // Before it listens to signals.
        (_, None) => Ok(Outcome::Left("ended by the signal at its start")),
        (_, Some(3)) => Ok(Outcome::Left("saved, exit code 3")),
        ("INT", Some(130)) => Ok(Outcome::Left("left at once, exit code 130")),
        (_, code) => Err(format!("exit code {code:?} after {name}: {}", ended.stderr)),
    }
}

fn leave(running: Running) -> Result<Outcome, String> {
    let ended = running.end();
    if ended.code == Some(0) { Ok(Outcome::Ended) } else { Err(format!("{:?}: {}", ended.code, ended.stderr)) }
}

/// The provenance of every trial that has finished.
fn finished_trials(folder: &Path) -> Files {
    let mut files = crate::cli_test::files_in(folder);
    files.retain(|path, _| {
        let is_finished = |path: &Path| Provenance::read(path).is_ok_and(|read| read.status == Status::Finished);
        path.ends_with("provenance.json") && path.iter().any(|part| part == "trials") && is_finished(&folder.join(path))
    });
    files
}

fn wait_for_workers(folder: &Path) {
    let is_lock = |path: &std::path::PathBuf| path.ends_with("lock");
    let at_work = || {
        let files = crate::cli_test::files_in(folder);
        files.keys().filter(|path| is_lock(path)).any(|path| Lock::is_held(folder.join(path).parent().unwrap()))
    };
    while at_work() {
        sleep(std::time::Duration::from_millis(20));
    }
}
