//! The layers of networks that add to a residual stream: r_{l+1} = r_l + act(r_l W_in + b_in) W_out + b_out.

use super::residual_mlp::Biases;
use crate::{
    graph::{Activation, BiasIndex, Graph, Value},
    site::{PerSite, Role, Site, SiteIndex},
};

/// Layers of one size, each with the sites `layers.<i>.mlp_in` and `layers.<i>.mlp_out`.
#[derive(Clone, Copy, Debug)]
pub struct ResidualLayers {
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Number of neurons in each layer.
    pub neurons: usize,
    pub activation: Activation,
    pub biases: Biases,
}

impl ResidualLayers {
    /// W_in of the layer.
    pub fn mlp_in(layer: usize) -> SiteIndex {
        SiteIndex(2 * layer)
    }

    /// W_out of the layer.
    pub fn mlp_out(layer: usize) -> SiteIndex {
        SiteIndex(2 * layer + 1)
    }

    pub fn sites(&self) -> PerSite<Site> {
        let of_layer = |layer| {
            [
                Site::new(format!("layers.{layer}.mlp_in"), self.width, self.neurons),
                Site::new(format!("layers.{layer}.mlp_out"), self.neurons, self.width),
            ]
        };
        (0..self.layers).flat_map(of_layer).collect()
    }

    pub fn roles(&self) -> Vec<Role> {
        (0..self.layers).flat_map(|layer| [Role::MlpIn { layer }, Role::MlpOut { layer }]).collect()
    }

    /// Name and width of every bias: those before the activation, then those after it.
    pub fn biases(&self) -> Vec<(String, i64)> {
        let of_layers = |name: &str, width: usize| -> Vec<(String, i64)> {
            (0..self.layers).map(|layer| (format!("layers.{layer}.{name}"), width as i64)).collect()
        };
        let (inner, outer) = (of_layers("b_in", self.neurons), of_layers("b_out", self.width));
        match self.biases {
            Biases::None => Vec::new(),
            Biases::Inner => inner,
            Biases::Outer => outer,
            Biases::Both => [inner, outer].concat(),
        }
    }

    /// The bias before and the one after a layer's activation.
    fn biases_of(&self, layer: usize) -> (Option<BiasIndex>, Option<BiasIndex>) {
        let (first, second) = (Some(BiasIndex(layer)), Some(BiasIndex(self.layers + layer)));
        match self.biases {
            Biases::None => (None, None),
            Biases::Inner => (first, None),
            Biases::Outer => (None, first),
            Biases::Both => (first, second),
        }
    }

    /// The residual stream after all layers, given the one before them.
    pub fn forward(&self, graph: &mut Graph, mut residual: Value) -> Value {
        for layer in 0..self.layers {
            let (inner, outer) = self.biases_of(layer);
            let mut hidden = graph.apply(Self::mlp_in(layer), residual);
            if let Some(bias) = inner {
                hidden = graph.add_bias(bias, hidden);
            }
            hidden = graph.activate(self.activation, hidden);
            let mut output = graph.apply(Self::mlp_out(layer), hidden);
            if let Some(bias) = outer {
                output = graph.add_bias(bias, output);
            }
            residual = graph.add(residual, output);
        }
        residual
    }
}
