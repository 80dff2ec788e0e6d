//! What the settings of a method say before anything is trained, and how a decomposition begins and is read back.

use std::any::Any;

use tch::{Device, Tensor};

use super::{Decomposed, Decomposition, Method, NotTraded, TradedKey};
use crate::{
    fit::{Moment, Training},
    network::Network,
    settings::TableReader,
    weights::Weights,
};

/// The settings of a method.
pub trait Settings: Any {
    fn words(&self) -> &'static Words;

    /// Tells `table`, the whole spec's, what does not go together.
    fn check(&self, circumstances: Circumstances, table: &mut TableReader);

    /// What is decomposed of a target: it, or the same network with tied uses apart.
    fn decomposed_network(&self, target: &Network) -> Network {
        target.clone()
    }

    fn sizes(&self, target: &Network) -> Sizes;

    /// The keys of those settings that finished components of `target` fix, with their values here and those of the
    /// `tensors`, both as a spec has them. The tensors are those of [`Settings::tensors`] with tied uses apart.
    fn fixed_by(&self, target: &Network, tensors: &[(String, Tensor)]) -> Vec<(String, String, String)>;

    /// The tensors that files keep with these settings, made from the same with tied uses apart.
    fn of_import(&self, _target: &Network, tensors: Vec<(String, Tensor)>) -> Vec<(String, Tensor)> {
        tensors
    }

    /// Whether components are active or not.
    fn selects(&self) -> bool;

    /// The key that decides how many components are active, at the price of the error of the output; of a training on batches of
    /// so many samples.
    fn traded_key(&self, batch: usize) -> Result<TradedKey, NotTraded>;

    /// What must be equal in all experiments that are trained together: these settings with stand-ins for what each replica
    /// has of its own.
    fn shape(&self) -> Method;

    /// The share of its full size that the training has grown to at a moment, from 0 at its beginning to 1.
    fn grown(&self, _moment: Moment) -> f64 {
        1.0
    }

    /// The same method at its full size from the first step on; `None` if it is.
    fn without_growth(&self) -> Option<Method> {
        None
    }

    /// Where the training of a pack begins: experiments of equal [`Settings::shape`] with their seeds, a replica for each, on
    /// batches of so many samples. `weights` are the targets of all replicas, on `device`.
    fn untrained<'n>(
        &self,
        pack: &[(&Method, &[u64])],
        batch: usize,
        network: &'n Network,
        weights: &Weights,
        device: Device,
    ) -> Box<dyn Decomposition + 'n>;

    /// Name and shape of every tensor that files keep of so many replicas, [`Decomposed::to_files`].
    fn tensors(&self, target: &Network, replicas: usize) -> Vec<(String, Vec<i64>)>;

    /// What has been decomposed, from those tensors by their names; all on one device with the targets' `weights`.
    fn decomposed<'n>(
        &self,
        network: &'n Network,
        weights: &Weights,
        tensor: &dyn Fn(&str) -> Tensor,
    ) -> Box<dyn Decomposed + 'n>;
}

/// What the settings of a method are to agree with.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    pub network: &'a Network,
    /// Of the components.
    pub training: &'a Training,
}

/// How large a decomposition of one replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Number of components at all sites.
    pub components: usize,
    /// Rank budget of each at each site.
    pub rank: usize,
    /// Number of entries of all factors A and B.
    pub factors: i64,
    /// Number of entries of the components' matrices.
    pub matrices: i64,
    /// About how many numbers a step makes beside the factors, whatever the batch.
    pub of_step: i64,
    /// About how many numbers a step keeps of every sample, beside the network's values.
    pub of_sample: i64,
}

/// What a method and its parts are called.
#[derive(Debug)]
pub struct Words {
    /// In a spec, `[method.<key>]`.
    pub key: &'static str,
    pub name: &'static str,
    /// Who has published it, in words and as a BibTeX entry.
    pub published: Option<Published>,
    /// What a component counts on a sample, and what that is measured in: "attribution", "output units".
    pub importance: &'static str,
    pub importance_unit: &'static str,
    /// The loss terms that are errors of the output under masks.
    pub errors_under_masks: &'static [&'static str],
    /// How the terms of the loss go when it works.
    pub losses: &'static str,
    /// The settings that a reader asks for first: what they are called, and their keys below `[method.<key>]`.
    pub settings: &'static [(&'static str, &'static str)],
}

/// Where a method was published.
#[derive(Debug)]
pub struct Published {
    pub reference: &'static str,
    pub bibtex: &'static str,
}

impl Words {
    /// Of a method that this version does not know.
    pub const OF_ANY_METHOD: Words = Words {
        key: "",
        name: "a method that this version does not know",
        published: None,
        importance: "importance",
        importance_unit: "units of its own",
        errors_under_masks: &[],
        losses: "the terms fall and stay low",
        settings: &[],
    };
}
