//! One update of entries in main memory, in one pass over them.

use super::{EPSILON, FIRST_DECAY, Rate, SECOND_DECAY};
use crate::vectors;

/// The numbers of one update of one replica.
#[derive(Clone, Copy)]
pub(super) struct Update {
    pub step_size: f32,
    pub root_correction: f32,
    pub shrinkage: f32,
}

impl Update {
    /// The `number`-th update, counted from 1.
    pub fn new(rate: Rate, number: u64) -> Self {
        let correction = |decay: f64| 1.0 - decay.powf(number as f64);
        Self {
            step_size: (rate.learning_rate / correction(FIRST_DECAY)) as f32,
            root_correction: (1.0 / correction(SECOND_DECAY).sqrt()) as f32,
            shrinkage: (1.0 - rate.learning_rate * rate.weight_decay) as f32,
        }
    }
}

/// What the values themselves count in their derivative, for rows that follow each other.
#[derive(Clone, Copy)]
pub(super) enum Lengthwise<'a> {
    Nothing,
    /// A number a row.
    OfRows(&'a [f32]),
    /// A number a column, the same for every row.
    OfColumns(&'a [f32]),
}

impl Lengthwise<'_> {
    /// From this row on.
    pub fn after(self, row: usize) -> Self {
        if let Self::OfRows(numbers) = self { Self::OfRows(&numbers[row..]) } else { self }
    }
}

/// Entries of a parameter that follow each other in memory, with all that belongs to them.
pub(super) struct Entries<'a> {
    pub values: &'a mut [f32],
    pub gradients: &'a mut [f32],
    pub first: &'a mut [f32],
    pub second: &'a mut [f32],
}

impl Entries<'_> {
    /// Whole rows of `width`; returns the bits of the new values' largest magnitude.
    #[inline(always)]
    pub fn update(self, update: Update, lengthwise: Lengthwise, width: usize) -> u32 {
        let mut largest = 0;
        let Self { values, gradients, first, second } = self;
        let values = values.chunks_exact_mut(width).zip(gradients.chunks_exact_mut(width));
        let rows = values.zip(first.chunks_exact_mut(width).zip(second.chunks_exact_mut(width))).enumerate();
        for (row, ((values, gradients), (first, second))) in rows {
            let entries = Entries { values, gradients, first, second };
            let of_row = match lengthwise {
                Lengthwise::Nothing => entries.update_row(update, std::iter::repeat(0.0)),
                Lengthwise::OfRows(numbers) => entries.update_row(update, std::iter::repeat(numbers[row])),
                Lengthwise::OfColumns(numbers) => entries.update_row(update, numbers.iter().copied()),
            };
            largest = largest.max(of_row);
        }
        largest
    }

    #[inline(always)]
    fn update_row(self, update: Update, lengthwise: impl Iterator<Item = f32>) -> u32 {
        let mut largest = 0;
        let Self { values, gradients, first, second } = self;
        let moments = first.iter_mut().zip(second);
        for (((value, gradient), (first, second)), lengthwise) in
            values.iter_mut().zip(gradients).zip(moments).zip(lengthwise)
        {
            let slope = std::mem::take(gradient) + lengthwise * *value;
            *first += (slope - *first) * (1.0 - FIRST_DECAY) as f32;
            *second = *second * SECOND_DECAY as f32 + slope * slope * (1.0 - SECOND_DECAY) as f32;
            let denominator = second.sqrt() * update.root_correction + EPSILON as f32;
            *value = *value * update.shrinkage - update.step_size * *first / denominator;
            largest = largest.max(vectors::magnitude_bits(*value));
        }
        largest
    }
}
