//! The spec of what is imported: a user's, or the paper's for this kind of network with the file's sizes.

use std::path::Path;

use super::import::Source;
use crate::{
    network::Network,
    spec::{self, Spec, SpecError},
    state_dict_file::{ImportedComponents, ImportedTarget},
};

/// The path and the text of an experiment of this name.
macro_rules! experiment {
    ($name:literal) => {
        (concat!("experiments/", $name, ".toml"), include_str!(concat!("../../experiments/", $name, ".toml")))
    };
}

/// The experiments whose settings stand in for what a file does not say: that of APD and that of SPD.
type Experiments = [(&'static str, &'static str); 2];
const TMS_5_2: Experiments = [experiment!("tms_5-2"), experiment!("tms_5-2_spd")];
const TMS_40_10: Experiments = [experiment!("tms_40-10"), experiment!("tms_40-10_spd")];
const RESIDUAL_MLP_1: Experiments = [experiment!("residual_mlp_1_layer"), experiment!("residual_mlp_1_layer_spd")];
const RESIDUAL_MLP_2: Experiments = [experiment!("residual_mlp_2_layers"), experiment!("residual_mlp_2_layers_spd")];
const RESIDUAL_MLP_3: Experiments = [experiment!("residual_mlp_3_layers"), experiment!("residual_mlp_3_layers_spd")];
const GATED_FUNCTIONS: Experiments = [experiment!("gated_functions"), experiment!("gated_functions_spd")];

/// The experiment of an imported network: that of the spec at `path`, or without one the paper's for this kind of
/// network with the file's sizes; `overrides` are applied to either. Without a spec it is named `name`.
///
/// # Errors
/// If the spec is wrong. Whether it fits the file is not looked at here.
pub fn resolve(
    target: &Source<&ImportedTarget>,
    components: Option<&ImportedComponents>,
    path: Option<&Path>,
    name: &str,
    overrides: &[String],
) -> Result<Spec, SpecError> {
    if let Some(path) = path {
        return spec::load(path, overrides);
    }
    let is_spd = components.is_some_and(ImportedComponents::has_importance_functions);
    let (base, text) = paper_experiment(&target.content.network, is_spd);
    tracing::info!("what the file does not say is as in {base}; --spec or --set gives it");
    let text = with_sizes(text, target.content, components, name);
    // The spec is named as what it is: no file or option has these lines.
    let described = format!("{base} with the sizes of {}", target.path.display());
    spec::parse(Path::new(&described), &text, overrides)
}

/// The experiment with this kind of network, by APD or by SPD.
fn paper_experiment(network: &Network, is_spd: bool) -> (&'static str, &'static str) {
    let experiments = match network {
        Network::Tms(tms) if tms.features >= 40 => TMS_40_10,
        Network::Tms(_) => TMS_5_2,
        Network::ResidualMlp(mlp) => match mlp.layers {
            1 => RESIDUAL_MLP_1,
            2 => RESIDUAL_MLP_2,
            _ => RESIDUAL_MLP_3,
        },
        Network::GatedFunctions(_) => GATED_FUNCTIONS,
    };
    experiments[usize::from(is_spd)]
}

/// The spec `text` with what a file says about its experiment. Without components there are as many as features and of
/// full rank. One target serves all replicas of its components.
fn with_sizes(text: &str, target: &ImportedTarget, components: Option<&ImportedComponents>, name: &str) -> String {
    const SOUND: &str = "the specs of the paper are sound";
    let network = &target.network;
    let instances = target.weights.replicas();
    let replicas = components.map_or(instances, ImportedComponents::replicas);

    let mut spec: toml::Table = text.parse().expect(SOUND);
    spec.insert("name".into(), name.into());
    spec.insert("seeds".into(), replicas.into());
    let of_target = spec["target"].as_table_mut().expect("a spec has a target");
    of_target.extend(toml::Table::try_from(network).expect("a network is plain data"));
    if instances == 1 && replicas > 1 {
        of_target.insert("seed".into(), 0.into());
    }
    let fixed = match components {
        Some(components) => {
            let paper = spec::parse(Path::new(""), text, &[]).unwrap_or_else(|error| panic!("{SOUND}: {error}"));
            paper.method.fixed_by(network, &components.tensors)
        }
        None => {
            let sites = network.sites();
            let full_rank = sites.iter().map(|site| site.d_in.min(site.d_out)).max().expect("a network has a site");
            [("components", network.features() as i64), ("rank", full_rank)]
                .map(|(key, value)| (format!("method.apd.{key}"), String::new(), value.to_string()))
                .into()
        }
    };
    for (key, _, value) in fixed {
        let (table, key) = key.rsplit_once('.').expect("a setting of a method stands in its table");
        let table = table.split('.').try_fold(&mut spec, |table, key| table.get_mut(key)?.as_table_mut());
        let value: toml::Table = format!("value = {value}").parse().expect("a value is TOML");
        table.expect("a spec has a method").insert(key.into(), value["value"].clone());
    }
    toml::to_string(&spec).expect("it was TOML before")
}
