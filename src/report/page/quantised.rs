//! Weights of a replica's components in the page: a number is one byte, -127 to 127 of 127 times the matrix's largest
//! magnitude, in base64.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    data::embedded,
    matrices::{self, Axis, Site},
};
use crate::{
    report::{run_data::RunData, weights::Matrix},
    run::{RunFolder, exists},
    visible::visible,
};

/// What stands for a number that is none.
const NO_NUMBER: i8 = -128;
/// Bytes around a matrix's weights.
const AROUND: usize = 60;

/// The weights of replica `replica` in at most about `budget` bytes of JSON: those of all components if they fit, or
/// of the alive ones, or of the largest of these. None if there are none that can be read.
pub fn of(run: &RunData, replica: usize, budget: usize, gaps: &mut Vec<String>) -> Option<String> {
    let folder = RunFolder::at(&run.folder);
    if !exists(&folder.components()).unwrap_or(true) {
        return None;
    }
    // Damage is what the figures have noted, of toy models; of others it is said here.
    let mut problems = Vec::new();
    let sites = matrices::read(&folder.target(), &folder.components(), &run.description, replica, &mut problems);
    let count = sites.iter().map(Site::components).min().unwrap_or(0);
    if count == 0 {
        gaps.push(format!("The weights of replica {replica} could not be read from components.safetensors."));
        return None;
    }
    let size = |site: &Site| (site.rows.count * site.columns.count).div_ceil(3) * 4 + AROUND;
    let bytes: usize = sites.iter().map(size).sum();
    let room = (budget / bytes).saturating_sub(1);
    let kept = kept(run, replica, count, room);
    if kept.len() < count {
        let which = if room < count { "the alive and largest" } else { "the alive" };
        gaps.push(format!(
            "Of replica {replica} the page holds the weights of {} of {count} components, {which}, to stay small.",
            kept.len()
        ));
    }
    let targets: Option<Vec<Value>> = sites.iter().map(|site| site.target.as_ref().map(stored)).collect();
    let component = |component: usize| sites.iter().map(|site| stored(&site.component(component))).collect();
    let components: BTreeMap<String, Vec<Value>> =
        kept.into_iter().map(|number| (number.to_string(), component(number))).collect();
    let views: Vec<Value> = sites.iter().map(view).collect();
    Some(embedded(&json!({ "views": views, "target": targets, "components": components })))
}

/// At most `room` of `count` components: all, or else the alive ones, those of the largest norm first.
fn kept(run: &RunData, replica: usize, count: usize, room: usize) -> Vec<usize> {
    if count <= room {
        return (0..count).collect();
    }
    let row = |component| run.components.iter().find(|row| (row.replica, row.component) == (replica, component));
    let norm = |component| {
        let rows = run.ranks.iter().filter(|row| (row.replica, row.component) == (replica, component));
        rows.flat_map(|row| &row.singular_value)
            .flatten()
            .filter(|value| value.is_finite())
            .map(|value| value * value)
            .sum()
    };
    let is_dead = |component: usize| row(component).is_some_and(|row| row.alive == Some(false));
    let mut by_norm: Vec<(usize, f64)> =
        (0..count).filter(|component| !is_dead(*component)).map(|component| (component, norm(component))).collect();
    by_norm.sort_by(|a, b| b.1.total_cmp(&a.1));
    by_norm.truncate(room);
    let mut kept: Vec<usize> = by_norm.into_iter().map(|(component, _)| component).collect();
    kept.sort_unstable();
    kept
}

fn view(site: &Site) -> Value {
    let axis = |axis: &Axis| json!({ "name": axis.name, "count": axis.count, "names": axis.names });
    json!({ "title": visible(&site.title), "rows": axis(&site.rows), "columns": axis(&site.columns) })
}

fn stored(matrix: &Matrix) -> Value {
    let largest = matrix.largest();
    let level = |value: &f64| match value {
        value if !value.is_finite() => NO_NUMBER,
        _ if largest == 0.0 => 0,
        value => (127.0 * value / largest).round() as i8,
    };
    let levels: Vec<u8> = (0..matrix.rows).flat_map(|row| matrix.row(row)).map(|value| level(value) as u8).collect();
    json!({ "largest": largest as f32, "weights": STANDARD.encode(levels) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_levels_of_the_largest_magnitude() {
        let matrix = Matrix::new(2, 3, vec![-0.5, 0.25, 0.0, f64::NAN, 0.001, 0.5]);
        let stored = stored(&matrix);
        assert_eq!(stored["largest"], 0.5);
        let levels = STANDARD.decode(stored["weights"].as_str().unwrap()).unwrap();
        assert_eq!(levels.iter().map(|level| *level as i8).collect::<Vec<_>>(), [-127, 64, 0, -128, 0, 127]);
    }

    #[test]
    fn a_matrix_of_zeros_is_stored_as_zeros() {
        let stored = stored(&Matrix::new(1, 2, vec![0.0, f64::INFINITY]));
        let levels = STANDARD.decode(stored["weights"].as_str().unwrap()).unwrap();
        assert_eq!((levels, stored["largest"].as_f64()), (vec![0, 128], Some(0.0)));
    }
}
