//! Networks and components from files of others, put where those that are trained here would be.
//!
//! A spec says of them by the SHA-256 of their file where they come from (`target.imported`, `imported_components`), or,
//! where a user had to say how the file is to be read, by one of the file and what was read. It is part of the spec's
//! hash: what is imported has folders of its own and is never taken for what is trained, nor for what is read from the
//! file in another way. The instances in a file are the replicas of the seeds 0, 1, 2...

use std::path::{Path, PathBuf};

use super::{Finished, Session, memory_needed, targets};
use crate::{
    interrupt::Stage,
    memory,
    network::Network,
    run::{Provenance, RunError, RunFolder, Status, TargetFolder, Unfinished, write_tensors, write_whole},
    shell::quoted,
    spec::Spec,
    state_dict_file::{FactorLayout, ImportedComponents, ImportedTarget, Origin, TargetLayout, is_factor},
    weights::Weights,
};

/// A file that something was imported from.
pub struct Source<'a, Content> {
    pub path: &'a Path,
    pub content: Content,
}

/// Puts the networks of a file where `spec`'s targets are looked for, and beside them a spec that `apd decompose`
/// takes, whose path is returned. Waits for another process that does the same.
///
/// # Errors
/// If the file does not fit the spec, if a file cannot be written, or if it is interrupted while it waits.
pub fn import_target(
    mut spec: Spec,
    session: &Session,
    Source { path, content: target }: &Source<&ImportedTarget>,
) -> Result<PathBuf, Unfinished> {
    check_fit(&spec, path, target, None)?;
    spec.target.imported = Some(target.origin.identity.clone());
    let section = targets::section(&spec);
    let replicas = target.weights.replicas() as u64;
    for replica in 0..replicas {
        let folder = TargetFolder::new(&session.results, &spec.target.hash(), replica);
        if folder.is_trained()? {
            folder.check(&section)?;
            continue;
        }
        let _lock =
            folder.lock(&section, &session.interrupt.of_work(Stage::Import, replica, replicas, folder.path()))?;
        Provenance::begin(&folder.provenance(), session.machine(), None)?.end(Status::Finished)?;
        let tensors =
            target.weights.replica(replica as usize).map(|tensor| tensor.squeeze_dim(0)).named(&spec.target.network);
        write_tensors(&folder.target(), &tensors, &notes(TargetLayout::NOTE, path, &target.origin))?;
    }
    let written = session.results.join(format!("{}.toml", spec.folder_name()));
    write_whole(&written, |out| out.write_all(spec.to_toml().as_bytes()))?;
    Ok(written)
}

/// Makes a run folder of components and the networks that they are of.
pub fn import_components(
    mut spec: Spec,
    session: &Session,
    target: Source<&ImportedTarget>,
    components: Source<&ImportedComponents>,
) -> Result<Finished, RunError> {
    check_is_whole(&spec, &components)?;
    check_fit(&spec, components.path, target.content, Some(components.content))?;
    memory::check(memory_needed::of_measurement(&spec), session.device)?;
    spec.target.imported = Some(target.content.origin.identity.clone());
    spec.imported_components = Some(components.content.origin.identity.clone());
    let folder = RunFolder::open(&session.results, &spec.name, &spec.hash(), &spec.to_toml(), session.force)?;
    if folder.is_finished()? || folder.is_imported()? {
        return Ok(Finished { folder: folder.path().into(), already: true });
    }
    let mut provenance = Provenance::begin(&folder.provenance(), session.machine(), Some(spec.describe()))?;
    let network = &spec.target.network;
    let replicas: Vec<Weights> = (0..spec.seeds.len())
        .map(|replica| {
            let instance = spec.target.seed.map_or(replica, |seed| seed as usize);
            target.content.weights.replica(if target.content.weights.replicas() == 1 { 0 } else { instance })
        })
        .collect();
    let weights = Weights::stack(&replicas).named(network);
    write_tensors(
        &folder.target(),
        &weights,
        &notes(TargetLayout::NOTE_OF_REPLICAS, target.path, &target.content.origin),
    )?;
    let tensors = components.content.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
    let tensors = spec.method.of_import(network, tensors.collect());
    let notes = notes(FactorLayout::NOTE, components.path, &components.content.origin);
    write_tensors(&folder.components(), &tensors, &notes)?;
    provenance.end(Status::Imported)?;
    Ok(Finished { folder: folder.path().into(), already: false })
}

/// What a tensor file says about itself.
fn notes<'a>(axes: &str, path: &Path, origin: &Origin) -> Vec<(&'a str, String)> {
    let place = [("axes", axes.into()), ("imported_from", path.display().to_string())];
    place.into_iter().chain(origin.notes.clone()).collect()
}

/// Refuses a spec whose method has learned more or less than the file has.
fn check_is_whole(spec: &Spec, components: &Source<&ImportedComponents>) -> Result<(), RunError> {
    let needed = spec.method.tensors(&spec.target.network, spec.seeds.len());
    let needed = needed.iter().map(|(name, _)| name).find(|name| !is_factor(name));
    let found = components.content.tensors.iter().map(|(name, _)| name).find(|name| !is_factor(name));
    let (path, method) = (components.path.display(), spec.method.words().key);
    match (needed, found) {
        (Some(missing), None) => {
            let what = format!("{path} has components alone, but [method.{method}] also needs `{missing}`");
            Err(RunError::new(what, "give the spec of a method that has components alone"))
        }
        (None, Some(_)) => {
            let what = format!("{path} has importance functions, but [method.{method}] has components alone");
            Err(RunError::new(what, "give the spec of a method that learns them, such as [method.spd]"))
        }
        _ => Ok(()),
    }
}

/// Refuses a spec of another experiment than the file's.
fn check_fit(
    spec: &Spec,
    path: &Path,
    target: &ImportedTarget,
    components: Option<&ImportedComponents>,
) -> Result<(), RunError> {
    let instances = target.weights.replicas() as u64;
    let mut differences = network_differences(&spec.target.network, &target.network);
    if let Some(components) = components {
        let replicas = components.replicas() as u64;
        let mut differ = |key: &str, spec: String, file: String| {
            if spec != file {
                differences.push(Difference::of_key(key, spec, file));
            }
        };
        for (key, spec, file) in spec.method.fixed_by(&target.network, &components.tensors) {
            differ(&key, spec, file);
        }
        let number = spec.seeds.len() as u64;
        let is_counted = spec.seeds.iter().copied().eq(0..number);
        differ(
            "seeds",
            if is_counted { number.to_string() } else { format!("{:?}", spec.seeds) },
            replicas.to_string(),
        );
        if ![1, replicas].contains(&instances) && spec.target.seed.is_none() {
            let what = format!("instances: the target has {instances}, the components {replicas}");
            differences.push(Difference { set: Some("target.seed=0".into()), what });
        }
    }
    let is_shared = components.is_some() && instances == 1;
    let seeds = match &spec.target.seed {
        Some(seed) => std::slice::from_ref(seed),
        None if is_shared => &[],
        None => &spec.seeds[..],
    };
    if let Some(seed) = seeds.iter().find(|&&seed| seed >= instances) {
        let key = if spec.target.seed.is_some() { "target.seed" } else { "seeds" };
        let what = format!("{key}: the spec has {seed}, the instances of the target are the seeds below {instances}");
        let set = if spec.target.seed.is_some() { "target.seed=0".into() } else { format!("seeds={instances}") };
        differences.push(Difference { set: Some(set), what });
    }
    for (what, theirs, identity) in [
        ("target.imported", &spec.target.imported, Some(&target.origin.identity)),
        ("imported_components", &spec.imported_components, components.map(|components| &components.origin.identity)),
    ] {
        if theirs.is_some() && theirs.as_ref() != identity {
            let what = format!("{what}: the spec is of another import; give the spec without this key");
            differences.push(Difference { set: None, what });
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let lines = differences.iter().map(|difference| format!("\n  - {}", difference.what)).collect::<String>();
    let help = match differences.iter().find_map(|difference| difference.set.as_ref()) {
        Some(set) => format!("change the spec, or give the value with --set, for example --set {}", quoted(set)),
        None => "change the spec".into(),
    };
    Err(RunError::new(format!("the spec does not fit {}:{lines}", path.display()), help))
}

/// Where a spec is not of the file.
struct Difference {
    what: String,
    /// What `--set` would mend it.
    set: Option<String>,
}

impl Difference {
    fn of_key(key: &str, spec: impl std::fmt::Display, file: impl std::fmt::Display) -> Self {
        Self { what: format!("{key}: the spec has {spec}, the file {file}"), set: Some(format!("{key}={file}")) }
    }
}

/// Where two networks have other sizes or parts. What a file does not show, such as the activation, is not compared.
fn network_differences(spec: &Network, file: &Network) -> Vec<Difference> {
    let table = |network: &Network| toml::Table::try_from(network).expect("a network is plain data");
    let (of_spec, of_file) = (table(spec), table(file));
    let (Some((spec_kind, spec)), Some((file_kind, file))) = (of_spec.iter().next(), of_file.iter().next()) else {
        unreachable!("a network has a kind");
    };
    if spec_kind != file_kind {
        let what = format!("target: the spec has [target.{spec_kind}], the file [target.{file_kind}]");
        return vec![Difference { what, set: None }];
    }
    let shown = [
        "features",
        "hidden",
        "hidden_layers",
        "tied",
        "width",
        "neurons",
        "layers",
        "biases",
        "functions",
        "neurons_per_function",
    ];
    // `tied` is left out where it has its default.
    let get = |network: &toml::Value, key: &str| {
        network.get(key).cloned().or_else(|| (key == "tied").then_some(toml::Value::Boolean(true)))
    };
    let shown = shown.into_iter().filter_map(|key| Some((key, get(spec, key)?, get(file, key)?)));
    let differing = shown.filter(|(_, spec, file)| spec != file);
    differing.map(|(key, spec, file)| Difference::of_key(&format!("target.{file_kind}.{key}"), spec, file)).collect()
}
