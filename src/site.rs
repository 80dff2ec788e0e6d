//! Sites: the weight matrices of a network that are decomposed.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// One decomposed weight matrix W [d_in, d_out], in row-vector convention y = x W. A tied use of it (transposed) is the
/// same site and is counted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Name in files and tables, for example `embed` or `layers.0.mlp_in`.
    pub name: String,
    pub d_in: i64,
    pub d_out: i64,
}

impl Site {
    pub fn new(name: impl Into<String>, d_in: usize, d_out: usize) -> Self {
        Self { name: name.into(), d_in: d_in as i64, d_out: d_out as i64 }
    }

    /// Number of entries of W.
    pub fn parameters(&self) -> i64 {
        self.d_in * self.d_out
    }
}

/// What a site is in its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It takes features to a hidden space and, transposed, back.
    TiedEmbedding,
    /// It takes features to a hidden space, from which an [`Unembedding`](Self::Unembedding) of its own weights takes them back.
    Embedding,
    /// It takes a hidden space back to the features.
    Unembedding,
    /// A linear layer within the hidden space, counted from 0.
    Hidden { layer: usize },
    /// It takes the residual stream to the neurons of a layer.
    MlpIn { layer: usize },
    /// It takes the neurons of a layer to the residual stream.
    MlpOut { layer: usize },
}

/// Which site of a network, in the order of [`crate::network::Network::sites`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteIndex(pub usize);

/// Something for every site of a network: the one map over sites.
#[derive(Clone, Debug, PartialEq)]
pub struct PerSite<T>(Vec<T>);

impl<T> PerSite<T> {
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// Every site's index with what belongs to it.
    pub fn enumerate(&self) -> impl Iterator<Item = (SiteIndex, &T)> {
        self.0.iter().enumerate().map(|(index, value)| (SiteIndex(index), value))
    }

    pub fn map<U>(&self, function: impl FnMut(&T) -> U) -> PerSite<U> {
        PerSite(self.0.iter().map(function).collect())
    }
}

impl<T> FromIterator<T> for PerSite<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<T> Index<SiteIndex> for PerSite<T> {
    type Output = T;
    fn index(&self, site: SiteIndex) -> &T {
        &self.0[site.0]
    }
}

impl<T> IndexMut<SiteIndex> for PerSite<T> {
    fn index_mut(&mut self, site: SiteIndex) -> &mut T {
        &mut self.0[site.0]
    }
}
