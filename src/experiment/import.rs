//! Networks and components from files of others, put where those that are trained here would be.
//!
//! A spec says of them by the SHA-256 of their file where they come from (`target.imported`, `imported_components`). It
//! is part of the spec's hash: what is imported has folders of its own and is never taken for what is trained. The
//! instances in a file are the replicas of the seeds 0, 1, 2...

use std::path::{Path, PathBuf};

use super::{Outcome, Session, memory, targets};
use crate::{
    checkpoint_file::{CheckpointFile, ImportedTarget},
    components::Components,
    method::Method,
    network::Network,
    run::{Provenance, RunError, RunFolder, Status, TargetFolder, write_tensors, write_whole},
    spec::{self, Spec, SpecError},
    weights::Weights,
};

/// The experiments whose settings stand in for what a file does not say, each with its path.
const TMS_5_2: (&str, &str) = ("experiments/tms_5-2.toml", include_str!("../../experiments/tms_5-2.toml"));
const TMS_40_10: (&str, &str) = ("experiments/tms_40-10.toml", include_str!("../../experiments/tms_40-10.toml"));
const RESIDUAL_MLP_1: (&str, &str) =
    ("experiments/residual_mlp_1_layer.toml", include_str!("../../experiments/residual_mlp_1_layer.toml"));
const RESIDUAL_MLP_2: (&str, &str) =
    ("experiments/residual_mlp_2_layers.toml", include_str!("../../experiments/residual_mlp_2_layers.toml"));
const RESIDUAL_MLP_3: (&str, &str) =
    ("experiments/residual_mlp_3_layers.toml", include_str!("../../experiments/residual_mlp_3_layers.toml"));
const GATED_FUNCTIONS: (&str, &str) =
    ("experiments/gated_functions.toml", include_str!("../../experiments/gated_functions.toml"));

/// The experiment of an imported network: that of the spec at `path`, or without one the paper's for this kind of
/// network with the file's sizes; `overrides` are applied to either. `name` is used where no spec gives one.
///
/// # Errors
/// If the spec is wrong. Whether it fits the file is not looked at here.
pub fn resolve(
    target: &ImportedTarget,
    components: Option<&Components>,
    path: Option<&Path>,
    name: &str,
    overrides: &[String],
) -> Result<Spec, SpecError> {
    if let Some(path) = path {
        return spec::load(path, overrides);
    }
    let (base, text) = paper_experiment(&target.network);
    tracing::info!("what the file does not say is as in {base}; --spec or --set gives it");
    let sizes = sizes(target, components).into_iter().chain([format!("name = {name:?}")]);
    let overrides: Vec<String> = sizes.chain(overrides.iter().cloned()).collect();
    spec::parse(Path::new(base), text, &overrides)
}

fn paper_experiment(network: &Network) -> (&'static str, &'static str) {
    match network {
        Network::Tms(tms) if tms.features >= 40 => TMS_40_10,
        Network::Tms(_) => TMS_5_2,
        Network::ResidualMlp(mlp) => match mlp.layers {
            1 => RESIDUAL_MLP_1,
            2 => RESIDUAL_MLP_2,
            _ => RESIDUAL_MLP_3,
        },
        Network::GatedFunctions(_) => GATED_FUNCTIONS,
    }
}

/// What a file says about its experiment, as `--set` would. Without components there are as many as features and of
/// full rank.
fn sizes(target: &ImportedTarget, components: Option<&Components>) -> Vec<String> {
    let network = &target.network;
    let section = toml::Table::try_from(network).expect("a network is plain data");
    let sites = network.sites();
    let full_rank = sites.iter().map(|site| site.d_in.min(site.d_out)).max().expect("a network has a site");
    let (number, rank) = components
        .map_or((network.features() as i64, full_rank), |components| (components.number(), components.rank()));
    let network = section.iter().map(|(kind, sizes)| format!("target.{kind}={sizes}"));
    let others = [
        format!("seeds={}", target.weights.replicas()),
        format!("method.apd.components={number}"),
        format!("method.apd.rank={rank}"),
    ];
    network.chain(others).collect()
}

/// Puts the networks of `file` where `spec`'s targets are looked for, and beside them a spec that `apd decompose`
/// takes, whose path is returned. `Ok(None)`: interrupted while another process was at the same.
pub fn import_target(
    mut spec: Spec,
    session: &Session,
    path: &Path,
    file: &CheckpointFile,
    target: &ImportedTarget,
) -> Result<Option<PathBuf>, RunError> {
    check_fit(&spec, path, target, None)?;
    spec.target.imported = Some(file.digest.clone());
    let section = targets::section(&spec);
    for replica in 0..target.weights.replicas() as usize {
        let folder = TargetFolder::new(&session.results, &spec.target.hash(), replica as u64);
        if folder.is_trained()? {
            folder.check(&section)?;
            continue;
        }
        let Some(_lock) = folder.lock(&section, &session.interrupt)? else { return Ok(None) };
        Provenance::begin(&folder.provenance(), session.machine())?.end(Status::Finished)?;
        let tensors = target.weights.replica(replica).map(|tensor| tensor.squeeze_dim(0)).named(&spec.target.network);
        write_tensors(&folder.target(), &tensors, &notes("d_in, d_out", path, file))?;
    }
    let written = session.results.join(format!("{}.toml", spec.folder_name()));
    write_whole(&written, |out| out.write_all(spec.to_toml().as_bytes()))?;
    Ok(Some(written))
}

/// A file that components or networks are imported from.
pub struct Source<'a, Content> {
    pub path: &'a Path,
    pub file: &'a CheckpointFile,
    pub content: Content,
}

/// Makes a run folder of components and the networks that they are of.
pub fn import_components(
    mut spec: Spec,
    session: &Session,
    target: Source<&ImportedTarget>,
    components: Source<&Components>,
) -> Result<Outcome, RunError> {
    check_fit(&spec, components.path, target.content, Some(components.content))?;
    memory::check(memory::of_measurement(&spec), session.device)?;
    spec.target.imported = Some(target.file.digest.clone());
    spec.imported_components = Some(components.file.digest.clone());
    let folder = RunFolder::open(&session.results, &spec.name, &spec.hash(), &spec.to_toml(), session.force)?;
    if folder.is_finished()? || folder.is_imported()? {
        return Ok(Outcome::Finished { folder: folder.path().into(), already: true });
    }
    let mut provenance = Provenance::begin(&folder.provenance(), session.machine())?;
    let network = &spec.target.network;
    let replicas: Vec<Weights> = (0..spec.seeds.len())
        .map(|replica| {
            let instance = spec.target.seed.map_or(replica, |seed| seed as usize);
            target.content.weights.replica(if target.content.weights.replicas() == 1 { 0 } else { instance })
        })
        .collect();
    let weights = Weights::stack(&replicas).named(network);
    write_tensors(&folder.target(), &weights, &notes("replica, d_in, d_out", target.path, target.file))?;
    let factors = components.content.to_files(&network.sites());
    let axes = "A: replica, component, d_in, rank; B: replica, component, rank, d_out";
    write_tensors(&folder.components(), &factors, &notes(axes, components.path, components.file))?;
    provenance.end(Status::Imported)?;
    Ok(Outcome::Finished { folder: folder.path().into(), already: false })
}

/// What a tensor file says about itself.
fn notes<'a>(axes: &str, path: &Path, file: &CheckpointFile) -> [(&'a str, String); 3] {
    [("axes", axes.into()), ("imported_from", path.display().to_string()), ("imported_sha256", file.digest.clone())]
}

/// Refuses a spec of another experiment than the file's.
fn check_fit(
    spec: &Spec,
    path: &Path,
    target: &ImportedTarget,
    components: Option<&Components>,
) -> Result<(), RunError> {
    let Method::Apd(apd) = &spec.method;
    let instances = target.weights.replicas() as u64;
    let mut differences = network_differences(&spec.target.network, &target.network);
    let mut differ = |what: &str, spec: String, file: String| {
        if spec != file {
            differences.push(format!("{what}: the spec has {spec}, the file {file}"));
        }
    };
    if let Some(components) = components {
        differ("method.apd.components", apd.components.to_string(), components.number().to_string());
        differ("method.apd.rank", apd.rank.to_string(), components.rank().to_string());
        let replicas = components.replicas() as u64;
        let counted: Vec<u64> = (0..replicas).collect();
        let in_words = |seeds: &[u64]| if seeds == counted { format!("{replicas}") } else { format!("{seeds:?}") };
        differ("seeds", in_words(&spec.seeds), in_words(&counted));
        if ![1, replicas].contains(&instances) && spec.target.seed.is_none() {
            differences.push(format!("instances: the target has {instances}, the components {replicas}"));
        }
    }
    let seeds = spec.target.seed.as_ref().map_or(&spec.seeds[..], std::slice::from_ref);
    let is_shared = components.is_some() && instances == 1;
    if let Some(seed) = seeds.iter().find(|&&seed| seed >= instances && !is_shared) {
        differences
            .push(format!("seeds: the spec has {seed}, the instances of the target are the seeds below {instances}"));
    }
    for (what, theirs, found) in [
        ("target.imported", &spec.target.imported, "a target"),
        ("imported_components", &spec.imported_components, "components"),
    ] {
        if theirs.is_some() {
            differences.push(format!("{what}: the spec is of {found} imported before; give the spec without this key"));
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let lines = differences.iter().map(|difference| format!("\n  - {difference}")).collect::<String>();
    Err(RunError::new(
        format!("the spec does not fit {}:{lines}", path.display()),
        "change the spec, or give the value with --set, for example --set seeds=12",
    ))
}

/// Where two networks have other sizes or parts. What a file does not show, such as the activation, is not compared.
fn network_differences(spec: &Network, file: &Network) -> Vec<String> {
    let table = |network: &Network| toml::Table::try_from(network).expect("a network is plain data");
    let (of_spec, of_file) = (table(spec), table(file));
    let (Some((spec_kind, spec)), Some((file_kind, file))) = (of_spec.iter().next(), of_file.iter().next()) else {
        unreachable!("a network has a kind");
    };
    if spec_kind != file_kind {
        return vec![format!("target: the spec has [target.{spec_kind}], the file [target.{file_kind}]")];
    }
    let shown = ["features", "hidden", "hidden_layers", "width", "neurons", "layers", "biases"];
    let shown = shown.into_iter().filter_map(|key| Some((key, spec.get(key)?, file.get(key)?)));
    let differing = shown.filter(|(_, spec, file)| spec != file);
    differing
        .map(|(key, spec, file)| format!("target.{file_kind}.{key}: the spec has {spec}, the file {file}"))
        .collect()
}
