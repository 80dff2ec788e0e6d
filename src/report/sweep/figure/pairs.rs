//! The mean score over two keys at once.

use std::collections::BTreeMap;

use super::{
    key_axis::{KeyAxis, legends},
    keys_by_effect,
};
use crate::{
    report::{
        figure::{
            Figure, csv_text,
            grid::Grid,
            heat, number, number_and_word,
            sheet::{Frame, Sheet},
            style,
        },
        sweep::data::SweepData,
    },
    statistics::mean_and_deviation,
};

/// The keys with the largest effects: of more, there would be too many pairs to look at.
const MOST_KEYS: usize = 4;
const GRID: Grid = Grid { columns: 2, left: 56.0, right: 46.0, gap: 62.0, top: 14.0, height: 122.0, row: 172.0 };
/// Shades of the colour.
const SHADES: f64 = 24.0;
/// The least coloured: white would not be seen.
const PALEST: f64 = 0.12;
/// More points than these are small.
const MANY: usize = 150;
/// Pixels for a word beside the vertical axis.
const ROOM_BESIDE: f64 = 34.0;

/// The trials with the same two values: where they are, and their mean score.
struct Cell {
    x: f64,
    y: f64,
    score: f64,
}

pub fn draw(sweep: &SweepData) -> Option<Figure> {
    let keys = keys_by_effect(sweep, MOST_KEYS);
    let pairs: Vec<(usize, usize)> = (0..keys.len()).flat_map(|x| (x + 1..keys.len()).map(move |y| (x, y))).collect();
    let scores: Vec<(usize, f64)> =
        sweep.overview.results.iter().filter_map(|result| Some((result.trial, result.score()?.mean))).collect();
    let low = scores.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
    let high = scores.iter().map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
    if pairs.is_empty() || scores.len() < 2 || high <= low {
        return None;
    }
    let grid = if pairs.len() == 1 { Grid { columns: 1, height: 200.0, right: 66.0, ..GRID } } else { GRID };
    let across: Vec<KeyAxis> = keys.iter().map(|&key| KeyAxis::new(sweep, key, grid.width(), None)).collect();
    let upwards: Vec<KeyAxis> =
        keys.iter().map(|&key| KeyAxis::new(sweep, key, grid.height, Some(ROOM_BESIDE))).collect();
    let mut sheet = Sheet::new(grid.bottom(pairs.len()) + 42.0);
    let mut rows = Vec::new();
    for (index, &(first, second)) in pairs.iter().enumerate() {
        let (x, y, frame) = (&across[first], &upwards[second], grid.frame(index));
        sheet.panel(frame, &x.axis, &y.axis, true, Vec::new());
        let cells = cells(&scores, x, y);
        dots(&mut sheet, frame, (x, y), &cells, |score| (score - low) / (high - low));
        let [across, up] = [first, second].map(|key| style::plain(&sweep.names[keys[key]]));
        sheet.below(frame, &across);
        sheet.upright((frame.x - 44.0, frame.middle().1), &up);
        for (trial, score) in &scores {
            let value = |key: usize| sweep.plan.values(*trial).nth(keys[key]).expect("a value of every key");
            let key = |key: usize| sweep.plan.sweep.space[keys[key]].key.clone();
            let of_key = |place: usize| [&[key(place)], number_and_word(&value(place)).as_slice()].concat();
            rows.push([of_key(first), of_key(second), vec![trial.to_string(), number(*score)]].concat());
        }
    }
    let first = grid.frame(0);
    let bar = Frame { x: style::WIDTH - 40.0, y: first.y + 14.0, width: 9.0, height: first.height - 14.0 };
    let bar = if pairs.len() == 1 { Frame { x: style::WIDTH - 52.0, ..bar } } else { bar };
    let marks = [1.0, 0.5, 0.0].map(|share| (share, style::short(low + share * (high - low))));
    heat::colour_bar(&mut sheet, bar, "score", 0.0, &marks, colour);
    let header =
        ["key", "value", "word", "other_key", "other_value", "other_word", "trial", "score"].map(str::to_owned);
    let legend = legends(keys.iter().map(|&key| &sweep.names[key]).zip(&upwards));
    let left_out = match sweep.names.len() > keys.len() {
        true => format!(" Drawn: the {} of {} keys with the largest effects.", keys.len(), sweep.names.len()),
        false => String::new(),
    };
    Some(Figure {
        name: "pairs",
        title: "Score over pairs of keys",
        csv: csv_text(&header, rows),
        svg: sheet.svg("pairs", "The mean score over each pair of keys"),
        caption: format!(
            "The mean score of the trials over two keys at once, the darker the better; trials that share both values are one \
             point.{legend}{left_out} Seen when two keys depend on each other: the dark points lie along a slope or in a corner, \
             and not in an upright or level stripe."
        ),
    })
}

fn cells(scores: &[(usize, f64)], x: &KeyAxis, y: &KeyAxis) -> Vec<Cell> {
    let mut cells: BTreeMap<[u64; 2], Vec<usize>> = BTreeMap::new();
    for (index, (trial, _)) in scores.iter().enumerate() {
        cells.entry([x.places[*trial].to_bits(), y.places[*trial].to_bits()]).or_default().push(index);
    }
    let cell = |members: &Vec<usize>| {
        let mean = mean_and_deviation(members.iter().map(|&index| scores[index].1))?;
        let trial = scores[members[0]].0;
        Some(Cell { x: x.places[trial], y: y.places[trial], score: mean.mean })
    };
    cells.values().filter_map(cell).collect()
}

/// Points of one shade are drawn together, the best last and so on top.
fn dots(sheet: &mut Sheet, frame: Frame, (x, y): (&KeyAxis, &KeyAxis), cells: &[Cell], share: impl Fn(f64) -> f64) {
    let mut shades: BTreeMap<i32, Vec<(f64, f64)>> = BTreeMap::new();
    for cell in cells {
        let shade = (share(cell.score) * SHADES).round() as i32;
        shades.entry(shade).or_default().push(frame.place(&x.axis, &y.axis, (cell.x, cell.y)));
    }
    for (shade, places) in shades {
        let (red, green, blue) = colour(f64::from(shade) / SHADES);
        let colour = format!("#{red:02x}{green:02x}{blue:02x}");
        match cells.len() > MANY {
            true => sheet.squares(places.into_iter(), 3.4, &colour),
            false => sheet.dots(places.into_iter(), 4.0, &colour),
        }
    }
}

fn colour(share: f64) -> (u8, u8, u8) {
    style::sequential(PALEST + (1.0 - PALEST) * share)
}
