//! A toy model of superposition: features, hidden dimensions, hidden layers, and the features again.

use super::{Drawing, Line, Node, Side, spread};
use crate::report::figure::{grid::Grid, style};

/// Larger ones would be a tangle.
const MOST_FEATURES: usize = 10;
const MOST_HIDDEN: usize = 4;
const MOST_LAYERS: usize = 2;

/// If it `is_tied`, the first site both reads and writes the features; if not, the last one writes them.
pub fn drawing(features: usize, hidden: usize, hidden_layers: usize, is_tied: bool) -> Option<Drawing> {
    if features > MOST_FEATURES || hidden > MOST_HIDDEN || hidden_layers > MOST_LAYERS {
        return None;
    }
    let columns = hidden_layers + 3;
    let mut nodes = Vec::new();
    let mut column = |index: usize, count: usize, side: Option<Side>| -> usize {
        let first = nodes.len();
        let x = 0.12 + 0.76 * index as f64 / (columns - 1) as f64;
        nodes.extend(spread(count).enumerate().map(|(number, y)| Node {
            place: (x, y),
            radius: 3.2,
            name: side.map(|side| (number.to_string(), side)),
        }));
        first
    };
    let inputs = column(0, features, Some(Side::Left));
    let hiddens: Vec<usize> = (0..=hidden_layers).map(|layer| column(1 + layer, hidden, None)).collect();
    let outputs = column(columns - 1, features, Some(Side::Right));
    let mut lines = Vec::new();
    let line = |from, to, site, row, column| Line { from, to, site, row, column, colour: None };
    for row in 0..features {
        for column in 0..hidden {
            lines.push(line(inputs + row, hiddens[0] + column, 0, row, column));
            let (from, to) = (hiddens[hidden_layers] + column, outputs + row);
            lines.push(match is_tied {
                true => line(from, to, 0, row, column),
                false => line(from, to, 1 + hidden_layers, column, row),
            });
        }
    }
    for layer in 0..hidden_layers {
        let pairs = (0..hidden).flat_map(|row| (0..hidden).map(move |column| (row, column)));
        lines.extend(
            pairs.map(|(row, column)| line(hiddens[layer] + row, hiddens[layer + 1] + column, 1 + layer, row, column)),
        );
    }
    Some(Drawing {
        nodes,
        lines,
        grid: Grid { columns: 4, left: 8.0, right: 8.0, gap: 14.0, top: 52.0, height: 92.0, row: 132.0 },
        keys: vec![(style::VERMILLION, "positive".to_owned()), (style::BLUE, "negative".to_owned())],
        feature_is: "feature",
        power: 1.0,
        caption: match is_tied {
            true => {
                "From left to right: features, hidden dimensions, features again; what reads the features writes them too. \
                 Seen when it works: each component holds the lines of one feature alone, as wide as in the target."
            }
            false => {
                "From left to right: features, hidden dimensions, features again; what reads the features and what writes \
                 them have weights of their own. Seen when it works: each component holds the lines of one feature alone, \
                 as wide as in the target."
            }
        },
    })
}
