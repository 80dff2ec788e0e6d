//! A run folder read into plain values: whatever is there, and a list of what is not.

use std::path::{Path, PathBuf};

use super::{
    evidence::{Evidence, Expected, NOT_THERE},
    files,
    paper::{Published, published},
    rows::read_table,
    status,
    weights::Weights,
};
use crate::{
    method::{Words, words},
    network::Room,
    run::{Provenance, RunDescription, RunError, RunFolder, Status, TargetKind, is_file},
    spec,
    table::{Cell, ComponentRow, RankRow, SummaryRow, TrainingRow},
    visible::visible,
};

/// Everything that a report shows of one run.
pub struct RunData {
    pub folder: PathBuf,
    /// The folder's name.
    pub name: String,
    pub description: RunDescription,
    /// As the run itself wrote it.
    pub status: Option<Status>,
    /// As it is written, also by a version that knows more words.
    pub status_words: Option<String>,
    pub device: Option<String>,
    /// When the run was begun, RFC 3339.
    pub started: Option<String>,
    pub seconds: Option<f64>,
    /// Those of the training of the components, if they were noted.
    pub training_seconds: Option<f64>,
    /// The target's part of its spec; `None` if that cannot be read.
    pub target_settings: Option<toml::Value>,
    /// One row a replica; empty where the file is not there. So for all tables.
    pub summary: Vec<SummaryRow>,
    /// Whether there is a summary, if only one that cannot be read.
    is_measured: bool,
    pub training: Vec<TrainingRow>,
    pub components: Vec<ComponentRow>,
    pub ranks: Vec<RankRow>,
    /// Of all others.
    pub evidence: Evidence,
    /// What its method is called.
    pub words: &'static Words,
    /// Of networks that are drawn by their weights.
    pub weights: Option<Weights>,
    /// What is missing or could not be read, one sentence each.
    pub problems: Vec<String>,
}

impl RunData {
    /// Reads the run folder `folder`. Files that are missing or damaged are noted in `problems`.
    ///
    /// # Errors
    /// If `folder` is not a folder, or holds no `spec.toml` and so is no run's.
    pub fn read(folder: &Path) -> Result<RunData, RunError> {
        let paths = RunFolder::existing(folder)?;
        let mut problems = Vec::new();
        let spec = read_spec(&paths.spec(), &mut problems);
        let provenance = read_provenance(&paths.provenance(), &mut problems);
        let text = |key: &str| provenance.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let number =
            |key: &str| provenance.get(key).and_then(|value| value.as_f64()).filter(|number| number.is_finite());
        let real_folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let description = spec::describe(folder);
        let is_drawn = match description.kind() {
            Some(TargetKind::Tms { .. } | TargetKind::GatedFunctions { .. }) => true,
            // Its weights are too many to be drawn one by one.
            Some(TargetKind::ResidualMlp { .. }) => false,
            None => spec.is_empty(),
        };
        let expected = Expected {
            network: description.kind().map(TargetKind::network),
            trained: description.target.as_ref().is_some_and(|target| target.is_trained),
            selects: description.selects(),
        };
        Ok(RunData {
            folder: folder.to_owned(),
            name: real_folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
            status: status::recorded(&provenance),
            status_words: text("status"),
            device: text("device"),
            started: text("started"),
            seconds: number("seconds"),
            training_seconds: number("training_seconds"),
            target_settings: spec.get("target").cloned(),
            is_measured: !matches!(is_file(&paths.table::<SummaryRow>()), Ok(false)),
            summary: read_table(&paths.table::<SummaryRow>(), &mut problems),
            // Imported components were trained elsewhere.
            training: match description.imported_components {
                true => Vec::new(),
                false => read_table(&paths.table::<TrainingRow>(), &mut problems),
            },
            components: read_table(&paths.table::<ComponentRow>(), &mut problems),
            ranks: read_table(&paths.table::<RankRow>(), &mut problems),
            evidence: Evidence::read(&paths, &expected, &mut problems),
            words: words(description.method.as_ref().map(|method| method.key.as_str())),
            weights: is_drawn.then(|| Weights::read(&paths.target(), &paths.components(), &mut problems)).flatten(),
            problems,
            description,
        })
    }

    /// Why there is no row of a replica to show.
    pub fn why_no_replica(&self) -> &'static str {
        match self.is_measured {
            true => "What was measured cannot be read; the note on summary.csv says why.",
            false => "No replica has been measured yet.",
        }
    }

    /// Warns of what could not be read, for exports that have no place to note it. What is missing may not be there yet.
    pub fn warn_of_damage(&self) {
        let is_absent = |problem: &str| problem.contains(" is missing") || problem.starts_with(NOT_THERE);
        for problem in self.problems.iter().filter(|problem| !is_absent(problem)) {
            tracing::warn!("{}: {problem}", self.name);
        }
    }

    /// The replica that the figures show: the recovered one with the largest MMCS, or else that in which most features
    /// have a component of their own; the first of equals.
    pub fn shown_replica(&self) -> usize {
        let or_least = |value: f64| if value.is_finite() { value } else { f64::NEG_INFINITY };
        let merit = |row: &SummaryRow| {
            let recovered = row.recovered == Some(true);
            let mmcs = if recovered { or_least(row.mmcs.number()) } else { f64::NEG_INFINITY };
            (recovered, mmcs, or_least(row.features_with_own_component.number()), row.diverged_at.is_none())
        };
        // `max_by` would take the last of equals.
        let best = self.summary.iter().rev().max_by(|a, b| {
            let (a, b) = (merit(a), merit(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3))
        });
        best.map_or(0, |row| row.replica)
    }

    /// Why that replica is shown, for a caption.
    pub fn shown_because(&self) -> String {
        let replica = self.shown_replica();
        let by_mmcs = matches!(self.kind(), Some(TargetKind::Tms { .. }));
        match self.recovered(replica) {
            Some(true) if by_mmcs => format!("Replica {replica}, the recovered one with the largest MMCS"),
            Some(true) => format!("Replica {replica}, which is recovered"),
            Some(false) if by_mmcs || self.summary.len() == 1 => format!("Replica {replica}; none is recovered"),
            Some(false) => {
                format!("Replica {replica}; none is recovered, and in none have more features a component of their own")
            }
            None => format!("Replica {replica}, not yet judged"),
        }
    }

    /// The kind of its networks with their sizes; None if unknown.
    pub fn kind(&self) -> Option<TargetKind> {
        self.description.kind()
    }

    /// The number of replicas that the spec asks for.
    pub fn replicas(&self) -> Option<usize> {
        self.description.seeds.as_ref().map(Vec::len)
    }

    /// Whether each feature may have a dimension or a neuron of its own.
    pub fn room(&self) -> Room {
        match self.kind() {
            Some(TargetKind::Tms { features, hidden, .. }) => Room::of(hidden, features),
            Some(TargetKind::ResidualMlp { features, neurons, .. }) => Room::of(neurons, features),
            Some(TargetKind::GatedFunctions { .. }) | None => Room::ForSome,
        }
    }

    /// What has been published about runs of this method on this target.
    pub fn published(&self) -> Option<&'static Published> {
        let published = published(self.description.target.as_ref()?.reference?);
        (published.method == self.words.key).then_some(published)
    }

    /// What its method is called in short: "SPD".
    pub fn method(&self) -> String {
        let key = self.description.method.as_ref().map_or(self.words.key, |method| &method.key);
        visible(&key.to_uppercase())
    }

    /// Whether a replica is recovered; None while that is not known.
    pub fn recovered(&self, replica: usize) -> Option<bool> {
        self.summary.iter().find(|row| row.replica == replica).and_then(|row| row.recovered)
    }
}

pub fn read_spec(path: &Path, problems: &mut Vec<String>) -> toml::Table {
    let no_toml = |_| "spec.toml is not valid TOML, so the experiment's sizes are unknown.".to_owned();
    let spec: Result<toml::Table, String> = files::text(path).and_then(|text| text.parse().map_err(no_toml));
    match spec {
        Ok(spec) => {
            let format = spec.get("format").and_then(|format| format.as_integer());
            problems.extend(newer("spec.toml", format.and_then(|format| u64::try_from(format).ok()), spec::FORMAT));
            spec
        }
        Err(problem) => {
            problems.push(problem);
            toml::Table::new()
        }
    }
}

pub fn read_provenance(path: &Path, problems: &mut Vec<String>) -> serde_json::Value {
    let provenance = files::provenance(path).unwrap_or_else(|problem| {
        problems.push(problem);
        serde_json::Value::Null
    });
    let format = provenance.get("format").and_then(|format| format.as_u64());
    problems.extend(newer("provenance.json", format, Provenance::FORMAT));
    provenance
}

/// That a file is of a newer apd, if its format says so.
fn newer(file: &str, format: Option<u64>, newest: u64) -> Option<String> {
    let format = format.filter(|format| *format > newest)?;
    Some(format!("{file} has the format {format}; this apd knows formats up to {newest} and may misunderstand it."))
}
