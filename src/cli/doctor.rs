//! `apd doctor`: what apd finds on this machine, and what is wrong with it.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use clap::Args;
use tch::{Device, Kind, TchError, Tensor};

use super::{Ending, Failure, ending::print, options::Results, paths};
use crate::device::{self, DeviceChoice};
use crate::run::{in_the_way, reason};
use crate::{libtorch, run, version};

/// Tell what apd finds on this machine, and what is wrong with it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd doctor
  apd doctor --device cuda --results /scratch/me/runs")]
pub struct Doctor {
    /// Where to compute: auto (the first GPU if there is one), cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,
    #[command(flatten)]
    results: Results,
}

impl Doctor {
    pub fn run(&self) -> Result<Ending, Failure> {
        let findings = examine(&self.results.results, self.device);
        print(&findings.to_string())?;
        Ok(if findings.is_well() { Ending::Done } else { Ending::Failed })
    }
}

/// What was found, as a table of lines for a person to read.
pub struct Findings(Vec<Finding>);

struct Finding {
    about: &'static str,
    verdict: Verdict,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    /// Something is missing that apd can do without.
    Missing,
    Wrong,
}

/// Looks at everything that a run on `choice` with its results in `results` depends on. Leaves nothing behind.
pub fn examine(results: &Path, choice: DeviceChoice) -> Findings {
    // The device first: libtorch must not be asked anything before CUDA is loaded.
    let device = examine_device(choice);
    let cuda = examine_cuda(choice);
    Findings(vec![
        examine_version(),
        examine_libtorch(),
        device,
        cuda,
        examine_threads(),
        examine_results(results),
        examine_git(),
    ])
}

impl Findings {
    /// Whether apd can work here.
    pub fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.verdict != Verdict::Wrong)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for Finding { about, verdict, text } in &self.0 {
            let mark = match verdict {
                Verdict::Fine => "ok",
                Verdict::Missing => "--",
                Verdict::Wrong => "!!",
            };
            writeln!(out, "{mark}  {about:<9} {text}")?;
        }
        let wrong = self.0.iter().filter(|finding| finding.verdict == Verdict::Wrong).count();
        match wrong {
            0 => writeln!(out, "All that apd needs is there."),
            1 => writeln!(out, "One thing is wrong: see the line marked !!."),
            _ => writeln!(out, "{wrong} things are wrong: see the lines marked !!."),
        }
    }
}

impl Finding {
    fn new(about: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { about, verdict, text: text.into() }
    }
}

fn examine_version() -> Finding {
    let changes = if version::IS_DIRTY { ", with changes" } else { "" };
    Finding::new("apd", Verdict::Fine, format!("{} (commit {}{changes})", version::VERSION, version::COMMIT))
}

fn examine_libtorch() -> Finding {
    let Some(folder) = libtorch::loaded_folder() else {
        return Finding::new("libtorch", Verdict::Wrong, "is not loaded. Build apd anew with scripts/apd.");
    };
    let (verdict, text) = match libtorch::version_in(&folder) {
        Some(found) if found.split('+').next() == Some(libtorch::NEEDED_VERSION) => (Verdict::Fine, found),
        Some(found) => (Verdict::Wrong, format!("{found}, but apd needs {}", libtorch::NEEDED_VERSION)),
        None => (Verdict::Missing, "of unknown version".to_owned()),
    };
    Finding::new("libtorch", verdict, format!("{text} in {}", folder.display()))
}

fn examine_device(choice: DeviceChoice) -> Finding {
    let device = match device::open(choice) {
        Ok(device) => device,
        Err(error) => return Finding::new("device", Verdict::Wrong, error.to_string()),
    };
    let name = match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    };
    match multiply_on(device) {
        Ok(8.0) => Finding::new("device", Verdict::Fine, format!("{name} (asked for: {choice})")),
        Ok(sum) => Finding::new("device", Verdict::Wrong, format!("{name} computes {sum} where 8 is right.")),
        Err(error) => Finding::new("device", Verdict::Wrong, format!("{name} cannot multiply two matrices: {error}")),
    }
}

/// A product of two matrices of ones, [2, 2]: its entries add up to 8.
fn multiply_on(device: Device) -> Result<f64, TchError> {
    let ones = Tensor::f_ones([2, 2], (Kind::Float, device))?;
    ones.f_matmul(&ones)?.f_sum(Kind::Float)?.f_double_value(&[])
}

fn examine_cuda(choice: DeviceChoice) -> Finding {
    // Loading it now, after tensors have been made on the CPU, would answer a question that nobody has asked.
    if choice == DeviceChoice::Cpu {
        return Finding::new("cuda", Verdict::Missing, "was not looked for, since the device is cpu.");
    }
    match device::count_gpus() {
        Ok(count) => {
            let driver = device::driver().unwrap_or_else(|| "of unknown version".to_owned());
            let gpus = if count == 1 { "GPU" } else { "GPUs" };
            Finding::new("cuda", Verdict::Fine, format!("{count} {gpus}, NVIDIA driver {driver}"))
        }
        Err(reason) => Finding::new("cuda", Verdict::Missing, format!("is not available: {reason}")),
    }
}

fn examine_threads() -> Finding {
    let threads = tch::get_num_threads();
    let cores = available_parallelism().map_or("unknown".to_owned(), |cores| cores.to_string());
    Finding::new("threads", Verdict::Fine, format!("{threads} (cores: {cores})"))
}

fn examine_results(results: &Path) -> Finding {
    let wrong = paths::current_folder(results).err().or_else(|| Some(in_the_way(results)?.to_string()));
    if let Some(wrong) = wrong {
        return Finding::new("results", Verdict::Wrong, wrong.replace("\n  help: ", "; "));
    }
    // A folder that does not exist yet will be made in the nearest one that does.
    // One that may not be looked at is tried out, which tells why.
    let exists = |folder: &&Path| folder.as_os_str().is_empty() || run::exists(folder).unwrap_or(true);
    let existing = results.ancestors().find(exists).filter(|folder| !folder.as_os_str().is_empty());
    let folder = existing.unwrap_or(Path::new("."));
    match try_out(folder) {
        Ok(()) => Finding::new("results", Verdict::Fine, format!("{}: can be written and locked", results.display())),
        Err(Trouble { what, error }) => Finding::new(
            "results",
            Verdict::Wrong,
            format!(
                "{}: {what} in {}: {}. Name another folder with --results.",
                results.display(),
                folder.display(),
                reason(&error)
            ),
        ),
    }
}

struct Trouble {
    what: &'static str,
    error: io::Error,
}

/// Does to a small file what a run does to its files: write, lock, flush, remove.
fn try_out(folder: &Path) -> Result<(), Trouble> {
    let path = folder.join(format!(".apd-doctor-{}", std::process::id()));
    let trouble = |what| move |error| Trouble { what, error };
    let mut file = File::create_new(&path).map_err(trouble("no file can be made"))?;
    let outcome = (|| {
        file.write_all(b"apd\n").and_then(|()| file.sync_all()).map_err(trouble("a file cannot be written"))?;
        lock_twice(&file, &path).map_err(trouble("a file cannot be locked"))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(trouble("the folder cannot be flushed"))
    })();
    let removed = fs::remove_file(&path).map_err(trouble("a file cannot be removed"));
    outcome.and(removed)
}

/// Locks a file, and makes sure that nobody else could: some network file systems grant every lock.
fn lock_twice(file: &File, path: &Path) -> io::Result<()> {
    file.try_lock()?;
    match File::open(path)?.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Err(io::Error::other("two locks on it were granted at once")),
    }
}

fn examine_git() -> Finding {
    match Command::new("git").arg("--version").output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Finding::new("git", Verdict::Fine, text.trim().trim_start_matches("git version "))
        }
        _ => Finding::new("git", Verdict::Missing, "is not on PATH. A new build cannot note its commit without it."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_does_not_exist_is_tried_in_its_parent_and_not_made() {
        let parent = tempfile::tempdir().unwrap();
        let results = parent.path().join("not/yet");
        let finding = examine_results(&results);
        assert_eq!(finding.text, format!("{}: can be written and locked", results.display()));
        assert_eq!(finding.verdict, Verdict::Fine);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "something was left behind");
    }

    #[test]
    fn a_relative_folder_is_tried_where_the_program_runs() {
        assert_eq!(examine_results(Path::new("no-such-folder")).text, "no-such-folder: can be written and locked");
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_wrong() {
        let parent = tempfile::tempdir().unwrap();
        let results = parent.path().join("file");
        fs::write(&results, "").unwrap();
        let finding = examine_results(&results);
        let name = results.display();
        assert_eq!(
            finding.text,
            format!(
                "cannot make the folder {name}: {name} is a file; move it out of the way, or choose another folder with \
                 --results"
            )
        );
        assert_eq!(finding.verdict, Verdict::Wrong);
    }

    #[test]
    fn what_is_wrong_is_counted_and_what_is_missing_is_not() {
        let findings = |verdicts: &[Verdict]| {
            Findings(verdicts.iter().map(|&verdict| Finding::new("git", verdict, "text")).collect())
        };
        let (fine, missing, wrong) = (Verdict::Fine, Verdict::Missing, Verdict::Wrong);
        let well = findings(&[fine, missing]);
        assert!(well.is_well());
        assert_eq!(well.to_string(), "ok  git       text\n--  git       text\nAll that apd needs is there.\n");
        let ill = findings(&[wrong]);
        assert!(!ill.is_well());
        assert_eq!(ill.to_string(), "!!  git       text\nOne thing is wrong: see the line marked !!.\n");
        assert!(findings(&[wrong, wrong]).to_string().ends_with("2 things are wrong: see the lines marked !!.\n"));
    }

    #[test]
    fn this_machine_is_well_on_the_cpu() {
        let folder = tempfile::tempdir().unwrap();
        let findings = examine(folder.path(), DeviceChoice::Cpu);
        assert!(findings.is_well(), "{findings}");
    }
}
