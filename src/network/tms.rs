//! The toy model of superposition (Elhage et al. 2022; Braun et al. 2025, section 3.1):
//! x_hat = relu(x W H_1 .. H_n W^T + b), more features than hidden dimensions. Untied, it has an unembedding U of its own in
//! the place of W^T.

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
    /// Whether the unembedding is the embedding W transposed, rather than a matrix U [hidden, features] of its own that is
    /// trained and decomposed too.
    #[serde(skip_serializing_if = "is_true")]
    pub tied: bool,
}

/// Whether a setting is on that is on in every spec that is older than it.
fn is_true(setting: &bool) -> bool {
    *setting
}

impl Tms {
    /// No hidden layers and one tied matrix unless the spec says otherwise: the plain toy model.
    pub fn read(table: &mut TableReader) -> Self {
        let tms = Self {
            features: table.size("features").such_as(5),
            hidden: table.size("hidden").such_as(2),
            hidden_layers: table.number("hidden_layers").at_most(100).or(0),
            hidden_kind: table.choice("hidden_kind").or(HiddenKind::Trained),
            tied: table.boolean_or("tied", true),
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
    pub(super) const EMBED: SiteIndex = SiteIndex(0);
    const OUTPUT_BIAS: BiasIndex = BiasIndex(0);

    pub(super) fn sites(&self) -> PerSite<Site> {
        let embed = Site::new("embed", self.features, self.hidden);
        let hidden =
            (0..self.hidden_layers).map(|layer| Site::new(format!("hidden.{layer}"), self.hidden, self.hidden));
        let unembed = (!self.tied).then(|| Site::new("unembed", self.hidden, self.features));
        std::iter::once(embed).chain(hidden).chain(unembed).collect()
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        let hidden = (0..self.hidden_layers).map(|layer| Role::Hidden { layer });
        let (embed, unembed) =
            if self.tied { (Role::TiedEmbedding, None) } else { (Role::Embedding, Some(Role::Unembedding)) };
        std::iter::once(embed).chain(hidden).chain(unembed).collect()
    }

    /// Whether the site is a hidden linear layer.
    pub(super) fn is_hidden(&self, site: SiteIndex) -> bool {
        (1..=self.hidden_layers).contains(&site.0)
    }

    /// x_hat = relu(x W H_1 .. H_n W^T + b), or untied relu(x W H_1 .. H_n U + b).
    pub(super) fn forward(&self, graph: &mut Graph, features: Value) -> Value {
        let mut hidden = graph.apply(Self::EMBED, features);
        for layer in 0..self.hidden_layers {
            hidden = graph.apply(SiteIndex(1 + layer), hidden);
        }
        let unembed = if self.tied { Self::EMBED.transposed() } else { SiteIndex(1 + self.hidden_layers).into() };
        let output = graph.apply(unembed, hidden);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tch::{Device, Kind, Tensor};

    use super::*;
    use crate::{
        initial_values::{InitialValues, Shape},
        network::Network,
        weights::Weights,
    };

    proptest! {
        #[test]
        fn the_uses_of_a_tied_matrix_answer_apart_as_they_do_together(
            features in 1..9_usize, hidden in 1..6_usize, hidden_layers in 0..2_usize, seed in 0..1_000_u64,
        ) {
            let tied = Network::Tms(Tms { features, hidden, hidden_layers, hidden_kind: HiddenKind::Trained, tied: true });
            let apart = tied.with_uses_apart();
            let rule = InitialValues { instances: 1, scale: 1.0, distribution: Shape::Normal };
            let weights = Weights::random(&tied, rule, &[seed, seed + 1]);
            let weights_apart = weights.with_uses_apart(&tied);
            let shapes: Vec<_> = apart.sites().iter().map(|site| vec![2, site.d_in, site.d_out]).collect();
            prop_assert_eq!(weights_apart.sites.iter().map(Tensor::size).collect::<Vec<_>>(), shapes);
            prop_assert!(weights_apart.sites.iter().all(Tensor::is_contiguous));
            let input = Tensor::arange(2 * 7 * features as i64, (Kind::Float, Device::Cpu)).sin();
            let input = input.view([2, 7, features as i64]);
            let (together, apart) = (tied.output(&weights, &input), apart.output(&weights_apart, &input));
            prop_assert!((together - apart).abs().max().double_value(&[]) <= 1e-6);
        }
    }

    #[test]
    fn a_tied_model_is_written_as_before_there_were_untied_ones() {
        let tms = Tms { features: 3, hidden: 2, hidden_layers: 0, hidden_kind: HiddenKind::Trained, tied: true };
        let written = |tms: &Tms| toml::to_string(tms).unwrap();
        assert_eq!(written(&tms), "features = 3\nhidden = 2\nhidden_layers = 0\nhidden_kind = \"trained\"\n");
        assert!(written(&Tms { tied: false, ..tms }).ends_with("tied = false\n"));
    }

    #[test]
    fn a_network_without_tied_uses_is_the_same_with_them_apart() {
        let untied = Tms { features: 3, hidden: 2, hidden_layers: 1, hidden_kind: HiddenKind::Identity, tied: false };
        let untied = Network::Tms(untied);
        assert_eq!(untied.with_uses_apart(), untied);
        let rule = InitialValues { instances: 1, scale: 1.0, distribution: Shape::Normal };
        let weights = Weights::random(&untied, rule, &[1]);
        assert_eq!(weights.with_uses_apart(&untied).named(&untied), weights.named(&untied));
    }
}
