//! Gated functions: x and the control bits above, the neurons of all layers in the middle, the output below.

use super::{Drawing, Line, Node, Side, spread};
use crate::{
    report::{
        figure::{grid::Grid, style},
        weights::Weights,
    },
    run::DescribedSite,
    site::Role,
};

/// Larger ones would be a tangle.
const MOST_FUNCTIONS: usize = 12;
const MOST_NEURONS: usize = 160;
/// Between layers, in neurons.
const GAP: f64 = 1.5;

pub fn drawing(weights: &Weights, replica: usize, functions: usize, sites: &[DescribedSite]) -> Option<Drawing> {
    let reading: Vec<&DescribedSite> = sites.iter().filter(|site| matches!(site.role, Role::MlpIn { .. })).collect();
    let layers = reading.len();
    if functions > MOST_FUNCTIONS || layers > MOST_NEURONS {
        return None;
    }
    let read: Vec<_> = reading.iter().map(|site| weights.matrix(replica, &site.name)).collect::<Option<_>>()?;
    let inputs = 1 + functions;
    let neurons: usize = read.iter().map(|matrix| matrix.columns).sum();
    // In the residual stream come x, the control bits and the output.
    if neurons == 0 || neurons > MOST_NEURONS || read.iter().any(|matrix| matrix.rows != inputs + 1) {
        return None;
    }
    let mut nodes: Vec<Node> = spread(inputs)
        .enumerate()
        .map(|(input, x)| Node {
            place: (x, 0.04),
            radius: 3.2,
            name: Some((if input == 0 { "x".to_owned() } else { format!("α{}", subscript(input - 1)) }, Side::Above)),
        })
        .collect();
    let output = nodes.len();
    nodes.push(Node { place: (0.5, 0.94), radius: 3.2, name: Some(("output".to_owned(), Side::Below)) });
    let width = neurons as f64 + GAP * (layers - 1) as f64;
    let mut lines = Vec::new();
    let mut left = 0.0;
    for (layer, matrix) in read.iter().enumerate() {
        for neuron in 0..matrix.columns {
            let node = nodes.len();
            let place = ((left + neuron as f64 + 0.5) / width, 0.52);
            nodes.push(Node { place, radius: if neurons > 60 { 1.0 } else { 1.9 }, name: None });
            let bit = |function: usize| matrix.row(1 + function)[neuron].abs();
            let function = (0..functions).rev().max_by(|a, b| bit(*a).total_cmp(&bit(*b)));
            let colour = match function.filter(|function| bit(*function) > 0.0) {
                Some(function) => style::nth_colour(function),
                None => style::FAINT,
            };
            let line = |from, to, site, row, column| Line { from, to, site, row, column, colour: Some(colour) };
            lines.extend((0..inputs).map(|input| line(input, node, 2 * layer, input, neuron)));
            lines.push(line(node, output, 2 * layer + 1, neuron, inputs));
        }
        left += matrix.columns as f64 + GAP;
    }
    Some(Drawing {
        nodes,
        lines,
        grid: Grid { columns: 2, left: 8.0, right: 8.0, gap: 18.0, top: 62.0, height: 128.0, row: 184.0 },
        keys: (0..functions).map(|function| (style::nth_colour(function), key(function))).collect(),
        feature_is: "function",
        // The control bits' weights are ten times those of x.
        power: 0.5,
        caption: "Above x and the control bits, in the middle the neurons of all layers from left to right, below the \
                  output. The colour of a line is the true function of its neuron: the one whose control bit the neuron reads \
                  most in the target. Seen when it works: each component holds lines of one colour, all of that colour in \
                  the target, though they lie in several layers.",
    })
}

/// Of many functions, only the first is named in full: the row has room for no more.
fn key(function: usize) -> String {
    if function == 0 { "function 0".to_owned() } else { function.to_string() }
}

fn subscript(number: usize) -> String {
    let digit = |digit: char| char::from_u32(digit as u32 - '0' as u32 + '₀' as u32).unwrap_or(digit);
    number.to_string().chars().map(digit).collect()
}
