//! Many replicas as points in the colours of their outcome.

use crate::report::{
    figure::sheet::{Frame, Sheet},
    sweep::{
        data::SweepData,
        replica::{Outcome, Replica},
    },
};

/// More points than these are squares, which take less room in a file.
const MOST_DOTS: usize = 400;

/// Where a replica stands, by its place in the table; `None` where it has no place.
pub type Place<'a> = dyn Fn(usize, &Replica) -> Option<(f64, f64)> + 'a;

/// Draws one of every `stride` replicas, what is recovered on top.
pub fn draw(sheet: &mut Sheet, sweep: &SweepData, stride: usize, place: &Place) {
    let drawn = sweep.replicas.len() / stride;
    for outcome in Outcome::ALL.into_iter().rev() {
        let of_outcome = sweep.replicas.iter().enumerate().step_by(stride);
        let of_outcome = of_outcome.filter(|(_, replica)| replica.outcome() == outcome);
        let places = of_outcome.filter_map(|(index, replica)| place(index, replica));
        match drawn > MOST_DOTS {
            true => sheet.squares(places, 2.4, outcome.colour()),
            false => sheet.dots(places, 2.4, outcome.colour()),
        }
    }
}

/// Marks replicas of a trial with rings.
pub fn rings(sheet: &mut Sheet, places: impl Iterator<Item = (f64, f64)>) {
    use kuva::render::{color::Color, render::Primitive};
    let (cx, cy): (Vec<f64>, Vec<f64>) = places.unzip();
    let stroke = Some(crate::report::figure::style::INK.into());
    let (fill, fill_opacity, stroke_width) = (Color::None, None, Some(1.4));
    sheet.add(Primitive::CircleBatch { cx, cy, r: 5.5, fill, fill_opacity, stroke, stroke_width });
}

/// Says what the colours mean and how many of these replicas have each; returns where it ends.
pub fn keys<'a>(sheet: &mut Sheet, replicas: impl Iterator<Item = &'a Replica>, (mut x, y): (f64, f64)) -> f64 {
    let outcomes: Vec<Outcome> = replicas.map(Replica::outcome).collect();
    for outcome in Outcome::ALL {
        let count = outcomes.iter().filter(|other| **other == outcome).count();
        if count > 0 {
            x = sheet.dot_key((x, y), outcome.colour(), &format!("{}: {count}", outcome.in_words()));
        }
    }
    x
}

/// One of how many replicas is drawn, so that all panels together hold no more than so many.
pub fn stride(sweep: &SweepData, panels: usize) -> usize {
    const MOST_POINTS: usize = 18_000;
    (sweep.replicas.len() * panels).div_ceil(MOST_POINTS).max(1)
}

/// How a caption says that not all replicas are drawn.
pub fn thinned(stride: usize) -> String {
    if stride == 1 { String::new() } else { format!(" Drawn: one of every {stride} replicas; the numbers hold all.") }
}

/// The frame's place of a point of the data, if both its numbers are finite.
pub fn in_frame(
    frame: Frame,
    x: &crate::report::figure::axis::Axis,
    y: &crate::report::figure::axis::Axis,
    point: (f64, f64),
) -> Option<(f64, f64)> {
    (point.0.is_finite() && point.1.is_finite()).then(|| frame.place(x, y, point))
}
