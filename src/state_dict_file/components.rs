//! Components in a file: at every site the factors `<site>.A` [component, d_in, rank] and `<site>.B` [component, rank, d_out],
//! or a [`FactorLayout`] of the other ones, with or without a leading axis of instances, which become replicas. Those with
//! importance functions are read by `subcomponents`.

use std::path::Path;

use tch::Tensor;

use super::{
    StateDictFile,
    layout::{Decision, FactorLayout, Question, Trial, decide},
    options::ImportOptions,
    origin::{Origin, is_same, layout_in_words},
    parts::{Parts, Turns},
    shown,
    state_dict::StateDict,
    subcomponents,
    target::ImportedTarget,
};
use crate::{
    components::Components,
    run::RunError,
    site::{PerSite, Site},
};

/// Components from a file.
#[derive(Debug)]
pub struct ImportedComponents {
    /// Under the names and in the order of axes that our files keep, `<site>.A` [replica, component, d_in, rank] for example;
    /// every instance is a replica. Subcomponents of the two uses of a tied weight are apart.
    pub tensors: Vec<(String, Tensor)>,
    pub origin: Origin,
}

impl ImportedComponents {
    /// Reads the components of `target`'s network in a file that was read from `path`. Biases and embeddings that stand
    /// beside them must be the network's own.
    ///
    /// # Errors
    /// If the file does not hold components of this network, or does not tell the layout of their factors.
    pub fn find(
        file: &StateDictFile,
        path: &Path,
        target: &ImportedTarget,
        options: &ImportOptions<FactorLayout>,
    ) -> Result<Self, RunError> {
        if subcomponents::are_in(file, options) {
            return Self::find_subcomponents(file, path, target, options);
        }
        let sites = target.network.sites();
        let (dict, decision) = read(file, path, target, &sites, options)?;
        if dict.passed_over > 0 {
            let (number, prefix) = (dict.passed_over, shown(&dict.prefix));
            tracing::info!("{}: passed over {number} tensor(s) outside of {prefix}", path.display());
        }
        tracing::info!("{}: {}", path.display(), layout_in_words(&decision, &options.flag("layout")));
        let plain = |options: &ImportOptions<FactorLayout>| {
            Ok(read(file, path, target, &sites, options)?.1.content.to_files(&sites))
        };
        let tensors = decision.content.to_files(&sites);
        let origin = Origin::of(file, options, Some(decision.layout), &tensors, plain);
        Ok(Self { tensors, origin })
    }

    fn find_subcomponents(
        file: &StateDictFile,
        path: &Path,
        target: &ImportedTarget,
        options: &ImportOptions<FactorLayout>,
    ) -> Result<Self, RunError> {
        let (tensors, words) = subcomponents::read(file, path, target, options)?;
        tracing::info!("{}: {words}", path.display());
        let plain =
            |_: &ImportOptions<FactorLayout>| Ok(subcomponents::read(file, path, target, &ImportOptions::default())?.0);
        let origin = Origin::of(file, options, None, &tensors, plain);
        Ok(Self { tensors, origin })
    }

    /// Whether there are importance functions beside the components.
    pub fn has_importance_functions(&self) -> bool {
        self.tensors.iter().any(|(name, _)| !is_factor(name))
    }

    pub fn replicas(&self) -> i64 {
        self.tensors.first().expect("a network has a site").1.size()[0]
    }
}

/// Whether a tensor of our files is a factor of components.
pub fn is_factor(name: &str) -> bool {
    name.ends_with(".A") || name.ends_with(".B")
}

fn read<'f>(
    file: &'f StateDictFile,
    path: &Path,
    target: &ImportedTarget,
    sites: &PerSite<Site>,
    options: &ImportOptions<FactorLayout>,
) -> Result<(StateDict<'f>, Decision<FactorLayout, Components>), RunError> {
    let first = sites.iter().next().expect("a network has a site");
    let anchor = format!("{}.A", first.name);
    let dict = StateDict::find(file, path, options, &[&anchor])?;
    let layouts = [
        (FactorLayout::Matrix, Turns::default()),
        (FactorLayout::Linear, Turns { matrices: true, ..Turns::default() }),
        // (A B)^T = B^T A^T.
        (FactorLayout::LinearProduct, Turns { matrices: true, factors: true, ..Turns::default() }),
    ];
    let trials = layouts.map(|(layout, turns)| {
        let (content, mistakes) = try_layout(&dict, turns, &anchor, target, sites, options);
        Trial { layout, content, mistakes }
    });
    let option = options.flag("layout");
    let question = Question { path, option: &option, given: options.layout, noted: file.noted_layout() };
    let decision =
        decide(&question, trials.into(), |some, others| is_same(&matrices(some, sites), &matrices(others, sites)))?;
    Ok((dict, decision))
}

fn try_layout(
    dict: &StateDict,
    turns: Turns,
    anchor: &str,
    target: &ImportedTarget,
    sites: &PerSite<Site>,
    options: &ImportOptions<FactorLayout>,
) -> (Option<Components>, Vec<String>) {
    let mut parts = Parts::new(dict, turns);
    let (instances, number, rank) = match parts.shape(anchor)[..] {
        [number, _, rank] => (None, number, rank),
        [instances, number, _, rank] => (Some(instances), number, rank),
        _ => {
            return (None, parts.misshapen(anchor, "[instance, component, d_in, rank] or [component, d_in, rank]"));
        }
    };
    for Site { name, d_in, d_out } in sites.iter() {
        parts.check(&format!("{name}.A"), instances, &[number, *d_in, rank]);
        parts.check(&format!("{name}.B"), instances, &[number, rank, *d_out]);
    }
    for (name, of_target) in target.weights.named(&target.network).into_iter().skip(sites.iter().count()) {
        parts.check_copy(&name, &of_target);
    }
    let mistakes = parts.all_mistakes(options);
    let get = |name: &str| -> Option<Tensor> { parts.get(name, instances) };
    let components = || Components::from_files(sites, get).expect("they have been checked");
    (mistakes.is_empty().then(components), mistakes)
}

/// The matrices of all components under the names of their sites.
fn matrices(components: &Components, sites: &PerSite<Site>) -> Vec<(String, Tensor)> {
    let factors = sites.iter().zip(components.factors.iter());
    factors.map(|(site, factors)| (site.name.clone(), factors.matrices())).collect()
}
