//! Two values at each of many places: a wide pale bar, and a narrow dark one before it.

use std::fmt::Write;

use super::{
    axis::Axis,
    sheet::{Frame, Sheet},
    style,
};

/// The colour of the first value and of the second.
pub const COLOURS: [&str; 2] = [style::PALE, style::BLUE];

/// Draws `pairs` from left to right; a value that is no number is left out.
pub fn panel(sheet: &mut Sheet, frame: Frame, x: &Axis, y: &Axis, pairs: &[(f64, f64)]) {
    sheet.panel(frame, x, y, true, Vec::new());
    let slot = frame.width / pairs.len().max(1) as f64;
    let zero = frame.place(x, y, (0.0, 0.0)).1;
    let bars = |value: fn(&(f64, f64)) -> f64, width: f64| {
        let mut path = String::new();
        for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| value(pair).is_finite()) {
            let height = zero - frame.place(x, y, (0.0, value(pair))).1;
            // Less than this cannot be seen.
            if height.abs() >= 0.1 {
                let left = frame.x + (index as f64 + 0.5) * slot - width / 2.0;
                let _ = write!(path, "M{left:.2} {zero:.1}v{:.1}h{width:.2}V{zero:.1}z", -height);
            }
        }
        path
    };
    sheet.fill(bars(|pair| pair.0, (0.86 * slot).max(0.6)), COLOURS[0], None);
    sheet.fill(bars(|pair| pair.1, (0.4 * slot).max(0.6)), COLOURS[1], None);
}

/// Places 0 .. `count` - 1, each in the middle of its slot.
pub fn places(count: usize) -> Axis {
    let step = style::tick_step(count as f64, 5.0).max(1.0);
    Axis::linear((-0.5, count.max(1) as f64 - 0.5), step, style::number)
}
