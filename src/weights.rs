//! The parameters of a network, whichever network it is.

use std::ops::Range;

use tch::{Device, Tensor};

use crate::site::PerSite;

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

    /// These biases and embeddings, whose storage is shared, with other matrices at the sites.
    pub fn with_sites(&self, sites: PerSite<Tensor>) -> Self {
        let share = |tensors: &[Tensor]| tensors.iter().map(Tensor::shallow_clone).collect();
        Self { sites, embeddings: share(&self.embeddings), biases: share(&self.biases) }
    }
}

/// Which parameters training changes; biases it always does.
#[derive(Debug)]
pub struct RequiresGrad {
    pub sites: PerSite<bool>,
    pub embeddings: bool,
}
