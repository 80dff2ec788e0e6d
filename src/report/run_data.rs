//! A run folder read into plain values: whatever is there, and a list of what is not.

use std::path::{Path, PathBuf};

use super::{
    evidence::{Evidence, Expected, NOT_THERE},
    files,
    rows::read_table,
    weights::Weights,
};
use crate::{
    method::{Words, words},
    network::Room,
    run::{Provenance, RunError, RunFolder, is_file},
    spec,
    table::{Cell, ComponentRow, NetworkKind, RankRow, SummaryRow, TrainingRow},
};

/// Sizes of a toy model of superposition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    pub features: usize,
    pub hidden: usize,
    pub hidden_layers: usize,
}

/// The target of a run, as far as a report speaks of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    Tms(Sizes),
    ResidualMlp {
        features: usize,
        neurons: usize,
        layers: usize,
    },
    /// Neurons are those of one function.
    GatedFunctions {
        functions: usize,
        neurons: usize,
        layers: usize,
    },
}

impl Target {
    /// Whether each feature may have a dimension or a neuron of its own.
    pub fn room(&self) -> Room {
        match *self {
            Target::Tms(Sizes { features, hidden, .. }) => Room::of(hidden, features),
            Target::ResidualMlp { features, neurons, .. } => Room::of(neurons, features),
            Target::GatedFunctions { .. } => Room::ForSome,
        }
    }

    pub fn kind(&self) -> NetworkKind {
        match self {
            Target::Tms(_) => NetworkKind::Tms,
            Target::ResidualMlp { .. } => NetworkKind::ResidualMlp,
            Target::GatedFunctions { .. } => NetworkKind::GatedFunctions,
        }
    }

    /// What a mechanism belongs to, as a noun.
    pub fn mechanism_of(&self) -> &'static str {
        match self {
            Target::Tms(_) | Target::ResidualMlp { .. } => "feature",
            Target::GatedFunctions { .. } => "function",
        }
    }
}

/// Everything that a report shows of one run.
pub struct RunData {
    pub folder: PathBuf,
    /// The folder's name.
    pub name: String,
    /// `None`: unknown.
    pub target: Option<Target>,
    /// The number of replicas that the spec asks for.
    pub replicas: Option<usize>,
    /// "finished", "running" and so on, as the run itself wrote it.
    pub status: Option<String>,
    pub device: Option<String>,
    /// When the run was begun, RFC 3339.
    pub started: Option<String>,
    pub seconds: Option<f64>,
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
    /// The share of inputs on which a feature, or a control bit, is active; None if it differs from feature to feature
    /// or is unknown.
    pub feature_probability: Option<f64>,
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
        let real_folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let target = target(&spec);
        // The weights of a residual MLP are too many to be drawn one by one.
        let is_drawn = matches!(target, Some(Target::Tms(_) | Target::GatedFunctions { .. })) || spec.is_empty();
        let expected = Expected {
            network: target.as_ref().map(Target::kind),
            trained: is_trained(&spec),
            selects: selects(&spec),
        };
        let evidence = |problems: &mut Vec<String>| Evidence::read(&paths, &expected, problems);
        Ok(RunData {
            folder: folder.to_owned(),
            name: real_folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
            replicas: replicas(&spec),
            status: text("status"),
            device: text("device"),
            started: text("started"),
            seconds: provenance.get("seconds").and_then(|value| value.as_f64()),
            is_measured: !matches!(is_file(&paths.table::<SummaryRow>()), Ok(false)),
            summary: read_table(&paths.table::<SummaryRow>(), &mut problems),
            // Imported components were trained elsewhere.
            training: match spec.contains_key("imported_components") {
                true => Vec::new(),
                false => read_table(&paths.table::<TrainingRow>(), &mut problems),
            },
            components: read_table(&paths.table::<ComponentRow>(), &mut problems),
            ranks: read_table(&paths.table::<RankRow>(), &mut problems),
            evidence: evidence(&mut problems),
            target,
            words: words(spec.get("method").and_then(|method| method.as_table()).unwrap_or(&toml::Table::new())),
            feature_probability: feature_probability(&spec),
            weights: is_drawn.then(|| Weights::read(&paths.target(), &paths.components(), &mut problems)).flatten(),
            problems,
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
        let by_mmcs = self.sizes().is_some();
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

    /// The sizes of a toy model of superposition.
    pub fn sizes(&self) -> Option<&Sizes> {
        match &self.target {
            Some(Target::Tms(sizes)) => Some(sizes),
            _ => None,
        }
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

fn target(spec: &toml::Table) -> Option<Target> {
    let target = spec.get("target")?;
    let size = |kind: &toml::Value, key: &str| kind.get(key)?.as_integer().and_then(|size| usize::try_from(size).ok());
    if let Some(tms) = target.get("tms") {
        let hidden_layers = size(tms, "hidden_layers").unwrap_or(0);
        return Some(Target::Tms(Sizes {
            features: size(tms, "features")?,
            hidden: size(tms, "hidden")?,
            hidden_layers,
        }));
    }
    if let Some(gated) = target.get("gated_functions") {
        return Some(Target::GatedFunctions {
            functions: size(gated, "functions")?,
            neurons: size(gated, "neurons_per_function").unwrap_or(10),
            layers: size(gated, "layers").unwrap_or(2),
        });
    }
    let mlp = target.get("residual_mlp")?;
    let layers = size(mlp, "layers").unwrap_or(1);
    Some(Target::ResidualMlp { features: size(mlp, "features")?, neurons: size(mlp, "neurons")?, layers })
}

/// Whether there is a training to look at: constructed and imported targets have none.
fn is_trained(spec: &toml::Table) -> bool {
    let has = |key: &str| spec.get("target").and_then(|target| target.get(key)).is_some();
    has("training") && !has("imported")
}

/// Whether the method selects components: the L_p form does not.
fn selects(spec: &toml::Table) -> bool {
    let selection = || spec.get("method")?.get("apd")?.get("selection")?.get("lp");
    selection().is_none()
}

/// Synced features too are each active with the probability of their group.
fn feature_probability(spec: &toml::Table) -> Option<f64> {
    let (target, inputs) = (target(spec)?, spec.get("target")?.get("inputs")?);
    if let Some(active) = inputs.get("exactly") {
        let (Target::Tms(Sizes { features, .. }) | Target::ResidualMlp { features, .. }) = target else { return None };
        return Some(active.get("active")?.as_integer()? as f64 / features as f64);
    }
    let kinds = ["independent", "synced", "gated"];
    kinds.iter().find_map(|kind| inputs.get(kind)?.get("probability")?.as_float()).filter(|share| share.is_finite())
}

/// `seeds` is a list in a resolved spec and may be a number in one that was written by hand.
fn replicas(spec: &toml::Table) -> Option<usize> {
    match spec.get("seeds")? {
        toml::Value::Array(seeds) => Some(seeds.len()),
        toml::Value::Integer(count) => usize::try_from(*count).ok(),
        _ => None,
    }
}
