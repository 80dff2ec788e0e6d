//! Gauss-Legendre quadrature.

use std::f64::consts::PI;

/// Nodes t in (0, 1) and their shares, for which sum share f(t) is int_0^1 f dt exactly where f is a polynomial of degree
/// 2 n - 1 or less. The nodes are the roots of the Legendre polynomial P_n, found by Newton's method.
pub fn gauss_legendre(points: usize) -> Vec<(f64, f64)> {
    let node = |index: usize| {
        let mut x = (PI * (index as f64 + 0.75) / (points as f64 + 0.5)).cos();
        for _ in 0..100 {
            let (value, slope) = legendre(points, x);
            x -= value / slope;
        }
        let slope = legendre(points, x).1;
        (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..points).map(node).collect()
}

/// P_n(x) and its derivative, by Bonnet's recursion.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_up_to_twice_the_points_are_integrated_exactly() {
        for points in 1..=12 {
            for power in 0..2 * points as i32 {
                let integral: f64 = gauss_legendre(points).iter().map(|(t, share)| share * t.powi(power)).sum();
                assert!(
                    (integral * f64::from(power + 1) - 1.0).abs() < 1e-13,
                    "{points} points, t^{power}: {integral}"
                );
            }
        }
    }
}
