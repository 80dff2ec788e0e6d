//! A network's parameters: their initial values and their names.

use tch::{Device, Kind, Tensor};

use super::{Network, Tms};
use crate::{
    initial_values::InitialValues,
    random::{Purpose, stream},
    weights::{RequiresGrad, Weights},
};

impl Weights {
    /// Initial weights of an untrained network, for each replica from its own seed; biases are zero.
    pub fn random(network: &Network, rule: InitialValues, seeds: &[u64]) -> Self {
        let replicas = seeds.len() as i64;
        let mut generators: Vec<_> = seeds.iter().map(|&seed| stream(seed, Purpose::InitialTarget, 0)).collect();
        let on_cpu = (Kind::Float, Device::Cpu);
        let sites = network.sites();
        let sites = sites.enumerate().map(|(index, site)| {
            if network.is_identity(index) {
                Tensor::eye(site.d_in, on_cpu).repeat([replicas, 1, 1])
            } else {
                rule.sample(&[site.d_in, site.d_out], &mut generators)
            }
        });
        let sites = sites.collect();
        let embeddings = network.initial_embeddings(rule, &mut generators);
        let biases = network.biases().iter().map(|(_, width)| Tensor::zeros([replicas, *width], on_cpu)).collect();
        Self { sites, embeddings, biases }
    }

    /// The weights of [`Network::with_uses_apart`], given these of `network`: an unembedding that was tied is the embedding
    /// transposed. All other tensors share their storage.
    pub fn with_uses_apart(&self, network: &Network) -> Self {
        let unembed = match network {
            Network::Tms(Tms { tied: true, .. }) => Some(self.sites[Tms::EMBED].mt().contiguous()),
            Network::Tms(_) | Network::ResidualMlp(_) | Network::GatedFunctions(_) => None,
        };
        self.with_sites(self.sites.iter().map(Tensor::shallow_clone).chain(unembed).collect())
    }

    /// Every tensor under its name; the clones share their storage.
    pub fn named(&self, network: &Network) -> Vec<(String, Tensor)> {
        let sites = network.sites();
        let sites = sites.iter().map(|site| site.name.clone()).zip(self.sites.iter());
        let embeddings = network.embeddings().into_iter().map(|embedding| embedding.name).zip(&self.embeddings);
        let biases = network.biases().into_iter().map(|(name, _)| name).zip(&self.biases);
        sites.chain(embeddings).chain(biases).map(|(name, tensor)| (name, tensor.shallow_clone())).collect()
    }

    /// Weights from the tensors of a file, looked up by name; `None` where one is missing.
    pub fn from_files(network: &Network, mut tensor: impl FnMut(&str) -> Option<Tensor>) -> Option<Self> {
        let sites = network.sites().iter().map(|site| tensor(&site.name)).collect::<Option<_>>()?;
        let embeddings = network.embeddings().iter().map(|matrix| tensor(&matrix.name)).collect::<Option<_>>()?;
        let biases = network.biases().iter().map(|(name, _)| tensor(name)).collect::<Option<_>>()?;
        Some(Self { sites, embeddings, biases })
    }
}

impl Network {
    /// Which parameters its training changes.
    pub fn requires_grad(&self) -> RequiresGrad {
        let sites = self.sites();
        RequiresGrad {
            sites: sites.enumerate().map(|(site, _)| self.is_trained(site)).collect(),
            embeddings: self.trains_embeddings(),
        }
    }
}
