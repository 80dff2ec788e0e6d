//! What a run is, written with it into `provenance.json`: enough for readers that know neither networks nor methods.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use super::checksums::read_sealed;
use crate::{site::Role, table::NetworkKind};

/// What a run is. A part that is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunDescription {
    /// The name of the experiment.
    pub experiment: Option<String>,
    /// One replica for each.
    pub seeds: Option<Vec<u64>>,
    pub target: Option<DescribedTarget>,
    pub method: Option<DescribedMethod>,
    /// Whether the components were trained elsewhere.
    pub imported_components: bool,
}

/// The networks that are decomposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescribedTarget {
    pub kind: TargetKind,
    /// In the order of the network.
    pub sites: Vec<DescribedSite>,
    /// What a mechanism of the network belongs to, as a noun.
    pub mechanism_of: String,
    /// Whether the run trained it, which is neither constructed nor imported then.
    pub is_trained: bool,
    /// The share of inputs on which a feature, or a control bit, is active; `None` if it differs from feature to feature or is
    /// not known.
    pub feature_probability: Option<f64>,
    /// Numbers that were published about networks of this kind and these sizes.
    pub reference: Option<Reference>,
}

/// A kind of network with its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    Tms {
        features: usize,
        hidden: usize,
        hidden_layers: usize,
    },
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

/// A matrix [d_in, d_out] that is decomposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedSite {
    /// Its name in files and tables.
    pub name: String,
    pub role: Role,
    pub d_in: usize,
    pub d_out: usize,
    /// Number of components that live there.
    pub components: Option<usize>,
}

/// How the networks are decomposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedMethod {
    /// In a spec, `[method.<key>]`.
    pub key: String,
    pub name: String,
    /// Whether a component is active on a sample or not, rather than used with a weight.
    pub selects: bool,
    /// Number of components at all sites; `None` if its settings are not known, as those of a method that this version does
    /// not know. So for the rank.
    pub components: Option<usize>,
    /// Rank budget of each at each site.
    pub rank: Option<usize>,
}

/// An experiment that others have published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reference {
    #[serde(rename = "tms_5-2")]
    Tms5To2,
    #[serde(rename = "tms_40-10")]
    Tms40To10,
}

impl TargetKind {
    pub fn network(self) -> NetworkKind {
        match self {
            TargetKind::Tms { .. } => NetworkKind::Tms,
            TargetKind::ResidualMlp { .. } => NetworkKind::ResidualMlp,
            TargetKind::GatedFunctions { .. } => NetworkKind::GatedFunctions,
        }
    }
}

impl RunDescription {
    /// What was written with the run in `folder`; `None` if it is older than that, or its `provenance.json` cannot be read.
    pub fn written(folder: &Path) -> Option<RunDescription> {
        #[derive(Deserialize)]
        struct Written {
            #[serde(default, deserialize_with = "if_known")]
            run: Option<RunDescription>,
        }
        serde_json::from_str::<Written>(&read_sealed(&folder.join("provenance.json")).ok()?).ok()?.run
    }

    pub fn kind(&self) -> Option<TargetKind> {
        self.target.as_ref().map(|target| target.kind)
    }

    /// What a mechanism of the network belongs to, as a noun.
    pub fn mechanism_of(&self) -> &str {
        self.target.as_ref().map_or("feature", |target| &target.mechanism_of)
    }

    /// Whether components are active or not, as they are with most methods.
    pub fn selects(&self) -> bool {
        self.method.as_ref().is_none_or(|method| method.selects)
    }

    /// As [`DescribedTarget::feature_probability`].
    pub fn feature_probability(&self) -> Option<f64> {
        self.target.as_ref()?.feature_probability
    }

    pub fn sites(&self) -> &[DescribedSite] {
        self.target.as_ref().map_or(&[], |target| &target.sites)
    }

    /// The site of this role, if the network has one.
    pub fn site(&self, role: Role) -> Option<&DescribedSite> {
        self.sites().iter().find(|site| site.role == role)
    }
}

/// `None` also of what a newer apd describes in words that are not known here.
pub(super) fn if_known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RunDescription>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
}
