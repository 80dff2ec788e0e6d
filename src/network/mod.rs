//! The networks that can be taken apart. A network is its sizes and its forward pass, written once and read in several
//! ways.

mod tms;
mod training;
mod weights;

use serde::Serialize;
use tch::Tensor;
pub use tms::{HiddenKind, Tms};
pub use training::Task;
pub use weights::Weights;

use crate::{
    reading::{Dense, Reading, Tape},
    site::{PerSite, Site, SiteIndex},
    spec::{Choice, Variant},
};

/// Every network that the spec can name, `[target.<network>]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    Tms(Tms),
}

impl Choice for Network {
    const VARIANTS: &'static [Variant<Self>] = &[Variant::Table("tms", |table| Self::Tms(Tms::read(table)))];
}

impl Network {
    /// The weight matrices to decompose.
    pub fn sites(&self) -> PerSite<Site> {
        match self {
            Network::Tms(tms) => tms.sites(),
        }
    }

    /// Name and width of every bias.
    pub fn biases(&self) -> Vec<(String, i64)> {
        match self {
            Network::Tms(tms) => vec![("bias".into(), tms.features as i64)],
        }
    }

    /// Number of input features.
    pub fn features(&self) -> usize {
        match self {
            Network::Tms(tms) => tms.features,
        }
    }

    /// Whether training changes the site's matrix.
    pub fn is_trained(&self, site: SiteIndex) -> bool {
        match self {
            Network::Tms(tms) => site.0 == 0 || tms.hidden_kind == HiddenKind::Trained,
        }
    }

    /// The value that training starts from, if it is not random.
    pub fn is_identity(&self, site: SiteIndex) -> bool {
        match self {
            Network::Tms(tms) => site.0 > 0 && tms.hidden_kind == HiddenKind::Identity,
        }
    }

    /// Number N of parameters at all sites.
    pub fn parameters(&self) -> i64 {
        self.sites().iter().map(Site::parameters).sum()
    }

    pub fn forward<R: Reading>(&self, reading: &mut R, input: R::Value) -> R::Value {
        match self {
            Network::Tms(tms) => tms.forward(reading, input),
        }
    }

    /// The network's output [replica, sample, feature] with its own weights.
    pub fn output(&self, weights: &Weights, input: &Tensor) -> Tensor {
        let mut tape = Tape::new(Dense::new(weights), &weights.biases);
        let input = tape.input(input);
        let output = self.forward(&mut tape, input);
        tape.tensor(output).shallow_clone()
    }
}
