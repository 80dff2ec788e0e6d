//! Singular values of components and what they say of rank.

use tch::{Kind, Tensor};

use crate::components::Factors;

/// The singular values of one component at one site, in descending order.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    pub singular_values: Vec<f64>,
}

impl Spectrum {
    /// Number of singular values above `threshold` times the largest.
    pub fn numerical_rank(&self, threshold: f64) -> usize {
        let cut = threshold * self.largest();
        self.singular_values.iter().filter(|&&value| value > cut).count()
    }

    /// |P|_F^2 / sigma_1^2 (Rudelson and Vershynin 2007).
    pub fn stable_rank(&self) -> f64 {
        (self.frobenius_norm() / self.largest()).powi(2)
    }

    /// exp of the entropy of the singular values' shares (Roy and Vetterli 2007).
    pub fn entropy_rank(&self) -> f64 {
        let sum = self.nuclear_norm();
        let shares = self.singular_values.iter().map(|value| value / sum).filter(|share| *share > 0.0);
        shares.map(|share| -share * share.ln()).sum::<f64>().exp()
    }

    /// The root of the sum of squares.
    pub fn frobenius_norm(&self) -> f64 {
        self.singular_values.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    /// The sum of the singular values.
    pub fn nuclear_norm(&self) -> f64 {
        self.singular_values.iter().sum()
    }

    fn largest(&self) -> f64 {
        self.singular_values.first().copied().unwrap_or(0.0)
    }
}

/// The spectra of all components of one replica (axis kept, [1, ...]) at one site: as many singular values as the rank
/// budget or the site allows. In double precision.
///
/// With A = Q R and B^T = Q' R', P = A B = Q (R R'^T) Q'^T has the singular values of R R'^T, which is of the rank
/// budget's size: no large matrix is made.
pub fn spectra(factors: &Factors) -> Vec<Spectrum> {
    let a = factors.a.squeeze_dim(0).permute([1, 0, 2]).to_kind(Kind::Double);
    let b = factors.b.squeeze_dim(0).to_kind(Kind::Double);
    let triangle = |factor: &Tensor| Tensor::linalg_qr(factor, "r").1;
    let core = triangle(&a).matmul(&triangle(&b.mt()).mt());
    let finite = bool::try_from(core.isfinite().all()).expect("one truth value");
    let values = if finite {
        core.svd(true, false).1
    } else {
        let [components, rows, columns] = core.size()[..] else { panic!("a table of matrices has three axes") };
        Tensor::full([components, rows.min(columns)], f64::NAN, (Kind::Double, core.device()))
    };
    let rows = Vec::<Vec<f64>>::try_from(values).expect("a table of [component, rank]");
    rows.into_iter().map(|singular_values| Spectrum { singular_values }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_a_spectrum_worked_out_by_hand() {
        let spectrum = Spectrum { singular_values: vec![4.0, 3.0, 0.01, 0.0] };
        assert_eq!((spectrum.numerical_rank(0.01), spectrum.numerical_rank(0.001)), (2, 3));
        assert!((spectrum.stable_rank() - (16.0 + 9.0 + 1e-4) / 16.0).abs() < 1e-12);
        assert!((spectrum.nuclear_norm() - 7.01).abs() < 1e-12);
        let equal = Spectrum { singular_values: vec![2.0; 5] };
        assert!((equal.entropy_rank() - 5.0).abs() < 1e-12);
    }

    #[test]
    fn factors_with_known_singular_values() {
        // P = u1 3 v1^T + u2 2 v2^T with unit vectors of two rows and columns each.
        let a = Tensor::from_slice2(&[[3.0_f32, 0.0], [0.0, 2.0], [0.0, 0.0]]).view([1, 3, 1, 2]);
        let b = Tensor::from_slice2(&[[0.0_f32, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0]]).view([1, 1, 2, 4]);
        let [Spectrum { singular_values }] = &spectra(&Factors { a, b })[..] else { panic!("one component") };
        assert_eq!(singular_values.len(), 2);
        assert!(singular_values.iter().zip([3.0, 2.0]).all(|(value, known)| (value - known).abs() < 1e-14));
    }
}
