//! How a component is spread over a network's layers.

/// Shares of each component's squared norm, `[component][layer]`, from `norms[site][component]`; the sites of a layer stand
/// together, as many in each. Zeros for a component that is zero.
pub fn layer_shares(norms: &[Vec<f64>], sites_per_layer: usize) -> Vec<Vec<f64>> {
    let components = norms.first().map_or(0, Vec::len);
    let shares = |component: usize| {
        let square = |site: &Vec<f64>| site[component] * site[component];
        let of_layer = |sites: &[Vec<f64>]| sites.iter().map(square).sum::<f64>();
        let squares: Vec<f64> = norms.chunks(sites_per_layer).map(of_layer).collect();
        let whole = squares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        squares.into_iter().map(|square| square / whole).collect()
    };
    (0..components).map(shares).collect()
}

/// The number of layers that a component spans, 1 / sum of its squared shares: 1 if it lies in one layer, the number of layers
/// if it is spread evenly. `None` for a component that is zero.
pub fn layers_spanned(shares: &[f64]) -> Option<f64> {
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    (squares > 0.0).then(|| 1.0 / squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_spans_worked_out_by_hand() {
        // Two layers of two sites, three components.
        let norms = [vec![3.0, 1.0, 0.0], vec![4.0, 1.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 1.0, 0.0]];
        let shares = layer_shares(&norms, 2);
        assert_eq!(shares, [[1.0, 0.0], [0.5, 0.5], [0.0, 0.0]]);
        let spans: Vec<_> = shares.iter().map(|shares| layers_spanned(shares)).collect();
        assert_eq!(spans, [Some(1.0), Some(2.0), None]);
    }
}
