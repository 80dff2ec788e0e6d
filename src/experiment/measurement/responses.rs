//! The rows of what a network answers to one feature alone.

use crate::{
    metric::{ResponseCurves, Responses},
    table::{CurveRow, ResponseRow},
};

/// `has_component[feature]`: whether the feature has a component to answer for it.
pub fn response_rows(replica: usize, responses: &Responses, has_component: &[bool]) -> Vec<ResponseRow> {
    let of_feature = |(feature, (target, component)): (usize, (&Vec<f64>, &Vec<f64>))| {
        let row = |(output, (target, component)): (usize, (&f64, &f64))| ResponseRow {
            replica,
            feature,
            output,
            target: *target,
            component: has_component[feature].then_some(*component),
        };
        target.iter().zip(component).enumerate().map(row).collect::<Vec<_>>()
    };
    responses.target.iter().zip(&responses.component).enumerate().flat_map(of_feature).collect()
}

/// Of curves along `inputs` `[value]` with their labels, `[feature][value]`. `has_component[feature]`: as in
/// [`response_rows`].
pub fn curve_rows(
    replica: usize,
    inputs: &[f64],
    labels: Option<&[Vec<f64>]>,
    curves: &ResponseCurves,
    has_component: &[bool],
) -> Vec<CurveRow> {
    let ResponseCurves { target, component, selected } = curves;
    let row = |(feature, value): (usize, usize)| {
        let at = |curves: &[Vec<f64>]| curves[feature][value];
        CurveRow {
            replica,
            feature,
            input: inputs[value],
            label: labels.map(at),
            target: at(target),
            component: has_component[feature].then(|| at(component)),
            selected: selected.as_deref().map(at),
        }
    };
    (0..target.len()).flat_map(|feature| (0..inputs.len()).map(move |value| (feature, value))).map(row).collect()
}
