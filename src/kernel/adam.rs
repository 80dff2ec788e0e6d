//! One update of Adam of entries in main memory, in one pass over them.

use super::simd;

pub const FIRST_DECAY: f64 = 0.9;
pub const SECOND_DECAY: f64 = 0.999;
pub const EPSILON: f64 = 1e-8;

/// The numbers of one update of one replica.
#[derive(Clone, Copy)]
pub struct Update {
    pub step_size: f32,
    pub root_correction: f32,
    pub shrinkage: f32,
}

/// What the values themselves count in their derivative, for rows that follow each other.
#[derive(Clone, Copy)]
pub enum Lengthwise<'a> {
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

/// Which entries of a parameter move: of every `of` that follow each other in memory the `first`.
#[derive(Clone, Copy)]
pub struct Moving {
    pub first: usize,
    pub of: usize,
}

impl Moving {
    pub const ALL: Self = Self { first: 1, of: 1 };

    pub fn are_all(self) -> bool {
        self.first == self.of
    }

    /// Of every group of `entries` those that move.
    fn select(self, entries: &[f32]) -> impl Iterator<Item = &[f32]> {
        entries.chunks_exact(self.of).map(move |group| &group[..self.first])
    }

    /// Of the entries that move; not a number if one of them is none.
    pub fn largest_magnitude(self, entries: &[f32]) -> f32 {
        if self.are_all() {
            return simd::largest_magnitude(entries);
        }
        let of_group = |group: &[f32]| group.iter().map(|&entry| simd::magnitude_bits(entry)).fold(0, u32::max);
        f32::from_bits(simd::widest(|| self.select(entries).map(of_group).fold(0, u32::max)))
    }
}

/// Entries of a parameter that follow each other in memory, with all that belongs to them.
pub struct Entries<'a> {
    pub values: &'a mut [f32],
    pub gradients: &'a mut [f32],
    pub first: &'a mut [f32],
    pub second: &'a mut [f32],
}

impl Entries<'_> {
    /// Whole rows of `width`, which hold whole groups or are parts of one; returns the bits of the largest magnitude of the
    /// values that have moved.
    #[inline(always)]
    pub fn update(self, update: Update, lengthwise: Lengthwise, width: usize, moving: Moving) -> u32 {
        let mut largest = 0;
        for (row, entries) in self.chunks(width).enumerate() {
            let of_row = match lengthwise {
                _ if row * width % moving.of >= moving.first => 0,
                Lengthwise::Nothing => entries.update_row(update, std::iter::repeat(0.0)),
                Lengthwise::OfRows(numbers) => entries.update_row(update, std::iter::repeat(numbers[row])),
                Lengthwise::OfColumns(numbers) if moving.are_all() => {
                    entries.update_row(update, numbers.iter().copied())
                }
                Lengthwise::OfColumns(numbers) => {
                    let groups = entries.chunks(moving.of).zip(moving.select(numbers));
                    groups.fold(0, |largest, (group, numbers)| {
                        largest.max(group.update_row(update, numbers.iter().copied()))
                    })
                }
            };
            largest = largest.max(of_row);
        }
        largest
    }

    #[inline(always)]
    fn chunks(self, size: usize) -> impl Iterator<Item = Self> {
        let Self { values, gradients, first, second } = self;
        let values = values.chunks_exact_mut(size).zip(gradients.chunks_exact_mut(size));
        let moments = first.chunks_exact_mut(size).zip(second.chunks_exact_mut(size));
        values.zip(moments).map(|((values, gradients), (first, second))| Self { values, gradients, first, second })
    }

    /// As many entries as there are numbers.
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
            largest = largest.max(simd::magnitude_bits(*value));
        }
        largest
    }
}
