//! Neuron contributions: through which neurons a feature's function is computed (Braun et al. 2025, section 3.2).

use tch::{Kind, Tensor};

use crate::{
    components::{Components, Factors},
    network::ResidualMlp,
    site::SiteIndex,
    weights::Weights,
};

/// (W_out W_U)[:, i] * (W_E W_in)[i, :] of target and components, the neurons of all layers side by side.
pub struct Contributions {
    /// [feature, neuron].
    target: Tensor,
    /// [component, feature, neuron].
    components: Tensor,
}

impl Contributions {
    /// All of one replica, its axis kept. A component that reads and lives at no other site is written by all that do, as by
    /// Bushnaq, Braun and Sharkey (2025).
    pub fn new(mlp: &ResidualMlp, weights: &Weights, components: &Components) -> Self {
        let [embedding, unembedding] = &weights.embeddings[..] else { panic!("a residual MLP has two embeddings") };
        let layers = 0..mlp.layers;
        let of_target = layers.clone().map(|layer| {
            let [reads, writes] = Self::sites(layer).map(|site| &weights.sites[site]);
            embedding.bmm(reads) * writes.bmm(unembedding).mt()
        });
        let of_components = layers.map(|layer| {
            let sites = Self::sites(layer);
            let [reads, writes] = sites.map(|site| components.all_at(site));
            // The embeddings are multiplied into the factors first: nothing is as wide as the residual stream.
            let read = Factors { a: left_product(embedding, &reads.a), b: reads.b };
            if !components.live_everywhere() {
                let write = components.factors[sites[1]].sum().bmm(unembedding);
                return read.matrices() * write.mt().unsqueeze(1);
            }
            let write = Factors { a: writes.a, b: writes.b.matmul(&unembedding.unsqueeze(1)) };
            read.matrices() * write.matrices().mt()
        });
        let side_by_side = |parts: Vec<Tensor>| Tensor::cat(&parts, -1).squeeze_dim(0).to_kind(Kind::Double);
        Self { target: side_by_side(of_target.collect()), components: side_by_side(of_components.collect()) }
    }

    /// W_in and W_out of a layer.
    fn sites(layer: usize) -> [SiteIndex; 2] {
        [SiteIndex(2 * layer), SiteIndex(2 * layer + 1)]
    }

    /// The length of the target's contributions to each feature, `[feature]`.
    pub fn lengths(&self) -> Vec<f64> {
        numbers(squared_lengths(&self.target).sqrt())
    }

    /// The slope, without intercept, of a component's contributions to a feature over the target's, `[component][feature]`: the
    /// share of the feature's function that the component holds, 1 for all of it. 0 for a feature without function.
    pub fn slopes(&self) -> Vec<Vec<f64>> {
        let products = (&self.components * &self.target).sum_dim_intlist([-1].as_slice(), false, None);
        table(products / squared_lengths(&self.target).clamp_min(f64::MIN_POSITIVE))
    }

    /// The cosine between a component's contributions to a feature and the target's, `[component][feature]`.
    pub fn cosines(&self) -> Vec<Vec<f64>> {
        let products = (&self.components * &self.target).sum_dim_intlist([-1].as_slice(), false, None);
        let lengths = (squared_lengths(&self.components) * squared_lengths(&self.target)).sqrt();
        table(products / lengths.clamp_min(f64::MIN_POSITIVE))
    }

    /// The target's contributions to a feature, by neuron.
    pub fn of_target(&self, feature: usize) -> Vec<f64> {
        numbers(self.target.get(feature as i64))
    }

    /// A component's contributions to a feature, by neuron.
    pub fn of_component(&self, component: usize, feature: usize) -> Vec<f64> {
        numbers(self.components.get(component as i64).get(feature as i64))
    }
}

/// M A for all components, [1, rows of M, component, rank].
fn left_product(matrix: &Tensor, a: &Tensor) -> Tensor {
    matrix.bmm(&a.flatten(2, 3)).unflatten(2, [a.size()[2], a.size()[3]])
}

fn squared_lengths(tensor: &Tensor) -> Tensor {
    tensor.square().sum_dim_intlist([-1].as_slice(), false, None)
}

fn table(tensor: Tensor) -> Vec<Vec<f64>> {
    Vec::try_from(tensor).expect("a table of [component, feature]")
}

fn numbers(tensor: Tensor) -> Vec<f64> {
    Vec::try_from(tensor).expect("one axis")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::tiny;

    #[test]
    fn contributions_are_what_is_read_times_what_is_written() {
        let tiny = tiny::residual_mlp();
        let contributions = Contributions::new(tiny.mlp(), &tiny.weights, &tiny.components);
        assert_eq!((contributions.of_target(0), contributions.of_target(1)), (vec![2.0, 0.0], vec![0.0, 2.0]));
        assert_eq!(contributions.of_component(1, 1), [0.0, 1.5]);
        // Component 2 writes and does not read: its own contribution is nothing.
        assert_eq!(contributions.slopes(), [[1.0, 0.0], [0.0, 0.75], [0.0, 0.0], [0.0, 0.0]]);
        assert_eq!(contributions.cosines(), [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]);
    }

    #[test]
    fn an_embedding_turns_into_the_contributions() {
        // Feature 0 lies along both dimensions of the stream and so on both neurons.
        let mut tiny = tiny::residual_mlp();
        tiny.weights.embeddings[0] = crate::slices::tensor_from(&[1, 2, 2], [1.0, -1.0, 0.0, 1.0].into_iter());
        tiny.weights.embeddings[1] = tiny.weights.embeddings[0].mt();
        let contributions = Contributions::new(tiny.mlp(), &tiny.weights, &tiny.components);
        assert_eq!(contributions.of_target(0), [2.0, 2.0]);
        assert_eq!(contributions.of_component(0, 0), [2.0, 0.0]);
        assert_eq!((contributions.slopes()[0][0], contributions.slopes()[1][0]), (0.5, 0.375));
    }
}
