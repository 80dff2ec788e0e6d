//! The description length of a decomposition (Braun et al. 2025, appendix on minimum description length).

use super::Spectrum;

/// alpha: bits for each rank of an active component.
pub const BITS_PER_RANK: f64 = 1.0;

/// What it takes to say which components are active and what they are, on a mean sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description {
    /// Mean number of active components.
    pub active: f64,
    /// Mean of the active components' ranks, summed over components and sites.
    pub active_ranks: f64,
    /// L_MDL = sum_c `[c active]` (alpha sum_l rank(P_{c,l}) + log2 C).
    pub bits: f64,
}

impl Description {
    /// From the share of samples on which each component is active and its rank summed over the sites.
    pub fn new(frequencies: &[f64], ranks: &[usize]) -> Self {
        let active: f64 = frequencies.iter().sum();
        let active_ranks = frequencies.iter().zip(ranks).map(|(frequency, rank)| frequency * *rank as f64).sum();
        let bits = BITS_PER_RANK * active_ranks + active * (frequencies.len() as f64).log2();
        Self { active, active_ranks, bits }
    }
}

/// The rank of every component summed over the sites, from `spectra[site][component]`: a singular value counts if it is above
/// `threshold` times the component's largest at any site, so that what is left of a component where it has died out counts
/// nothing.
pub fn total_ranks(spectra: &[Vec<Spectrum>], threshold: f64) -> Vec<usize> {
    let components = spectra.first().map_or(0, Vec::len);
    let rank = |component: usize| {
        let values = || spectra.iter().flat_map(move |site| &site[component].singular_values);
        let cut = threshold * values().copied().fold(0.0, f64::max);
        values().filter(|value| **value > cut).count()
    };
    (0..components).map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_worked_out_by_hand() {
        // Four components: naming one takes two bits.
        let description = Description::new(&[0.5, 0.25, 0.0, 0.0], &[1, 3, 9, 9]);
        assert_eq!(description, Description { active: 0.75, active_ranks: 1.25, bits: 1.25 + 1.5 });
        assert_eq!(Description::new(&[0.0; 4], &[1; 4]).bits, 0.0);
    }

    #[test]
    fn singular_values_are_held_against_the_largest_at_all_sites() {
        let spectrum = |values: &[f64]| Spectrum { singular_values: values.to_vec() };
        let spectra =
            [vec![spectrum(&[2.0, 1.0]), spectrum(&[0.001, 0.001])], vec![spectrum(&[1e-5, 1e-5]), spectrum(&[1.0])]];
        assert_eq!(total_ranks(&spectra, 0.01), [2, 1]);
    }
}
