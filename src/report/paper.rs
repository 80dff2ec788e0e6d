//! Numbers that others have published, to stand beside those of a run.

use crate::run::Reference;

/// What has been published about one experiment.
pub struct Published {
    /// The method that the numbers are about, as in `[method.<key>]`: beside others they would mislead.
    pub method: &'static str,
    /// Where it was published, as a reader would cite it.
    pub source: &'static str,
    /// Mean max cosine similarity: mean and standard deviation.
    pub mmcs: (f64, f64),
    /// Mean L2 ratio: mean and standard deviation.
    pub ml2r: (f64, f64),
    /// Replicas recovered, and of how many, by the authors' own program with the settings of the paper, where somebody
    /// has counted.
    pub recovered: Option<(usize, usize)>,
}

/// Source: Braun, Bushnaq, Heimersheim, Mendel, Sharkey (2025), arXiv:2501.14926, table 1.
/// Recovered: `results/authors_tms_5-2.csv`.
const TMS_5_2: Published = Published {
    method: "apd",
    source: "Braun et al. 2025, table 1",
    mmcs: (0.998, 0.000),
    ml2r: (0.893, 0.004),
    recovered: Some((7, 12)),
};

/// Source: as above.
const TMS_40_10: Published = Published {
    method: "apd",
    source: "Braun et al. 2025, table 1",
    mmcs: (0.996, 0.003),
    ml2r: (0.935, 0.001),
    recovered: None,
};

/// The numbers that were published about an experiment.
pub fn published(reference: Reference) -> &'static Published {
    match reference {
        Reference::Tms5To2 => &TMS_5_2,
        Reference::Tms40To10 => &TMS_40_10,
    }
}
