//! Long ones: memory, open files and the log of a long run; a sweep of many trials; many replicas of which some diverge.

use std::{fs, path::Path, thread::sleep, time::Duration};

use crate::{
    cli_test::Test,
    experiment::{folder_in, with_sweep},
    findings::Finding,
};

/// Of a process at one moment.
#[derive(Clone, Copy, Debug)]
struct Use {
    seconds: f64,
    resident_kilobytes: u64,
    open_files: usize,
    log_bytes: u64,
}

impl Use {
    /// `None` once it has ended.
    fn of(process: u32, seconds: f64, log: &Path) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(Self {
            seconds,
            resident_kilobytes: resident.trim().strip_suffix(" kB")?.parse().ok()?,
            open_files: fs::read_dir(format!("/proc/{process}/fd")).ok()?.count(),
            log_bytes: fs::metadata(log).map_or(0, |file| file.len()),
        })
    }
}

#[test]
#[ignore = "some minutes: scripts/endurance"]
fn a_run_of_200000_steps_keeps_its_memory_its_open_files_and_its_log() {
    let test = Test::new().with_spec();
    let words = [
        "run",
        "tiny.toml",
        "--device=cpu",
        "--threads=1",
        "--checkpoint-seconds=2",
        "--set=decomposition.steps=200000",
    ];
    let running = test.start(words);
    running.wait_for_words("components: 200000 steps");
    let log = folder_in(test.folder.path(), "tiny-").join("log.txt");
    let mut uses = Vec::new();
    while let Some(now) = Use::of(running.id(), 2.0 * uses.len() as f64, &log) {
        uses.push(now);
        sleep(Duration::from_secs(2));
    }
    let ended = running.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    write_uses(&uses);
    // What is said at the end, and the measurements, are another thing than steps: the last samples are left out.
    let steps = &uses[..uses.len().saturating_sub(2)];
    let (first, last) = (steps[steps.len() / 4], steps[steps.len() - 1]);
    let mut finding = Finding::of("a run of 200,000 steps", "from a quarter of it to its end");
    let growth = last.resident_kilobytes as f64 / first.resident_kilobytes as f64 - 1.0;
    let said = format!(
        "{:.1} to {:.1} MB, {} to {} open files, log {} bytes",
        first.resident_kilobytes as f64 / 1e3,
        last.resident_kilobytes as f64 / 1e3,
        first.open_files,
        last.open_files,
        last.log_bytes
    );
    let is_flat = growth < 0.02 && first.open_files == last.open_files && last.log_bytes < 100_000;
    if is_flat {
        finding.saw(said)
    } else {
        finding.saw_wrong(said)
    }
    finding.close();
}

fn write_uses(uses: &[Use]) {
    let Some(path) = std::env::var_os("APD_ENDURANCE_TABLE") else { return };
    let mut table = csv::Writer::from_path(path).unwrap();
    table.write_record(["seconds", "resident_kilobytes", "open_files", "log_bytes"]).unwrap();
    for Use { seconds, resident_kilobytes, open_files, log_bytes } in uses {
        table.serialize((seconds, resident_kilobytes, open_files, log_bytes)).unwrap();
    }
    table.flush().unwrap();
}

/// Cells of one column of a sweep's `trials.csv`.
fn statuses(folder: &Path) -> Vec<String> {
    let mut table = csv::Reader::from_path(folder_in(folder, "-sweep-").join("trials.csv")).unwrap();
    let place = table.headers().unwrap().iter().position(|column| column == "status").unwrap();
    table.records().map(|row| row.unwrap()[place].to_string()).collect()
}

#[test]
#[ignore = "some minutes: scripts/endurance"]
fn a_sweep_of_1000_trials_finishes_with_all_rows() {
    let sweep = "
[sweep]
strategy = { random = { trials = 1000 } }
seeds = [0]
[sweep.space]
\"method.apd.coefficients.simplicity\" = { from = 0.01, to = 1.0, scale = \"log\" }
";
    let words =
        ["sweep", "hyperparameters", "tiny.toml", "--device=cpu", "--threads=1", "--set=decomposition.steps=20"];
    let ended = with_sweep(sweep).args(words).succeeds();
    let statuses = statuses(ended.folder.path());
    let mut finding = Finding::of("a sweep of 1,000 trials", "20 steps each");
    let finished = statuses.iter().filter(|status| *status == "finished").count();
    let said = format!("{finished} of {} rows finished", statuses.len());
    if (finished, statuses.len()) == (1000, 1000) {
        finding.saw(said)
    } else {
        finding.saw_wrong(said)
    }
    finding.close();
}

#[test]
#[ignore = "some minutes: scripts/endurance"]
fn of_64_replicas_three_diverge_and_61_have_results() {
    let rates: Vec<String> = (0..64)
        .map(|trial| if [5, 33, 63].contains(&trial) { "1e6".into() } else { format!("0.0{}", 100 + trial) })
        .collect();
    let sweep =
        format!("\n[sweep]\nseeds = [0]\n[sweep.space]\ndecomposition.learning_rate = [{}]\n", rates.join(", "));
    let words =
        ["sweep", "hyperparameters", "tiny.toml", "--device=cpu", "--threads=1", "--set=decomposition.steps=2000"];
    let ended = with_sweep(&sweep).args(words).succeeds();
    let folder = folder_in(ended.folder.path(), "-sweep-");
    assert_eq!(
        fs::read_dir(folder.join("packs")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(),
        1
    );
    let statuses = statuses(ended.folder.path());
    let count = |words: &str| statuses.iter().filter(|status| status.starts_with(words)).count();
    let mut finding = Finding::of("64 replicas trained together", "three with a rate at which they diverge");
    let said = format!("{} finished, {} diverged", count("finished"), count("diverged"));
    if (count("finished"), count("diverged")) == (61, 3) {
        finding.saw(said)
    } else {
        finding.saw_wrong(said)
    }
    finding.close();
}
