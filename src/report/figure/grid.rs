//! Where small multiples stand on a sheet.

use super::{sheet::Frame, style};

/// Frames of equal size, from left to right and from top to bottom.
pub struct Grid {
    pub columns: usize,
    /// Room to the left of all frames and to the right of all.
    pub left: f64,
    pub right: f64,
    /// Between neighbours.
    pub gap: f64,
    /// Of the first row's frames.
    pub top: f64,
    pub height: f64,
    /// From one row of frames to the next.
    pub row: f64,
}

impl Grid {
    pub fn width(&self) -> f64 {
        (style::WIDTH - self.left - self.right - self.gap * (self.columns - 1) as f64) / self.columns as f64
    }

    pub fn frame(&self, index: usize) -> Frame {
        let (row, column) = (index / self.columns, index % self.columns);
        let x = self.left + column as f64 * (self.width() + self.gap);
        Frame { x, y: self.top + row as f64 * self.row, width: self.width(), height: self.height }
    }

    /// The lower end of the last row of `count` frames.
    pub fn bottom(&self, count: usize) -> f64 {
        self.top + (count.div_ceil(self.columns).max(1) - 1) as f64 * self.row + self.height
    }

    pub fn is_leftmost(&self, index: usize) -> bool {
        index.is_multiple_of(self.columns)
    }

    /// Whether no frame of `count` stands below.
    pub fn is_lowest(&self, index: usize, count: usize) -> bool {
        index + self.columns >= count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_fill_the_width_row_by_row() {
        let grid = Grid { columns: 2, left: 50.0, right: 10.0, gap: 40.0, top: 30.0, height: 80.0, row: 100.0 };
        assert_eq!((grid.frame(1).right(), grid.frame(2).x, grid.frame(2).y), (430.0, 50.0, 130.0));
        assert_eq!((grid.bottom(2), grid.bottom(3)), (110.0, 210.0));
        assert!(grid.is_leftmost(2) && !grid.is_lowest(0, 3) && grid.is_lowest(1, 3));
    }
}
