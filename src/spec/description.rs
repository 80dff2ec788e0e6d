//! What a run of a spec is, for those who read its folder.

use std::path::Path;

use super::{Spec, identity};
use crate::{
    inputs::{ExactlyActive, GatedInputs, IndependentFeatures, Inputs, SyncedFeatures},
    method::{Method, words},
    network::{GatedFunctions, Network, ResidualMlp, Tms},
    run::{
        DescribedMethod, DescribedSite, DescribedTarget, Reference, RunDescription, RunFolder, TargetKind, read_checked,
    },
    settings::{Choice, Node, Sources, TableReader, Value, Variant, tree},
    site::{Role, Site},
};

/// What the run in `folder` is, as it was written with the run. Of a run that is older than that, as far as its spec tells.
pub fn describe(folder: &Path) -> RunDescription {
    let of_spec = || String::from_utf8(read_checked(&RunFolder::at(folder).spec()).ok()?).ok();
    RunDescription::written(folder).or_else(|| Some(of_text(&of_spec()?))).unwrap_or_default()
}

impl Spec {
    /// What a run of this experiment is.
    pub fn describe(&self) -> RunDescription {
        let Spec { name, seeds, target, method, imported_components, .. } = self;
        RunDescription {
            experiment: Some(name.clone()),
            seeds: Some(seeds.clone()),
            method: Some(of_method(&target.network, method)),
            imported_components: imported_components.is_some(),
            target: Some(of_target(
                &target.network,
                Some(&target.inputs),
                Some(method),
                target.training.is_some() && target.imported.is_none(),
            )),
        }
    }
}

/// Of the text of a spec, each of whose parts may have mistakes or be missing.
fn of_text(text: &str) -> RunDescription {
    let Ok(root) = tree::parse(&Sources::new(String::new(), text, &[])) else { return RunDescription::default() };
    let target = root.find("target");
    let has = |key: &str| target.is_some_and(|target| target.find(key).is_some());
    let network: Option<Network> = target.and_then(chosen);
    let inputs: Option<Inputs> = target.and_then(|target| chosen(target.find("inputs")?));
    let methods = root.find("method");
    let method: Option<Method> = methods.and_then(chosen);
    RunDescription {
        experiment: root.find("name").and_then(Node::text).map(str::to_owned),
        seeds: root.find("seeds").and_then(|_| read(&root, &["seeds"], identity::seeds)),
        method: match network.as_ref().zip(method.as_ref()) {
            Some((network, method)) => Some(of_method(network, method)),
            None => methods.and_then(of_unread_method),
        },
        imported_components: root.find("imported_components").is_some(),
        target: network
            .map(|network| of_target(&network, inputs.as_ref(), method.as_ref(), has("training") && !has("imported"))),
    }
}

/// The variant that a table chooses, whatever else there is in it.
fn chosen<T: Choice>(node: &Node) -> Option<T> {
    let names: Vec<&str> = T::VARIANTS.iter().map(Variant::name).collect();
    read(node, &names, |table| table.variant())
}

/// What stands at `keys` of a table; `None` if there is a mistake in it.
fn read<T>(node: &Node, keys: &[&str], read: impl FnOnce(&mut TableReader) -> T) -> Option<T> {
    let mut node = node.clone();
    let Value::Table(table) = &mut node.value else { return None };
    let others = table.entries().iter().map(|entry| entry.key.clone()).filter(|key| !keys.contains(&key.as_str()));
    let others: Vec<String> = others.collect();
    others.iter().for_each(|key| table.remove(key));
    TableReader::read_all(&node, read).ok()
}

fn of_target(network: &Network, inputs: Option<&Inputs>, method: Option<&Method>, is_trained: bool) -> DescribedTarget {
    let components = method.map(|method| method.sizes(network).components);
    let decomposed = method.map_or_else(|| network.clone(), |method| method.decomposed_network(network));
    let sites = decomposed.sites();
    let site = |(Site { name, d_in, d_out }, role): (&Site, Role)| DescribedSite {
        name: name.clone(),
        role,
        d_in: *d_in as usize,
        d_out: *d_out as usize,
        components,
    };
    DescribedTarget {
        kind: kind(network),
        sites: sites.iter().zip(decomposed.roles()).map(site).collect(),
        mechanism_of: network.mechanism_of().into(),
        is_trained,
        feature_probability: inputs.and_then(|inputs| probability(network, inputs)),
        reference: reference(network),
    }
}

fn of_method(network: &Network, method: &Method) -> DescribedMethod {
    let (words, sizes) = (method.words(), method.sizes(network));
    DescribedMethod {
        key: words.key.into(),
        name: words.name.into(),
        selects: method.selects(),
        components: Some(sizes.components),
        rank: Some(sizes.rank),
    }
}

/// Of one whose settings have mistakes, or that a later version knows, no more than its key tells.
fn of_unread_method(methods: &Node) -> Option<DescribedMethod> {
    let Value::Table(table) = &methods.value else { return None };
    let key = table.entries().first()?.key.clone();
    let name = words(Some(&key)).name.into();
    Some(DescribedMethod { key, name, selects: true, components: None, rank: None })
}

fn kind(network: &Network) -> TargetKind {
    match *network {
        Network::Tms(Tms { features, hidden, hidden_layers, .. }) => {
            TargetKind::Tms { features, hidden, hidden_layers }
        }
        Network::ResidualMlp(ResidualMlp { features, neurons, layers, .. }) => {
            TargetKind::ResidualMlp { features, neurons, layers }
        }
        Network::GatedFunctions(GatedFunctions { functions, neurons_per_function, layers }) => {
            TargetKind::GatedFunctions { functions, neurons: neurons_per_function, layers }
        }
    }
}

/// The share of inputs on which a feature, or a control bit, is active. Synced features too are each active with the
/// probability of their group.
fn probability(network: &Network, inputs: &Inputs) -> Option<f64> {
    match (inputs, network) {
        (Inputs::Exactly(_), Network::GatedFunctions(_)) => None,
        (Inputs::Exactly(ExactlyActive { active, .. }), _) => Some(*active as f64 / network.features() as f64),
        (Inputs::Independent(IndependentFeatures { probability, .. }), _)
        | (Inputs::Synced(SyncedFeatures { probability, .. }), _)
        | (Inputs::Gated(GatedInputs { probability, .. }), _) => Some(*probability),
    }
}

/// Source: Braun et al. 2025 (arXiv:2501.14926), table 1.
fn reference(network: &Network) -> Option<Reference> {
    match network {
        Network::Tms(Tms { features: 5, hidden: 2, hidden_layers: 0, tied: true, .. }) => Some(Reference::Tms5To2),
        Network::Tms(Tms { features: 40, hidden: 10, hidden_layers: 0, tied: true, .. }) => Some(Reference::Tms40To10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        run::{Machine, Provenance},
        spec,
    };

    const OF_EACH_KIND: [&str; 4] = ["tms_5-2_id", "residual_mlp_2_layers", "gated_functions", "tms_40-10_default"];

    fn experiment(name: &str) -> Spec {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(format!("{name}.toml"));
        spec::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is known of a run whose spec's text is `spec`, and with which `written` was written.
    fn described(spec: &str, written: Option<RunDescription>) -> RunDescription {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("spec.toml"), spec).unwrap();
        Provenance::begin(&folder.path().join("provenance.json"), Machine::new("cpu", 1), written).unwrap();
        describe(folder.path())
    }

    #[test]
    fn what_is_written_with_a_run_is_what_its_spec_tells() {
        for name in OF_EACH_KIND {
            let spec = experiment(name);
            let whole = spec.describe();
            assert_eq!(described("", Some(whole.clone())), whole, "{name}: as it was written");
            assert_eq!(described(&spec.to_toml(), None), whole, "{name}: of a run older than descriptions");
        }
    }

    #[test]
    fn a_part_of_a_spec_with_a_mistake_is_not_known_and_the_others_are() {
        let spec = experiment("residual_mlp_2_layers");
        let (text, whole) = (spec.to_toml(), spec.describe());
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            described(&text.replace(from, to), None)
        };
        let target = changed("[target.residual_mlp]", "[target.transformer]");
        let method = target.method.as_ref().map(|method| (method.key.as_str(), method.components));
        assert_eq!((target.target.is_none(), method), (true, Some(("apd", None))));
        assert_eq!((&target.experiment, &target.seeds), (&whole.experiment, &whole.seeds));

        let method = changed("[method.apd", "[method.future");
        assert_eq!(method.kind(), whole.kind());
        assert_eq!(method.method.unwrap().name, "a method that this version does not know");
        assert_eq!(described("[[[", None), RunDescription::default());
    }
}
