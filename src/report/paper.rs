//! Numbers that others have published, to stand beside those of a run.

use super::run_data::Sizes;

/// What has been published about one toy model of superposition.
pub struct Published {
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
    source: "Braun et al. 2025, table 1",
    mmcs: (0.998, 0.000),
    ml2r: (0.893, 0.004),
    recovered: Some((7, 12)),
};

/// Source: as above.
const TMS_40_10: Published =
    Published { source: "Braun et al. 2025, table 1", mmcs: (0.996, 0.003), ml2r: (0.935, 0.001), recovered: None };

/// The published numbers for a network of these sizes, if there are any.
pub fn published(sizes: &Sizes) -> Option<&'static Published> {
    match (sizes.features, sizes.hidden, sizes.hidden_layers) {
        (5, 2, 0) => Some(&TMS_5_2),
        (40, 10, 0) => Some(&TMS_40_10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers_are_given_for_the_networks_of_the_paper_alone() {
        let sizes = |features, hidden, hidden_layers| Sizes { features, hidden, hidden_layers };
        assert_eq!(published(&sizes(5, 2, 0)).unwrap().ml2r, (0.893, 0.004));
        assert_eq!(published(&sizes(40, 10, 0)).unwrap().mmcs, (0.996, 0.003));
        assert!(published(&sizes(5, 2, 1)).is_none());
        assert!(published(&sizes(6, 2, 0)).is_none());
    }
}
