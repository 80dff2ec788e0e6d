//! The optimal assignment of features to components.

use pathfinding::{kuhn_munkres::kuhn_munkres, matrix::Matrix};

/// Gives each row its own column so that the sum of the scores is largest; `None` for the rows left over where there are
/// more rows than columns. `score(row, column)` is finite.
pub fn assign(rows: usize, columns: usize, score: impl Fn(usize, usize) -> f64) -> Vec<Option<usize>> {
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    // The solver wants whole numbers and no more rows than columns; the fixed point keeps nine decimal digits.
    let largest = (0..rows * columns).map(|cell| score(cell / columns, cell % columns).abs()).fold(0.0, f64::max);
    let scale = if largest > 0.0 { 1e9 / largest } else { 0.0 };
    let fixed = |row, column| (score(row, column) * scale).round() as i64;
    if rows <= columns {
        let (_, assigned) = kuhn_munkres(&Matrix::from_fn(rows, columns, |(row, column)| fixed(row, column)));
        return assigned.into_iter().map(Some).collect();
    }
    let (_, row_of) = kuhn_munkres(&Matrix::from_fn(columns, rows, |(column, row)| fixed(row, column)));
    let mut assigned = vec![None; rows];
    row_of.into_iter().enumerate().for_each(|(column, row)| assigned[row] = Some(column));
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_sum_wins_over_the_best_entry() {
        let scores = [[0.9, 0.8], [0.85, 0.1]];
        assert_eq!(assign(2, 2, |row, column| scores[row][column]), [Some(1), Some(0)]);
    }

    #[test]
    fn rows_without_a_column_are_left_over() {
        let scores = [0.1, 0.7, 0.3];
        assert_eq!(assign(3, 1, |row, _| scores[row]), [None, Some(0), None]);
        assert_eq!(assign(1, 3, |_, column| scores[column]), [Some(1)]);
        assert_eq!(assign(2, 0, |_, _| 0.0), [None, None]);
    }

    #[test]
    fn scores_that_are_all_zero_are_no_trouble() {
        assert_eq!(assign(2, 2, |_, _| 0.0).iter().flatten().count(), 2);
    }
}
