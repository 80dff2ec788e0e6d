//! Which tensor of a file is which part of a network.
//!
//! Two layouts are known, and both with or without a leading axis of instances, which become replicas:
//!
//! | part | our files | the paper authors' state dicts |
//! |:--|:--|:--|
//! | W of a toy model of superposition, `[feature, hidden]` | `embed` | `linear1.weight` |
//! | its hidden layers, `[hidden, hidden]` | `hidden.<i>` | `hidden_layers.<i>.weight` |
//! | its bias, `[feature]` | `bias` | `b_final` |
//! | W_E, `[feature, width]`, and W_U, `[width, feature]`, of a residual MLP | `W_E`, `W_U` | the same |
//! | its matrices, `[width, neuron]` | `layers.<i>.mlp_in` | `layers.<i>.mlp_in.weight` |
//! | and `[neuron, width]` | `layers.<i>.mlp_out` | `layers.<i>.mlp_out.weight` |
//! | its biases, `[neuron]` and `[width]` | `layers.<i>.b_in`, `.b_out` | `layers.<i>.bias1`, `.bias2` |
//! | components, `[component, d_in, rank]` | `<site>.A` | `<site>.A`, `linear1.A` |
//! | and `[component, rank, d_out]` | `<site>.B` | `<site>.B`, `linear1.B` |
//!
//! All matrices act on row vectors, y = x W. Names may have a common beginning such as `model.`; tensors without it are
//! passed over. Sizes come from the first matrix and hold for all others. Missing tensors, tensors beside those named,
//! other shapes and numbers that are not finite are errors, all told together.

use std::{collections::BTreeMap, path::Path};

use tch::{Kind, Tensor};

use super::{CheckpointFile, shown};
use crate::{
    components::Components,
    network::{Biases, Embedding, HiddenKind, LabelCoefficients, Labels, Loss, Network, ResidualMlp, Tms},
    reading::Activation,
    run::RunError,
    site::Site,
    weights::Weights,
};

/// More mistakes than these are only counted.
const MAX_SHOWN: usize = 10;

/// A network from a file.
#[derive(Debug)]
pub struct ImportedTarget {
    /// What the file does not say is as in the paper: relu, and what the network was trained for.
    pub network: Network,
    /// Every instance as a replica.
    pub weights: Weights,
}

impl ImportedTarget {
    /// Reads the networks in a file that was read from `path`.
    pub fn find(file: &CheckpointFile, path: &Path) -> Result<Self, RunError> {
        let mut parts = Parts::find(file, path, &["embed", "W_E"])?;
        let shape = parts.shape(parts.anchor);
        let (has_instances, features, width) = match shape[..] {
            [features, width] => (false, features, width),
            [_, features, width] => (true, features, width),
            _ => return Err(parts.misshapen("[instance, feature, width] or [feature, width]")),
        };
        let instances = has_instances.then(|| shape[0]);
        let is_tms = parts.anchor == "embed";
        let network = if is_tms { parts.tms(features, width) } else { parts.residual_mlp(features, width) };
        for (name, size) in matrices_and_biases(&network) {
            parts.check(&name, instances, &size);
        }
        parts.finish()?;
        let weights = Weights::from_files(&network, |name| parts.get(name, instances)).expect("checked above");
        Ok(Self { network: with_kinds(network, &weights), weights })
    }
}

/// Reads the components of a network in a file that was read from `path`. Biases and embeddings that stand beside them
/// must be the network's own.
pub fn find_components(file: &CheckpointFile, path: &Path, target: &ImportedTarget) -> Result<Components, RunError> {
    let network = &target.network;
    let sites = network.sites();
    let first = sites.iter().next().expect("a network has a site");
    let anchor = if first.name == "embed" { "embed.A" } else { "layers.0.mlp_in.A" };
    let mut parts = Parts::find(file, path, &[anchor])?;
    let shape = parts.shape(anchor);
    let (has_instances, number, rank) = match shape[..] {
        [number, _, rank] => (false, number, rank),
        [_, number, _, rank] => (true, number, rank),
        _ => return Err(parts.misshapen("[instance, component, d_in, rank] or [component, d_in, rank]")),
    };
    let instances = has_instances.then(|| shape[0]);
    for Site { name, d_in, d_out } in sites.iter() {
        parts.check(&format!("{name}.A"), instances, &[number, *d_in, rank]);
        parts.check(&format!("{name}.B"), instances, &[number, rank, *d_out]);
    }
    for (name, of_target) in target.weights.named(network).into_iter().skip(sites.iter().count()) {
        parts.check_copy(&name, instances, &of_target);
    }
    parts.finish()?;
    Ok(Components::from_files(&sites, |name| parts.get(name, instances)).expect("checked above"))
}

/// The tensors of a file by the names that our files give them, and what is wrong with them.
struct Parts<'f> {
    path: &'f Path,
    /// The one that sizes are taken from.
    anchor: &'static str,
    /// With the name in the file.
    tensors: BTreeMap<String, (&'f str, &'f Tensor)>,
    /// Those that were asked for.
    known: Vec<String>,
    mistakes: Vec<String>,
}

impl<'f> Parts<'f> {
    /// The tensors that stand beside one of `anchors`.
    fn find(file: &'f CheckpointFile, path: &'f Path, anchors: &[&'static str]) -> Result<Self, RunError> {
        let prefix = |name: &str, anchor: &str| {
            let prefix = our_name(name).strip_suffix(anchor)?.to_string();
            (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
        };
        let names = || file.tensors.keys();
        let found =
            anchors.iter().flat_map(|&anchor| names().filter_map(move |name| Some((anchor, prefix(name, anchor)?))));
        let found: Vec<(&'static str, String)> = found.collect();
        let [(anchor, prefix)] = &found[..] else {
            let anchors = anchors.iter().map(|anchor| either_name(anchor)).collect::<Vec<_>>().join(" or ");
            let many = if found.is_empty() { "no" } else { "more than one" };
            let names = names().take(MAX_SHOWN).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
            return Err(unfit(path, &[format!("it has {many} tensor {anchors}, only: {names}")]));
        };
        let mut parts = Self { path, anchor, tensors: BTreeMap::new(), known: Vec::new(), mistakes: Vec::new() };
        for (name, tensor) in &file.tensors {
            let ours = our_name(name);
            let Some(ours) = ours.strip_prefix(prefix.as_str()) else { continue };
            if let Some((other, _)) = parts.tensors.insert(ours.to_string(), (name, tensor)) {
                parts.mistakes.push(format!("{} and {} are the same part", shown(other), shown(name)));
            }
        }
        let passed_over = file.tensors.len() - parts.tensors.len();
        if passed_over > 0 && parts.mistakes.is_empty() {
            tracing::info!("{}: passed over {passed_over} tensor(s) outside of {}", path.display(), shown(prefix));
        }
        Ok(parts)
    }

    fn shape(&self, name: &str) -> Vec<i64> {
        self.tensors.get(name).map_or(Vec::new(), |(_, tensor)| tensor.size())
    }

    /// The last size of a tensor; 1 where it is not there, which [`Parts::check`] tells.
    fn last_size(&self, name: &str) -> usize {
        self.shape(name).last().map_or(1, |&size| size as usize)
    }

    fn misshapen(&self, wanted: &str) -> RunError {
        let (name, shape) = (self.tensors[self.anchor].0, self.shape(self.anchor));
        unfit(self.path, &[format!("{} has the shape {shape:?}, not {wanted}", shown(name))])
    }

    fn count(&self, name: impl Fn(usize) -> String) -> usize {
        (0..).take_while(|&index| self.tensors.contains_key(&name(index))).count()
    }

    fn tms(&self, features: i64, hidden: i64) -> Network {
        Network::Tms(Tms {
            features: features as usize,
            hidden: hidden as usize,
            hidden_layers: self.count(|layer| format!("hidden.{layer}")),
            hidden_kind: HiddenKind::Trained,
        })
    }

    fn residual_mlp(&self, features: i64, width: i64) -> Network {
        let layers = self.count(|layer| format!("layers.{layer}.mlp_in")).max(1);
        let has = |name| self.tensors.contains_key(&format!("layers.0.{name}"));
        Network::ResidualMlp(ResidualMlp {
            features: features as usize,
            width: width as usize,
            neurons: layers * self.last_size("layers.0.mlp_in"),
            layers,
            activation: Activation::Relu,
            biases: match (has("b_in"), has("b_out")) {
                (false, false) => Biases::None,
                (true, false) => Biases::Inner,
                (false, true) => Biases::Outer,
                (true, true) => Biases::Both,
            },
            embedding: Embedding::Trained,
            labels: Labels::Activation,
            label_coefficients: LabelCoefficients::One,
            loss: Loss::Outputs,
            importance_base: 1.0,
        })
    }

    /// That a tensor is there, of this shape after the axis of instances, and of finite numbers.
    fn check(&mut self, name: &str, instances: Option<i64>, shape: &[i64]) {
        self.known.push(name.to_string());
        let Some((theirs, tensor)) = self.tensors.get(name) else {
            self.mistakes.push(format!("it lacks {}", either_name(name)));
            return;
        };
        let shape: Vec<i64> = instances.into_iter().chain(shape.iter().copied()).collect();
        if tensor.size() != shape {
            let transposed = tensor.dim() >= 2 && tensor.transpose(-1, -2).size() == shape;
            let hint = if transposed { " (transposed: matrices act on row vectors here)" } else { "" };
            self.mistakes.push(format!("{} has the shape {:?}, not {shape:?}{hint}", shown(theirs), tensor.size()));
        } else if tensor.numel() == 0 {
            self.mistakes.push(format!("{} is empty", shown(theirs)));
        } else if tensor.isfinite().all().int64_value(&[]) == 0 {
            let count = tensor.numel() as i64 - tensor.isfinite().sum(Kind::Int64).int64_value(&[]);
            self.mistakes.push(format!("{} has {count} value(s) that are not finite", shown(theirs)));
        }
    }

    /// That a tensor, if it is there, is that of the target.
    fn check_copy(&mut self, name: &str, instances: Option<i64>, of_target: &Tensor) {
        let Some((theirs, tensor)) = self.tensors.get(name) else { return };
        let is_same = tensor.size()[usize::from(instances.is_some())..] == of_target.size()[1..]
            && with_instances(tensor, instances).eq_tensor(of_target).all().int64_value(&[]) == 1;
        if !is_same {
            self.mistakes.push(format!("{} is not that of the target", shown(theirs)));
        }
        self.known.push(name.to_string());
    }

    /// A tensor with a leading axis of replicas.
    fn get(&self, name: &str, instances: Option<i64>) -> Option<Tensor> {
        self.tensors.get(name).map(|(_, tensor)| with_instances(tensor, instances))
    }

    fn finish(&mut self) -> Result<(), RunError> {
        let unknown = self.tensors.iter().filter(|(ours, _)| !self.known.contains(ours));
        self.mistakes.extend(unknown.map(|(_, (theirs, _))| format!("{} has no place in it", shown(theirs))));
        if self.mistakes.is_empty() { Ok(()) } else { Err(unfit(self.path, &self.mistakes)) }
    }
}

fn with_instances(tensor: &Tensor, instances: Option<i64>) -> Tensor {
    if instances.is_some() { tensor.shallow_clone() } else { tensor.unsqueeze(0) }
}

/// Name and shape of every tensor of a network, without the axis of replicas.
fn matrices_and_biases(network: &Network) -> Vec<(String, Vec<i64>)> {
    let sites = network.sites();
    let matrices = sites.iter().cloned().chain(network.embeddings());
    let matrices = matrices.map(|Site { name, d_in, d_out }| (name, vec![d_in, d_out]));
    matrices.chain(network.biases().into_iter().map(|(name, width)| (name, vec![width]))).collect()
}

/// The network with what its values tell: fixed identities, and an unembedding that is the embedding transposed.
fn with_kinds(network: Network, weights: &Weights) -> Network {
    let is_identity = |matrix: &Tensor| {
        let eye = Tensor::eye(matrix.size()[2], (matrix.kind(), matrix.device()));
        matrix.size()[1] == matrix.size()[2] && matrix.eq_tensor(&eye).all().int64_value(&[]) == 1
    };
    match network {
        Network::Tms(tms) if tms.hidden_layers > 0 && weights.sites.iter().skip(1).all(is_identity) => {
            Network::Tms(Tms { hidden_kind: HiddenKind::Identity, ..tms })
        }
        Network::ResidualMlp(mlp) => {
            let [embedding, unembedding] = &weights.embeddings[..] else { unreachable!("it has two embeddings") };
            let embedding = match () {
                () if is_identity(embedding) && is_identity(unembedding) => Embedding::Identity,
                () if embedding.mt().equal(unembedding) => Embedding::Random,
                () => Embedding::Trained,
            };
            Network::ResidualMlp(ResidualMlp { embedding, ..mlp })
        }
        other => other,
    }
}

/// Parts of names in the authors' files, and what they are here.
const NAMES: [(&str, &str); 5] =
    [("linear1", "embed"), ("b_final", "bias"), ("hidden_layers", "hidden"), ("bias1", "b_in"), ("bias2", "b_out")];

/// What our files call a tensor of this name.
fn our_name(theirs: &str) -> String {
    let theirs = theirs.strip_suffix(".weight").unwrap_or(theirs);
    let parts = theirs.split('.').map(|part| NAMES.iter().find(|name| name.0 == part).map_or(part, |name| name.1));
    parts.collect::<Vec<_>>().join(".")
}

/// What a tensor may be called, for an error.
fn either_name(ours: &str) -> String {
    let parts = ours.split('.').map(|part| NAMES.iter().find(|name| name.1 == part).map_or(part, |name| name.0));
    let mut parts: Vec<&str> = parts.collect();
    let is_matrix = parts.last().is_some_and(|last| {
        ["linear1", "mlp_in", "mlp_out"].contains(last) || last.bytes().all(|byte| byte.is_ascii_digit())
    });
    parts.extend(is_matrix.then_some("weight"));
    let theirs = parts.join(".");
    if theirs == ours { shown(ours) } else { format!("{} ({})", shown(ours), shown(&theirs)) }
}

fn unfit(path: &Path, mistakes: &[String]) -> RunError {
    let mut lines = vec![format!("{} does not fit:", path.display())];
    if let [only] = mistakes {
        lines = vec![format!("{} does not fit: {only}", path.display())];
    } else {
        lines.extend(mistakes.iter().take(MAX_SHOWN).map(|mistake| format!("  - {mistake}")));
        let unshown = mistakes.len().saturating_sub(MAX_SHOWN);
        lines.extend((unshown > 0).then(|| format!("  - and {unshown} more")));
    }
    RunError::new(lines.join("\n"), "README.md, \"Bring your own\", lists the names and shapes that are known")
}
