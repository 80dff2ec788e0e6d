//! The score against each key that is varied, whatever the others are.

use super::{
    MOST_KEYS,
    key_axis::{KeyAxis, legends},
    keys_by_effect, left_out, points,
};
use crate::report::{
    figure::{Figure, axis::Axis, csv_text, grid::Grid, number, number_and_word, sheet::Sheet, style},
    sweep::data::SweepData,
};

const GRID: Grid = Grid { columns: 2, left: 48.0, right: 12.0, gap: 26.0, top: 32.0, height: 112.0, row: 164.0 };

pub fn draw(sweep: &SweepData) -> Option<Figure> {
    let keys = keys_by_effect(sweep, MOST_KEYS);
    let has_score = sweep.replicas.iter().any(|replica| sweep.counted_score(replica).is_finite());
    if keys.is_empty() || !has_score {
        return None;
    }
    let grid = if keys.len() == 1 { Grid { columns: 1, height: 160.0, ..GRID } } else { GRID };
    let stride = points::stride(sweep, keys.len());
    let mut sheet = Sheet::new(grid.bottom(keys.len()) + 42.0);
    points::keys(&mut sheet, sweep.replicas.iter(), (grid.left, 14.0));
    let y = Axis::covering(sweep.replicas.iter().map(|replica| sweep.counted_score(replica)), 5.0);
    let axes: Vec<KeyAxis> = keys.iter().map(|&key| KeyAxis::new(sweep, key, grid.width(), None)).collect();
    for (index, (&key, x)) in keys.iter().zip(&axes).enumerate() {
        let frame = grid.frame(index);
        sheet.panel(frame, &x.axis, &y.clone().numbered(grid.is_leftmost(index)), true, Vec::new());
        points::draw(&mut sheet, sweep, stride, &|point, replica| {
            let place = (x.spread_out(replica.trial, point), sweep.counted_score(replica));
            points::in_frame(frame, &x.axis, &y, place)
        });
        sheet.below(frame, &style::plain(&sweep.names[key]));
        if grid.is_leftmost(index) {
            sheet.upright((12.0, frame.middle().1), "score");
        }
    }
    let named = keys.iter().map(|&key| &sweep.names[key]);
    let caption = format!(
        "The score of every replica against each key, the one with the largest effect first; a replica that has diverged \
         counts as the worst, or 0 if that is less. Replicas with the same value stand beside each other.{}{}{} Seen when a key matters: the points rise, fall \
         or have a hill; where they form a level band only the other keys matter.",
        legends(named.zip(&axes)),
        left_out(sweep, keys.len()),
        points::thinned(stride),
    );
    let header = ["key", "value", "word", "trial", "seed", "score", "outcome"].map(str::to_owned);
    let rows = keys.iter().flat_map(|&key| {
        let name = &sweep.plan.sweep.space[key].key;
        sweep.replicas.iter().map(move |replica| {
            let value = sweep.plan.values(replica.trial).nth(key).expect("a value of every key");
            let (trial, outcome) = (replica.trial.to_string(), replica.outcome().in_words().to_owned());
            let [value, word] = number_and_word(&value);
            [name.clone(), value, word, trial, replica.seed.clone(), number(sweep.counted_score(replica)), outcome]
        })
    });
    Some(Figure {
        name: "marginals",
        title: "Score against each key",
        csv: csv_text(&header, rows),
        svg: sheet.svg("marginals", "The score of every replica against each key that is varied"),
        caption,
    })
}
