//! Networks in a file.
//!
//! | part | our files | other state dicts |
//! |:--|:--|:--|
//! | W of a toy model of superposition, `[feature, hidden]` | `embed` | `linear1.weight`, `W` |
//! | its hidden layers, `[hidden, hidden]` | `hidden.<i>` | `hidden_layers.<i>.weight` |
//! | its bias, `[feature]` | `bias` | `b_final`, `linear2.bias` |
//! | its unembedding, `[hidden, feature]`; it is tied without one, or if this is W transposed | `unembed` | `linear2.weight` |
//! | W_E, `[feature, width]`, and W_U, `[width, feature]`, of a residual MLP | `W_E`, `W_U` | the same |
//! | its matrices, `[width, neuron]` | `layers.<i>.mlp_in` | `layers.<i>.mlp_in.weight` |
//! | and `[neuron, width]` | `layers.<i>.mlp_out` | `layers.<i>.mlp_out.weight` |
//! | its biases, `[neuron]` and `[width]` | `layers.<i>.b_in`, `.b_out` | `layers.<i>.bias1`, `.bias2`, or `layers.<i>.mlp_in.bias`, `.mlp_out.bias` |
//!
//! All of them with or without a leading axis of instances, which become replicas; the matrices in either
//! [`TargetLayout`]. W_E and W_U are [in, out] in both, unless they are weights of a layer, or fit only the other way.
//! Sizes come from the first matrix and hold for all others. Missing tensors, tensors beside those named, other shapes and
//! numbers that are not finite are errors, all told together.

use std::path::Path;

use tch::Tensor;

use super::{
    StateDictFile,
    layout::{Decision, Question, TargetLayout, Trial, decide},
    mistakes::unfit,
    names::{EMBED, UNEMBED, W_E, W_U},
    options::ImportOptions,
    origin::{Origin, is_same, layout_in_words},
    parts::{Parts, Turns},
    shown,
    state_dict::StateDict,
};
use crate::{
    graph::Activation,
    network::{
        Biases, Embedding, GatedFunctions, HiddenKind, LabelCoefficients, Labels, Loss, Network, ResidualMlp, Tms,
    },
    run::RunError,
    site::Site,
    weights::Weights,
};

/// A network from a file.
#[derive(Debug)]
pub struct ImportedTarget {
    /// What the file does not say is as in the paper: relu, and what the network was trained for.
    pub network: Network,
    /// Every instance as a replica.
    pub weights: Weights,
    pub origin: Origin,
}

/// A network in one layout.
struct Content {
    network: Network,
    weights: Weights,
    /// How the matrices stand in the file.
    turns: Turns,
}

impl Content {
    fn named(&self) -> Vec<(String, Tensor)> {
        self.weights.named(&self.network)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.network == other.network && is_same(&self.named(), &other.named())
    }
}

impl ImportedTarget {
    /// Reads the networks in a file that was read from `path`.
    ///
    /// # Errors
    /// If the file does not hold one network, or does not tell the layout of its matrices.
    pub fn find(file: &StateDictFile, path: &Path, options: &ImportOptions<TargetLayout>) -> Result<Self, RunError> {
        let (dict, decision) = read(file, path, options)?;
        if dict.passed_over > 0 {
            let (number, prefix) = (dict.passed_over, shown(&dict.prefix));
            tracing::info!("{}: passed over {number} tensor(s) outside of {prefix}", path.display());
        }
        let layout = layout_in_words(&decision, &options.flag("layout"));
        tracing::info!("{}: {layout}{}", path.display(), embeddings_in_words(&dict, decision.content.turns));
        let plain = |options: &ImportOptions<TargetLayout>| Ok(read(file, path, options)?.1.content.named());
        let origin = Origin::of(file, options, Some(decision.layout), &decision.content.named(), plain);
        let Content { network, weights, .. } = decision.content;
        Ok(Self { network, weights, origin })
    }
}

fn read<'f>(
    file: &'f StateDictFile,
    path: &Path,
    options: &ImportOptions<TargetLayout>,
) -> Result<(StateDict<'f>, Decision<TargetLayout, Content>), RunError> {
    let dict = StateDict::find(file, path, options, &[EMBED, W_E])?;
    if let (Some(embed), Some(w_e)) = (dict.parts.get(EMBED), dict.parts.get(W_E)) {
        let (embed, w_e) = (shown(embed.theirs), shown(w_e.theirs));
        return Err(unfit(path, &[format!("it has {embed} of a toy model and {w_e} of a residual MLP")]));
    }
    let trials = |unusual: [bool; 2]| {
        [(TargetLayout::Matrix, false), (TargetLayout::Linear, true)].map(|(layout, matrices)| {
            let turns = Turns { matrices, unusual, factors: false };
            try_layout(&dict, layout, turns, options)
        })
    };
    let fits = |trial: &Trial<TargetLayout, Content>| trial.mistakes.is_empty();
    let mut tried = Vec::from(trials([false; 2]));
    if !tried.iter().any(fits) && dict.parts.contains_key(W_E) {
        let unusual = [[true, true], [true, false], [false, true]];
        tried.extend(unusual.into_iter().flat_map(trials).filter(fits));
    }
    let noted = file.noted_layout();
    let option = options.flag("layout");
    let question = Question { path, option: &option, given: options.layout, noted };
    let decision = decide(&question, tried, Content::is_same)?;
    Ok((dict, decision))
}

fn try_layout(
    dict: &StateDict,
    layout: TargetLayout,
    turns: Turns,
    options: &ImportOptions<TargetLayout>,
) -> Trial<TargetLayout, Content> {
    let mut parts = Parts::new(dict, turns);
    let anchor = if parts.has(EMBED) { EMBED } else { W_E };
    let shape = parts.shape(anchor);
    let (instances, features, width) = match shape[..] {
        [features, width] => (None, features, width),
        [instances, features, width] => (Some(instances), features, width),
        _ => {
            let mistakes = parts.misshapen(anchor, "[instance, feature, width] or [feature, width]");
            return Trial { layout, content: None, mistakes };
        }
    };
    let network = match anchor {
        EMBED => tms(&parts, features, width),
        _ => gated_functions(&parts, features, width).unwrap_or_else(|| residual_mlp(&parts, features, width)),
    };
    for (name, size) in matrices_and_biases(&network) {
        parts.check(&name, instances, &size);
    }
    let mistakes = parts.all_mistakes(options);
    let weights = || Weights::from_files(&network, |name| parts.get(name, instances)).expect("they have been checked");
    let content = mistakes.is_empty().then(weights).map(|weights| {
        let (network, weights) = tied_where_equal(network.clone(), weights);
        Content { network: with_kinds(network, &weights), weights, turns }
    });
    Trial { layout, content, mistakes }
}

/// Which way round W_E and W_U are, where they differ from the other matrices.
fn embeddings_in_words(dict: &StateDict, turns: Turns) -> String {
    let differs =
        |ours: &&str| dict.parts.get(*ours).is_some_and(|named| turns.is_turned(ours, named.theirs) != turns.matrices);
    let axes = if turns.matrices { "[in, out]" } else { "[out, in]" };
    match &[W_E, W_U].into_iter().filter(differs).collect::<Vec<_>>()[..] {
        [] => String::new(),
        [only] => format!("; {only} is {axes}"),
        both => format!("; {} are {axes}", both.join(" and ")),
    }
}

fn tms(parts: &Parts, features: i64, hidden: i64) -> Network {
    Network::Tms(Tms {
        features: features as usize,
        hidden: hidden as usize,
        hidden_layers: parts.count(|layer| format!("hidden.{layer}")),
        hidden_kind: HiddenKind::Trained,
        tied: !parts.has(UNEMBED),
    })
}

fn count_layers(parts: &Parts) -> usize {
    parts.count(|layer| format!("layers.{layer}.mlp_in")).max(1)
}

fn residual_mlp(parts: &Parts, features: i64, width: i64) -> Network {
    let layers = count_layers(parts);
    let has = |name| parts.has(&format!("layers.0.{name}"));
    Network::ResidualMlp(ResidualMlp {
        features: features as usize,
        width: width as usize,
        neurons: layers * parts.last_size("layers.0.mlp_in") as usize,
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

/// Gated functions have a dimension for every input and one for their one output, and biases before the activation.
fn gated_functions(parts: &Parts, features: i64, width: i64) -> Option<Network> {
    let layers = count_layers(parts);
    let (functions, neurons) = (features - 1, layers as i64 * parts.last_size("layers.0.mlp_in"));
    let is_gated = parts.has(W_U)
        && functions > 0
        && width == features + 1
        && parts.last_size(W_U) == 1
        && neurons % functions == 0;
    is_gated.then(|| {
        Network::GatedFunctions(GatedFunctions {
            functions: functions as usize,
            neurons_per_function: (neurons / functions) as usize,
            layers,
        })
    })
}

/// Name and shape of every tensor of a network, without the axis of replicas.
fn matrices_and_biases(network: &Network) -> Vec<(String, Vec<i64>)> {
    let sites = network.sites();
    let matrices = sites.iter().cloned().chain(network.embeddings());
    let matrices = matrices.map(|Site { name, d_in, d_out }| (name, vec![d_in, d_out]));
    matrices.chain(network.biases().into_iter().map(|(name, width)| (name, vec![width]))).collect()
}

/// A toy model whose unembedding is its embedding transposed as the tied one that it is.
fn tied_where_equal(network: Network, weights: Weights) -> (Network, Weights) {
    let Network::Tms(tms @ Tms { tied: false, .. }) = network else { return (network, weights) };
    let tied = Network::Tms(Tms { tied: true, ..tms.clone() });
    let sites = tied.sites().enumerate().map(|(site, _)| weights.sites[site].shallow_clone()).collect();
    let once = weights.with_sites(sites);
    let is_tied = once.with_uses_apart(&tied).sites == weights.sites;
    if is_tied { (tied, once) } else { (Network::Tms(tms), weights) }
}

/// The network with what its values tell: fixed identities, and an unembedding that is the embedding transposed.
fn with_kinds(network: Network, weights: &Weights) -> Network {
    let is_identity = |matrix: &Tensor| {
        let eye = Tensor::eye(matrix.size()[2], (matrix.kind(), matrix.device()));
        matrix.size()[1] == matrix.size()[2] && matrix.eq_tensor(&eye).all().int64_value(&[]) == 1
    };
    match network {
        Network::Tms(tms)
            if tms.hidden_layers > 0 && weights.sites.iter().skip(1).take(tms.hidden_layers).all(is_identity) =>
        {
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
