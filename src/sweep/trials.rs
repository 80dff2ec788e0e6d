//! The trials of a sweep: the spec once for each combination of values, every one of them checked like a spec.

use std::path::Path;

use schemars::JsonSchema;

use super::{
    Drawn, MOST_TRIALS, Parameter, Sweep, TradeOffSettings, in_words,
    space_reader::{take_real_numbers, with_values},
    trade_off_settings,
};
use crate::{
    settings::{self, Entry, Node, Origin, Problem, SpecError, TableReader, grouped, related},
    spec::{Resolved, Spec, read_text, resolve, shown},
};

/// What a spec's file holds: an experiment and, beside it, what to vary of it.
#[derive(Clone, Debug, JsonSchema)]
pub struct SweptSpec {
    #[schemars(flatten)]
    pub spec: Spec,
    /// Many trials of the experiment.
    pub sweep: Option<Sweep>,
}

/// A sweep with its trials.
#[derive(Clone, Debug)]
pub struct Trials {
    /// The experiment that is varied.
    pub base: Spec,
    pub sweep: Sweep,
    /// As many as the strategy gives; some may be equal.
    pub trials: Vec<Trial>,
    /// The sweep as older versions understood it, if that is another one: for them, ranges in whole numbers meant whole numbers
    /// whatever the key.
    pub older: Option<Sweep>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Trial {
    /// In the order of the sweep's parameters.
    pub values: Vec<toml::Value>,
    pub spec: Spec,
}

/// Whose words a sweep is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Author {
    User,
    /// This or an older version, which wrote what it had understood; it was checked by that one's rules.
    Apd,
}

/// The experiment of the file at `path` with its `[sweep]` if it has one: checked, but not its trials. Each of `overrides`
/// (`KEY=VALUE`) is applied in order.
pub fn load_with_sweep(path: &Path, overrides: &[String]) -> Result<SweptSpec, SpecError> {
    parse_with_sweep(path, &read_text(path)?, overrides)
}

/// Like [`load_with_sweep`], of a file's text: `path` only names it.
pub fn parse_with_sweep(path: &Path, text: &str, overrides: &[String]) -> Result<SweptSpec, SpecError> {
    let Resolved { spec, beside: sweep, .. } = resolve(path, text, overrides, read_sweep)?;
    Ok(SweptSpec { spec, sweep })
}

fn read_sweep(table: &mut TableReader, spec: &Spec) -> Option<Sweep> {
    table.optional_table("sweep", |table| Sweep::read(table, &spec.seeds, None))
}

/// Every key of a spec and its sweep.
pub fn reference() -> Vec<Entry> {
    settings::reference::<SweptSpec, _>(|table| {
        let spec = Spec::read(table, "x");
        read_sweep(table, &spec)
    })
}

/// The sweep of the file at `path`, each of `overrides` (`KEY=VALUE`) applied in order.
///
/// # Errors
/// If the file cannot be read or has no `[sweep]`, with every mistake that was found in it, or with those of the first
/// trial that is no correct spec.
pub fn load_trials(path: &Path, overrides: &[String]) -> Result<Trials, SpecError> {
    parse_trials(path, &read_text(path)?, overrides)
}

/// Like [`load_trials`], of a trade-off whatever the file's `[sweep]` says, which it need not have. What is `asked` of the trade-off
/// counts more than what the file says of it.
pub fn load_trade_off(path: &Path, overrides: &[String], asked: TradeOffSettings) -> Result<Trials, SpecError> {
    trials(path, &read_text(path)?, overrides, Author::User, Some(asked))
}

/// Like [`load_trials`], of a file's text: `path` only names it.
pub fn parse_trials(path: &Path, text: &str, overrides: &[String]) -> Result<Trials, SpecError> {
    trials(path, text, overrides, Author::User, None)
}

/// The sweep of a `sweep.toml`, whichever version wrote it.
pub fn load_planned(path: &Path) -> Result<Trials, SpecError> {
    trials(path, &read_text(path)?, &[], Author::Apd, None)
}

fn trials(
    path: &Path,
    text: &str,
    overrides: &[String],
    author: Author,
    asked: Option<TradeOffSettings>,
) -> Result<Trials, SpecError> {
    let read = |table: &mut TableReader, spec: &Spec| match asked {
        Some(_) => Some(table.table("sweep", |table| Sweep::read(table, &spec.seeds, asked))),
        None => read_sweep(table, spec),
    };
    let Resolved { spec: base, beside: sweep, sources, mut root } = resolve(path, text, overrides, read)?;
    let Some(mut sweep) = sweep else {
        return Err(SpecError::Unreadable {
            title: format!("{} has no `[sweep]`", shown(path)),
            help: "add one that names the keys to vary, for example:\n[sweep.space]\n\
                   \"method.apd.coefficients.simplicity\" = { from = 0.1, to = 10.0, points = 5, scale = \"log\" }"
                .into(),
        });
    };
    let problems = refuse_settings_of_swept_keys(&root, &sweep.space);
    if !problems.is_empty() {
        return Err(SpecError::Mistakes { sources, problems });
    }
    if sweep.trade_off.is_some()
        && author == Author::User
        && let Some(problem) = trade_off_settings::fill_in(&root, &mut sweep, &base)
    {
        return Err(SpecError::Mistakes { sources, problems: vec![problem] });
    }
    let origin = |key: &str| root.find(key).map(|node| node.origin.clone());
    let (space, halving_begins) = (origin("sweep.space"), origin("sweep.halving.first"));
    root.remove("sweep");
    let as_written = sweep.clone();
    if author == Author::User {
        let problems = take_real_numbers(&root, &mut sweep, &base.name);
        if !problems.is_empty() {
            return Err(SpecError::Mistakes { sources, problems });
        }
    }
    // Not before it is known which ranges mean whole numbers.
    if let Some(problem) = refuse_many(&sweep, space) {
        return Err(SpecError::Mistakes { sources, problems: vec![problem] });
    }
    let mut trials = Vec::new();
    for (number, drawn) in sweep.strategy.trials(&sweep.space).into_iter().enumerate() {
        match trial(&root, &sweep, &drawn, &base.name) {
            Ok(spec) => trials.push(Trial { values: drawn.into_iter().map(|drawn| drawn.value).collect(), spec }),
            Err(problems) => {
                let trial = format!("in trial {number}: {}", settings(&sweep.space, &drawn));
                let problems = problems.into_iter().map(|problem| problem.helped(trial.clone())).collect();
                return Err(SpecError::Mistakes { sources, problems });
            }
        }
    }
    if author == Author::User
        && let Some(problem) = refuse_late_halving(&sweep, &trials, halving_begins)
    {
        return Err(SpecError::Mistakes { sources, problems: vec![problem] });
    }
    let older = (as_written != sweep).then_some(as_written);
    Ok(Trials { base, sweep, trials, older })
}

/// The spec of one trial.
fn trial(root: &Node, sweep: &Sweep, drawn: &[Drawn], name: &str) -> Result<Spec, Vec<Problem>> {
    let root = with_values(root, &sweep.space, drawn);
    let spec = TableReader::read_all(&root, |table| Spec::read(table, name))?;
    Ok(Spec { seeds: sweep.seeds.clone(), ..spec })
}

/// A grid may have more trials than memory holds, or infinitely many.
fn refuse_many(sweep: &Sweep, origin: Option<Origin>) -> Option<Problem> {
    let (title, label) = match sweep.strategy.count(&sweep.space) {
        None => (
            "a grid needs finitely many values".into(),
            "give each range its `points`, or choose another `strategy`".into(),
        ),
        Some(count) if count > MOST_TRIALS => {
            (format!("a sweep can have {MOST_TRIALS} trials at most"), format!("these are {count}"))
        }
        Some(_) => return None,
    };
    Some(Problem::new(title).at(origin).labelled(label))
}

/// Halving that begins when a trial has ended would not halve.
fn refuse_late_halving(sweep: &Sweep, trials: &[Trial], origin: Option<Origin>) -> Option<Problem> {
    let first = sweep.halving?.first;
    let steps = |trial: &Trial| trial.spec.decomposition.steps;
    let number = trials.iter().position(|trial| steps(trial) <= first)?;
    let problem = Problem::new("halving must begin before a trial ends: `first` must be below `decomposition.steps`");
    let label = match sweep.space.iter().any(|parameter| related(&parameter.key, "decomposition.steps")) {
        true => format!("trial {number} has {} steps", grouped(steps(&trials[number]))),
        false => format!("the trials have {} steps", grouped(steps(&trials[number]))),
    };
    Some(problem.at(origin).labelled(label))
}

/// A value that `--set` gives to a varied key would go nowhere.
fn refuse_settings_of_swept_keys(root: &Node, space: &[Parameter]) -> Vec<Problem> {
    let problem = |parameter: &Parameter| {
        let node = root.find(&parameter.key)?;
        let title = format!("`{}` is varied by `[sweep.space]`, so it cannot be set", parameter.key);
        let help = format!("set its values with --set 'sweep.space.{}=[..]'", parameter.key);
        node.origin.is_set().then(|| Problem::new(title).at(node.origin.clone()).helped(help))
    };
    space.iter().filter_map(problem).collect()
}

/// Such as `method.apd.rank = 2, decomposition.schedule = cosine`.
fn settings(space: &[Parameter], drawn: &[Drawn]) -> String {
    let pairs = space.iter().zip(drawn);
    let pairs = pairs.map(|(parameter, drawn)| format!("{} = {}", parameter.key, in_words(&drawn.value)));
    pairs.collect::<Vec<_>>().join(", ")
}
