//! The trials of a sweep: the spec once for each combination of values, every one of them checked like a spec.

use std::path::Path;

use super::{Drawn, Parameter, Sweep, in_words};
use crate::{
    settings::{Node, Problem, SpecError, TableReader, overrides},
    spec::{Resolved, Spec, read_text, resolve, shown},
};

/// A sweep with its trials.
#[derive(Clone, Debug)]
pub struct Trials {
    /// The experiment that is varied.
    pub base: Spec,
    pub sweep: Sweep,
    pub trials: Vec<Trial>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Trial {
    /// In the order of the sweep's parameters.
    pub values: Vec<toml::Value>,
    pub spec: Spec,
}

/// The experiment of the file at `path` with its `[sweep]` if it has one: checked, but not its trials. Each of `overrides`
/// (`KEY=VALUE`) is applied in order.
pub fn load_with_sweep(path: &Path, overrides: &[String]) -> Result<(Spec, Option<Sweep>), SpecError> {
    parse_with_sweep(path, &read_text(path)?, overrides)
}

/// Like [`load_with_sweep`], of a file's text: `path` only names it.
pub fn parse_with_sweep(path: &Path, text: &str, overrides: &[String]) -> Result<(Spec, Option<Sweep>), SpecError> {
    let Resolved { spec, beside: sweep, .. } = resolve(path, text, overrides, read_sweep)?;
    Ok((spec, sweep))
}

fn read_sweep(table: &mut TableReader, spec: &Spec) -> Option<Sweep> {
    table.optional_table("sweep", |table| Sweep::read(table, &spec.seeds))
}

/// The sweep of the file at `path`, each of `overrides` (`KEY=VALUE`) applied in order.
///
/// # Errors
/// If the file cannot be read or has no `[sweep]`, with every mistake that was found in it, or with those of the first
/// trial that is no correct spec.
pub fn load_trials(path: &Path, overrides: &[String]) -> Result<Trials, SpecError> {
    parse_trials(path, &read_text(path)?, overrides)
}

/// Like [`load_trials`], of a file's text: `path` only names it.
pub fn parse_trials(path: &Path, text: &str, overrides: &[String]) -> Result<Trials, SpecError> {
    let Resolved { spec: base, beside: sweep, sources, mut root } = resolve(path, text, overrides, read_sweep)?;
    let Some(sweep) = sweep else {
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
    root.remove("sweep");
    let mut trials = Vec::new();
    for (number, drawn) in sweep.strategy.trials(&sweep.space).into_iter().enumerate() {
        match with_values(&root, &sweep, &drawn, &base.name) {
            Ok(spec) => trials.push(Trial { values: drawn.into_iter().map(|drawn| drawn.value).collect(), spec }),
            Err(problems) => {
                let trial = format!("in trial {number}: {}", settings(&sweep.space, &drawn));
                let problems = problems.into_iter().map(|problem| problem.helped(trial.clone())).collect();
                return Err(SpecError::Mistakes { sources, problems });
            }
        }
    }
    Ok(Trials { base, sweep, trials })
}

/// The spec of one trial. Its values come after everything that the file and `--set` say.
fn with_values(root: &Node, sweep: &Sweep, drawn: &[Drawn], name: &str) -> Result<Spec, Vec<Problem>> {
    let mut root = root.clone();
    for (place, (parameter, Drawn { value, place: value_place })) in sweep.space.iter().zip(drawn).enumerate() {
        let keys: Vec<_> = parameter.key.split('.').map(|key| (key, parameter.written.key.clone())).collect();
        let origin = parameter.written.values[*value_place].clone();
        const AFTER_ALL_SOURCES: usize = usize::MAX / 2;
        overrides::put(&mut root, &keys, Node::from_toml(value, &origin, AFTER_ALL_SOURCES + place));
    }
    let spec = TableReader::read_all(&root, |table| Spec::read(table, name))?;
    Ok(Spec { seeds: sweep.seeds.clone(), ..spec })
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
