//! What is measured by ablating half of the components of a residual MLP: errors on many samples, and responses of a few
//! features.

use super::{SAMPLES_OF_A_CURVE, Subject};
use crate::{
    interrupt::Interrupted,
    metric::{FeatureScrubbing, OneFeatureInputs, Partial, ScrubbedResponses, Scrubbing, Serving, curve_values, scrub},
    network::ResidualMlp,
    random::{Purpose, stream},
    statistics::quantile,
    table::{MlpFeatureRow, ScrubbingCurveRow, ScrubbingRow},
};

/// Features whose responses are looked at in any case: the first ones.
const FIRST_FEATURES: usize = 3;

/// Draws of the ablated half of the components for each of these features.
const DRAWS: usize = 200;

/// The quantiles over the draws that make a band and its middle.
const LOW_MEDIAN_HIGH: [f64; 3] = [0.05, 0.5, 0.95];

impl Subject<'_> {
    /// `None` if no sample has an active feature.
    pub fn scrub(&self, partial: &Partial, serving: &Serving) -> Option<Scrubbing> {
        let input = self.inputs.batch(0, SAMPLES_OF_A_CURVE, self.decomposed.components().device());
        let mut generator = stream(self.seed(), Purpose::Scrubbing, 0);
        scrub(partial, serving, &input, |input| self.labels(input), &mut generator)
    }

    /// The curves of a few features.
    pub fn scrub_features(
        &self,
        partial: &Partial,
        mlp: &ResidualMlp,
        serving: &Serving,
        features: &[MlpFeatureRow],
    ) -> Result<Vec<ScrubbingCurveRow>, Interrupted> {
        let scrubbing = FeatureScrubbing::new(mlp, partial);
        let values = curve_values(&partial.weights.embeddings[0]);
        let of_feature = |feature: usize| {
            self.work.check()?;
            // The first step's numbers draw for the errors on many samples.
            let mut generator = stream(self.seed(), Purpose::Scrubbing, 1 + feature as u64);
            let responses = scrubbing.responses(feature, &values, serving, DRAWS, &mut generator);
            let inputs = OneFeatureInputs::at(&values, feature..feature + 1, mlp.features);
            let labels = inputs.own_outputs(&self.labels(&inputs.input)).swap_remove(0);
            let target = inputs.own_outputs(&partial.target_output(&inputs.input)).swap_remove(0);
            Ok(curve_rows(self.replica, feature, &inputs.values, &labels, &target, responses))
        };
        let rows: Vec<Vec<_>> = features_to_look_at(features).into_iter().map(of_feature).collect::<Result<_, _>>()?;
        Ok(rows.into_iter().flatten().collect())
    }
}

/// The first ones, and those of the largest and the smallest error with their most attributed component alone; ascending.
/// Features that the target does not represent have none and are passed over.
fn features_to_look_at(features: &[MlpFeatureRow]) -> Vec<usize> {
    let errors: Vec<(usize, f64)> = features.iter().filter_map(|row| Some((row.feature, row.error_alone?))).collect();
    let by_error = |(_, left): &&(usize, f64), (_, right): &&(usize, f64)| left.total_cmp(right);
    let extremes = [errors.iter().min_by(by_error), errors.iter().max_by(by_error)];
    let mut chosen: Vec<usize> = errors.iter().take(FIRST_FEATURES).map(|(feature, _)| *feature).collect();
    chosen.extend(extremes.into_iter().flatten().map(|(feature, _)| *feature));
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn curve_rows(
    replica: usize,
    feature: usize,
    inputs: &[f64],
    labels: &[f64],
    target: &[f64],
    responses: ScrubbedResponses,
) -> Vec<ScrubbingCurveRow> {
    let bands = responses.scrubbed.into_iter().zip(responses.anti_scrubbed);
    let row = |(value, (scrubbed, anti_scrubbed)): (usize, (Vec<f64>, Vec<f64>))| {
        let (
            [scrubbed_low, scrubbed_median, scrubbed_high],
            [anti_scrubbed_low, anti_scrubbed_median, anti_scrubbed_high],
        ) = (band(scrubbed), band(anti_scrubbed));
        ScrubbingCurveRow {
            replica,
            feature,
            input: inputs[value],
            label: labels[value],
            target: target[value],
            scrubbed_low,
            scrubbed_median,
            scrubbed_high,
            anti_scrubbed_low,
            anti_scrubbed_median,
            anti_scrubbed_high,
        }
    };
    bands.enumerate().map(row).collect()
}

fn band(draws: Vec<f64>) -> [f64; 3] {
    let ascending = ascending(draws);
    LOW_MEDIAN_HIGH.map(|share| quantile(&ascending, share))
}

/// Every percentile of every kind of error.
pub fn error_rows(replica: usize, scrubbing: Scrubbing) -> Vec<ScrubbingRow> {
    let target_to_labels = ascending(scrubbing.target_to_labels);
    let scrubbed = ascending(scrubbing.scrubbed);
    let anti_scrubbed = ascending(scrubbing.anti_scrubbed);
    let scrubbed_to_labels = ascending(scrubbing.scrubbed_to_labels);
    let anti_scrubbed_to_labels = ascending(scrubbing.anti_scrubbed_to_labels);
    let row = |percent: u32| {
        let share = f64::from(percent) / 100.0;
        ScrubbingRow {
            replica,
            quantile: share,
            target_to_labels: quantile(&target_to_labels, share),
            scrubbed: quantile(&scrubbed, share),
            anti_scrubbed: quantile(&anti_scrubbed, share),
            scrubbed_to_labels: quantile(&scrubbed_to_labels, share),
            anti_scrubbed_to_labels: quantile(&anti_scrubbed_to_labels, share),
        }
    };
    (0..=100).map(row).collect()
}

fn ascending(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// Of target, scrubbed and anti-scrubbed network.
pub fn mean_errors(scrubbing: &Scrubbing) -> [f64; 3] {
    [&scrubbing.target_to_labels, &scrubbing.scrubbed, &scrubbing.anti_scrubbed]
        .map(|errors| errors.iter().sum::<f64>() / errors.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A feature whose error is NaN is not represented.
    fn features(errors: &[f64]) -> Vec<MlpFeatureRow> {
        let row = |(feature, &error): (usize, &f64)| MlpFeatureRow {
            replica: 0,
            feature,
            component: Some(0),
            own_component: Some(false),
            error_none: Some(1.0),
            error_alone: Some(error).filter(|error| !error.is_nan()),
            error_selected: None,
            target_error: Some(0.0),
            mean_active: Some(1.0),
            components_serving: Some(1),
            slope: Some(1.0),
            cosine: Some(1.0),
            represented: Some(!error.is_nan()),
        };
        errors.iter().enumerate().map(row).collect()
    }

    #[test]
    fn the_first_features_and_the_extremes_are_looked_at_once_each() {
        assert_eq!(features_to_look_at(&features(&[0.5, 0.4, 0.3, 0.2, 0.9, 0.1, 0.6])), [0, 1, 2, 4, 5]);
        assert_eq!(features_to_look_at(&features(&[0.1, 0.9, 0.3, 0.2])), [0, 1, 2]);
        assert_eq!(features_to_look_at(&features(&[0.1])), [0]);
        let none = f64::NAN;
        assert_eq!(features_to_look_at(&features(&[none, 0.5, none, 0.3, 0.4, 0.9, none])), [1, 3, 4, 5]);
        assert_eq!(features_to_look_at(&features(&[none])), [0; 0]);
    }

    #[test]
    fn a_band_holds_nine_tenths_of_the_draws() {
        let draws = (0..=200).rev().map(f64::from).collect();
        assert_eq!(band(draws), [10.0, 100.0, 190.0]);
    }
}
