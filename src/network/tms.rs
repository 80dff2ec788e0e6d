//! The toy model of superposition (Elhage et al. 2022; Braun et al. 2025, section 3.1):
//! x_hat = relu(x W H_1 .. H_n W^T + b), more features than hidden dimensions.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    graph::{Activation, BiasIndex, Graph, Value},
    settings::{Choice, TableReader, Variant},
    site::{PerSite, Role, Site, SiteIndex},
};

/// Sizes of a toy model of superposition.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Tms {
    /// Number of input features.
    pub features: usize,
    /// Width of the hidden space.
    pub hidden: usize,
    /// Number of linear layers [hidden, hidden] between embedding and unembedding.
    pub hidden_layers: usize,
    /// What the hidden linear layers are.
    pub hidden_kind: HiddenKind,
}

impl Tms {
    /// No hidden layers unless the spec says otherwise: the plain toy model.
    pub fn read(table: &mut TableReader) -> Self {
        let tms = Self {
            features: table.size("features").such_as(5),
            hidden: table.size("hidden").such_as(2),
            hidden_layers: table.number("hidden_layers").at_most(100).or(0),
            hidden_kind: table.choice("hidden_kind").or(HiddenKind::Trained),
        };
        table.check(
            &["hidden_kind", "hidden_layers"],
            tms.hidden_layers > 0 || tms.hidden_kind == HiddenKind::Trained,
            "`hidden_kind` needs hidden layers",
            "but `hidden_layers` is 0",
        );
        tms
    }
}

impl Tms {
    const EMBED: SiteIndex = SiteIndex(0);
    const OUTPUT_BIAS: BiasIndex = BiasIndex(0);

    pub(super) fn sites(&self) -> PerSite<Site> {
        let embed = Site::new("embed", self.features, self.hidden);
        let hidden =
            (0..self.hidden_layers).map(|layer| Site::new(format!("hidden.{layer}"), self.hidden, self.hidden));
        std::iter::once(embed).chain(hidden).collect()
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        let hidden = (0..self.hidden_layers).map(|layer| Role::Hidden { layer });
        std::iter::once(Role::TiedEmbedding).chain(hidden).collect()
    }

    /// x_hat = relu(x W H_1 .. H_n W^T + b).
    pub(super) fn forward(&self, graph: &mut Graph, features: Value) -> Value {
        let mut hidden = graph.apply(Self::EMBED, features);
        for layer in 0..self.hidden_layers {
            hidden = graph.apply(SiteIndex(1 + layer), hidden);
        }
        let output = graph.apply(Self::EMBED.transposed(), hidden);
        let output = graph.add_bias(Self::OUTPUT_BIAS, output);
        graph.activate(Activation::Relu, output)
    }
}

/// What the hidden linear layers of a toy model of superposition are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HiddenKind {
    /// Initialised like the embedding, and trained with it.
    Trained,
    /// The identity, not trained.
    Identity,
    /// Random as initialised, not trained.
    Random,
}

impl Choice for HiddenKind {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Word("trained", Self::Trained),
        Variant::Word("identity", Self::Identity),
        Variant::Word("random", Self::Random),
    ];
}
