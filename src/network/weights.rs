//! A network's parameters.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use super::Network;
use crate::{
    initial_values::InitialValues,
    random::{Purpose, stream},
    site::PerSite,
};

/// The parameters of all replicas of a network.
#[derive(Debug)]
pub struct Weights {
    /// [replica, d_in, d_out] for every site.
    pub sites: PerSite<Tensor>,
    /// [replica, d_in, d_out] each; not decomposed.
    pub embeddings: Vec<Tensor>,
    /// [replica, width] each; not decomposed.
    pub biases: Vec<Tensor>,
}

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

    pub fn zeros_like(&self) -> Self {
        self.map(Tensor::zeros_like)
    }

    pub fn to_device(&self, device: Device) -> Self {
        self.map(|tensor| tensor.to_device(device))
    }

    pub fn replicas(&self) -> i64 {
        self.sites.iter().next().expect("a network has a site").size()[0]
    }

    /// Views of some replicas.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        self.map(|tensor| tensor.narrow(0, replicas.start as i64, replicas.len() as i64))
    }

    /// A view of one replica, its axis kept.
    pub fn replica(&self, replica: usize) -> Self {
        self.of_replicas(replica..replica + 1)
    }

    /// Several networks as the replicas of one.
    pub fn stack(replicas: &[Weights]) -> Self {
        let gather =
            |tensor: &dyn Fn(&Weights) -> &Tensor| Tensor::cat(&replicas.iter().map(tensor).collect::<Vec<_>>(), 0);
        let first = &replicas[0];
        let sites = first.sites.enumerate().map(|(site, _)| gather(&|weights| &weights.sites[site]));
        let embeddings = (0..first.embeddings.len()).map(|embedding| gather(&|weights| &weights.embeddings[embedding]));
        let biases = (0..first.biases.len()).map(|bias| gather(&|weights| &weights.biases[bias]));
        Self { sites: sites.collect(), embeddings: embeddings.collect(), biases: biases.collect() }
    }

    pub fn map(&self, mut function: impl FnMut(&Tensor) -> Tensor) -> Self {
        Self {
            sites: self.sites.map(&mut function),
            embeddings: self.embeddings.iter().map(&mut function).collect(),
            biases: self.biases.iter().map(&mut function).collect(),
        }
    }

    /// The same biases and embeddings with other matrices at the sites; they share their storage.
    pub fn with_sites(&self, sites: PerSite<Tensor>) -> Self {
        let share = |tensors: &[Tensor]| tensors.iter().map(Tensor::shallow_clone).collect();
        Self { sites, embeddings: share(&self.embeddings), biases: share(&self.biases) }
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
