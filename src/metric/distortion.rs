//! Numbers read off a rate-distortion curve, by which decompositions are compared without knowing the mechanisms.

use super::{Description, RatePoint};

/// The share of the error without any component that a description of the network may leave.
pub const STATED_SHARE: f64 = 0.1;

/// Smaller shares of the error are the rounding of single precision.
const LEAST_SHARE: f64 = 1e-6;

/// A rate-distortion curve whose errors are shares of the error without any component, so that networks can be compared. Between
/// its points the logarithm of the share is linear in the mean number of active components.
#[derive(Clone, Debug, PartialEq)]
pub struct Distortion {
    /// The selection and ln(share), from no component to all of them.
    points: Vec<(Description, f64)>,
}

impl Distortion {
    /// `None` where the error without components is zero, or any error no number: there is nothing to be a share of.
    pub fn new(curve: &[RatePoint]) -> Option<Self> {
        let none = curve.first()?.error;
        let known = none > 0.0 && curve.iter().all(|point| point.error.is_finite());
        let share = |point: &RatePoint| (point.description, (point.error / none).max(LEAST_SHARE).ln());
        known.then(|| Self { points: curve.iter().map(share).collect() })
    }

    /// The share of the error that is left with `active` components on a mean sample; past the end of the curve that at its
    /// end.
    pub fn at_rate(&self, active: f64) -> f64 {
        self.log_share(active).exp()
    }

    /// The share that is left with all components.
    pub fn with_all(&self) -> f64 {
        self.points[self.points.len() - 1].1.exp()
    }

    /// The least selection on the curve that leaves no more than `share` of the error; `None` if none does.
    pub fn rate_at(&self, share: f64) -> Option<Description> {
        let wanted = share.ln();
        let end = self.points.iter().position(|(_, log)| *log <= wanted)?;
        let Some(start) = end.checked_sub(1) else { return Some(self.points[0].0) };
        let ((before, above), (after, below)) = (self.points[start], self.points[end]);
        let part = (above - wanted) / (above - below);
        let between = |field: fn(&Description) -> f64| field(&before) + part * (field(&after) - field(&before));
        Some(Description {
            active: between(|description| description.active),
            active_ranks: between(|description| description.active_ranks),
            bits: between(|description| description.bits),
        })
    }

    /// The area under the logarithmic curve: the mean of log10(share) over the logarithms of the mean numbers of active
    /// components from `least` to `most`, by the trapezoidal rule on an even grid.
    pub fn mean_log_share(&self, least: f64, most: f64) -> f64 {
        const STEPS: u32 = 64;
        let at = |step: u32| self.log_share(least * (most / least).powf(f64::from(step) / f64::from(STEPS)));
        let inner: f64 = (1..STEPS).map(at).sum();
        (inner + (at(0) + at(STEPS)) / 2.0) / f64::from(STEPS) / std::f64::consts::LN_10
    }

    fn log_share(&self, active: f64) -> f64 {
        let end = self.points.iter().position(|(description, _)| description.active >= active);
        let Some(end) = end else { return self.points[self.points.len() - 1].1 };
        let Some(start) = end.checked_sub(1) else { return self.points[0].1 };
        let ((before, above), (after, below)) = (self.points[start], self.points[end]);
        above + (active - before.active) / (after.active - before.active) * (below - above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four components of rank 1, so that each active one takes three bits.
    fn curve(points: &[(f64, f64)]) -> Vec<RatePoint> {
        let description = |active| Description { active, active_ranks: active, bits: 3.0 * active };
        points.iter().map(|&(active, error)| RatePoint { description: description(active), error }).collect()
    }

    fn known() -> Distortion {
        Distortion::new(&curve(&[(0.0, 5.0), (1.0, 0.5), (3.0, 0.005), (4.0, 0.0)])).unwrap()
    }

    fn is(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{found} is not {expected}");
    }

    #[test]
    fn the_error_at_a_rate_is_a_share_of_that_without_components() {
        is(known().at_rate(0.0), 1.0);
        is(known().at_rate(1.0), 0.1);
        // Halfway from 1e-1 to 1e-3.
        is(known().at_rate(2.0), 0.01);
        is(known().with_all(), 1e-6);
        is(known().at_rate(9.0), 1e-6);
    }

    #[test]
    fn the_rate_at_an_error_is_the_least_that_suffices() {
        let found = known().rate_at(0.01).unwrap();
        assert!((found.bits - 3.0 * found.active).abs() < 1e-12 && found.active == found.active_ranks);
        is(found.active, 2.0);
        assert_eq!(Distortion::new(&curve(&[(0.0, 2.0), (4.0, 1.0)])).unwrap().rate_at(0.1), None);
    }

    #[test]
    fn the_area_is_the_mean_over_the_logarithms_of_the_rates() {
        let flat = Distortion::new(&curve(&[(0.0, 2.0), (0.5, 0.2), (4.0, 0.2)])).unwrap();
        is(flat.mean_log_share(0.5, 4.0), -1.0);
        // log10(share) = -rate from 0 to 4: the mean of the rate over its logarithm is (4 - 1) / ln 4.
        let falling = Distortion::new(&curve(&[(0.0, 1.0), (4.0, 1e-4)])).unwrap();
        assert!((falling.mean_log_share(1.0, 4.0) + 3.0 / 4.0_f64.ln()).abs() < 1e-3);
    }

    #[test]
    fn without_a_finite_error_to_compare_with_there_is_nothing_to_read() {
        assert_eq!(Distortion::new(&[]), None);
        assert_eq!(Distortion::new(&curve(&[(0.0, 0.0), (4.0, 0.0)])), None);
        assert_eq!(Distortion::new(&curve(&[(0.0, 1.0), (4.0, f64::NAN)])), None);
    }
}
