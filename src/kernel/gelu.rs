//! The exact gelu, x Phi(x), and its slope, in float32 without a table or a branch, so that loops over them become vectors.
//!
//! With a = |x|, the normal density phi and the Mills ratio M(a) = Phi(-a) / phi(a),
//!
//! ```text
//! x Phi(x)             = max(x, 0) - a phi(a) M(a)
//! Phi(x) + x phi(x)    = 1 + d for x > 0, -d otherwise,    d = phi(a) (a - M(a)),
//! ```
//!
//! so that both cost one exponential and one polynomial. Every product that is added to something is fused with the sum, which
//! is exactly defined: results are the same on every processor. One without such an instruction computes them slowly
//! ([`super::simd::fuses`]).

use std::f32::consts::LOG2_E;

/// Beyond this magnitude x is like this: phi there is less than 3e-10.
const FAR: f32 = 6.5;

/// 1 / sqrt(2 pi).
const DENSITY_AT_ZERO: f32 = 0.398_942_3;

/// sqrt(1 / 2 pi) M(a) as a polynomial of a on [0, FAR]: minimax, within 3.3e-8 / (exp(-a^2 / 2) max(a, 1)).
const SCALED_MILLS_RATIO: [f32; 12] = [
    0.499_999_97,
    -0.398_939_34,
    0.249_955_68,
    -0.132_719_31,
    0.061_702_423,
    -0.025_148_77,
    0.008_716_882,
    -0.002_429_957_3,
    0.000_507_445,
    -7.276_434e-5,
    6.287_153_6e-6,
    -2.441_99e-7,
];

/// 2^f as a polynomial of f on [-0.5, 0.5]: minimax, within 7.5e-8 of its size.
const POWER_OF_TWO: [f32; 6] = [1.000_000_1, 0.693_146_94, 0.240_221_2, 0.055_507_13, 0.009_675_542, 0.001_327_647_2];

/// 1.5 * 2^23: what is added to it is rounded to a whole number, which its lowest bits then are.
const ROUNDING: f32 = 12_582_912.0;

/// Bits of a float32 below its exponent.
const MANTISSA_BITS: u32 = 23;

/// The polynomial with these coefficients, that of the constant first, at x.
#[inline(always)]
fn polynomial<const NUMBER: usize>(coefficients: &[f32; NUMBER], x: f32) -> f32 {
    let mut sum = coefficients[NUMBER - 1];
    for index in (0..NUMBER - 1).rev() {
        sum = sum.mul_add(x, coefficients[index]);
    }
    sum
}

/// a = |x| up to [`FAR`], exp(-a^2 / 2) and the scaled Mills ratio of a. What is no number stays none.
#[inline(always)]
fn parts(x: f32) -> (f32, f32, f32) {
    let a = if x.abs() > FAR { FAR } else { x.abs() };
    let square = a * a;
    let rounded = square.mul_add(-0.5 * LOG2_E, ROUNDING);
    let fraction = square.mul_add(-0.5 * LOG2_E, ROUNDING - rounded);
    let bits = polynomial(&POWER_OF_TWO, fraction).to_bits();
    let exponential = f32::from_bits(bits.wrapping_add(rounded.to_bits() << MANTISSA_BITS));
    (a, exponential, polynomial(&SCALED_MILLS_RATIO, a))
}

/// x Phi(x), within 2e-7 max(1, |x|).
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let (a, exponential, ratio) = parts(x);
    (-a * exponential).mul_add(ratio, if x > 0.0 { x } else { 0.0 })
}

/// x Phi(x) as of [`gelu`], and its slope Phi(x) + x phi(x) within 2e-7.
#[inline(always)]
pub fn gelu_and_slope(x: f32) -> (f32, f32) {
    let (a, exponential, ratio) = parts(x);
    let value = (-a * exponential).mul_add(ratio, if x > 0.0 { x } else { 0.0 });
    let excess = exponential * a.mul_add(DENSITY_AT_ZERO, -ratio);
    (value, if x > 0.0 { 1.0 + excess } else { -excess })
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};

    use super::*;

    const BOUND: f64 = 2e-7;

    #[test]
    fn values_and_slopes_are_those_of_the_error_function_on_a_dense_grid() {
        let grid = (-120_000..=120_000).map(|place| place as f32 * 1e-4);
        let tiny_and_huge = (-30..=30).flat_map(|power| [1.0, -1.0].map(|sign| sign * 1.7_f32.powi(2 * power)));
        for x in grid.chain(tiny_and_huge) {
            let exact = f64::from(x);
            let below = 0.5 * libm::erfc(-exact * FRAC_1_SQRT_2);
            let slope = below + exact * libm::exp(-0.5 * exact * exact) / (2.0 * PI).sqrt();
            let (value, own_slope) = gelu_and_slope(x);
            assert_eq!(value, gelu(x), "{x}");
            assert!((f64::from(value) - exact * below).abs() <= BOUND * exact.abs().max(1.0), "gelu({x}) = {value}");
            assert!((f64::from(own_slope) - slope).abs() <= BOUND, "gelu'({x}) = {own_slope}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none_and_the_infinite_is_like_the_large() {
        let (value, slope) = gelu_and_slope(f32::NAN);
        assert!(value.is_nan() && slope.is_nan());
        assert_eq!(gelu_and_slope(f32::INFINITY), (f32::INFINITY, 1.0));
        let (value, slope) = gelu_and_slope(f32::NEG_INFINITY);
        assert!(value.abs() < 1e-8 && slope.abs() < 1e-8);
        assert_eq!(gelu(0.0), 0.0);
    }
}
