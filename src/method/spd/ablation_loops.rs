//! The products of [`Ablation`] in one pass over the memory each, on the CPU.

use tch::Tensor;

use super::ablation::Ablation;
use crate::{
    kernel::{simd, threads},
    slices::{slice, slice_mut},
};

/// The rows of one sample.
struct Row<'a> {
    importance: &'a [f32],
    /// Empty where there are none.
    sources: &'a [f32],
    delta: f32,
    route: f32,
}

/// What the rows are of.
struct Rows<'a> {
    number: usize,
    columns: usize,
    importance: &'a [f32],
    sources: &'a [f32],
    route: &'a [f32],
}

impl<'a> Rows<'a> {
    fn of(ablation: &'a Ablation) -> Self {
        let number = ablation.number() as usize;
        Self {
            number,
            columns: ablation.sources.as_ref().map_or(0, |sources| sources.size()[2] as usize),
            importance: slice(&ablation.importance),
            sources: ablation.sources.as_ref().map_or(&[], |sources| slice(sources)),
            route: ablation.route.as_ref().map_or(&[], |route| slice(route)),
        }
    }

    fn row(&self, row: usize) -> Row<'a> {
        let Self { number, columns, .. } = *self;
        let sources = &self.sources[row * columns..(row + 1) * columns];
        let (sources, delta) = sources.split_at(number.min(columns));
        Row {
            importance: &self.importance[row * number..(row + 1) * number],
            sources,
            delta: delta.first().copied().unwrap_or(0.0),
            route: self.route.get(row).copied().unwrap_or(1.0),
        }
    }
}

/// As `value` of [`Ablation`].
pub fn value(ablation: &Ablation, inner: &Tensor) -> Tensor {
    let rows = Rows::of(ablation);
    let mut output = inner.empty_like();
    let (inner, number) = (slice(inner), rows.number);
    let threads = threads::worth_having(inner.len());
    threads::for_each_run(slice_mut(&mut output), number, threads, |first, output| {
        simd::widest(|| {
            for (place, output) in output.chunks_exact_mut(number).enumerate() {
                let row = first + place;
                let inner = &inner[row * number..(row + 1) * number];
                weigh(output, inner, &rows.row(row));
            }
        });
    });
    output
}

#[inline(always)]
fn weigh(output: &mut [f32], inner: &[f32], &Row { importance, sources, delta, route }: &Row) {
    if sources.is_empty() {
        for ((output, inner), g) in output.iter_mut().zip(inner).zip(importance) {
            *output = inner * (g * route);
        }
    } else {
        for (((output, inner), g), r) in output.iter_mut().zip(inner).zip(importance).zip(sources) {
            *output = inner * ((g + (1.0 - g) * r - delta) * route);
        }
    }
}

/// What the backward pass writes of some rows.
struct Run<'a> {
    first: usize,
    inner_gradient: &'a mut [f32],
    /// Empty where it is not wanted.
    importance_gradient: &'a mut [f32],
    source_gradient: &'a mut [f32],
}

/// As `backward` of [`Ablation`].
pub fn backward(ablation: &Ablation, inner: &Tensor, output_gradient: &Tensor) -> Tensor {
    let rows = Rows::of(ablation);
    let mut inner_gradient = inner.empty_like();
    let [mut importance_gradient, mut source_gradient] = [&ablation.importance_gradient, &ablation.source_gradient]
        .map(|gradient| gradient.as_ref().map(Tensor::shallow_clone));
    let (inner, output_gradient, number) = (slice(inner), slice(output_gradient), rows.number);

    let threads = threads::worth_having(inner.len());
    let rows_each = (inner.len() / number).div_ceil(threads).max(1);
    let mut importance_gradient = importance_gradient.as_mut().map_or(&mut [][..], |gradient| slice_mut(gradient));
    let mut source_gradient = source_gradient.as_mut().map_or(&mut [][..], |gradient| slice_mut(gradient));
    let mut runs = Vec::new();
    for (place, inner_gradient) in slice_mut(&mut inner_gradient).chunks_mut(rows_each * number).enumerate() {
        let of_importance = importance_gradient.len().min(inner_gradient.len());
        let of_sources = source_gradient.len().min(inner_gradient.len() / number * rows.columns);
        let (importances, other_importances) = importance_gradient.split_at_mut(of_importance);
        let (sources, other_sources) = source_gradient.split_at_mut(of_sources);
        (importance_gradient, source_gradient) = (other_importances, other_sources);
        let first = place * rows_each;
        runs.push(Run { first, inner_gradient, importance_gradient: importances, source_gradient: sources });
    }
    threads::for_each_part(runs, |run| {
        simd::widest(|| {
            for (place, of_inner) in run.inner_gradient.chunks_exact_mut(number).enumerate() {
                let row = run.first + place;
                let entries = row * number..(row + 1) * number;
                let of_importance = run.importance_gradient.get_mut(place * number..(place + 1) * number);
                let of_sources = run.source_gradient.get_mut(place * rows.columns..(place + 1) * rows.columns);
                let (inner, gradient) = (&inner[entries.clone()], &output_gradient[entries]);
                let row = rows.row(row);
                if let Some(of_importance) = of_importance {
                    add_importance_gradient(of_importance, inner, gradient, &row);
                }
                if let Some(of_sources) = of_sources.filter(|of_sources| !of_sources.is_empty()) {
                    add_source_gradient(of_sources, inner, gradient, &row);
                }
                weigh(of_inner, gradient, &row);
            }
        });
    });
    inner_gradient
}

#[inline(always)]
fn add_importance_gradient(sums: &mut [f32], inner: &[f32], gradient: &[f32], row: &Row) {
    if row.sources.is_empty() {
        for ((sum, inner), gradient) in sums.iter_mut().zip(inner).zip(gradient) {
            *sum += gradient * inner * row.route;
        }
    } else {
        for (((sum, inner), gradient), r) in sums.iter_mut().zip(inner).zip(gradient).zip(row.sources) {
            *sum += gradient * inner * row.route * (1.0 - r);
        }
    }
}

#[inline(always)]
fn add_source_gradient(sums: &mut [f32], inner: &[f32], gradient: &[f32], row: &Row) {
    let (sums, delta) = sums.split_at_mut(inner.len());
    let mut by_masks = 0.0;
    for (((sum, inner), gradient), g) in sums.iter_mut().zip(inner).zip(gradient).zip(row.importance) {
        let by_mask = gradient * inner * row.route;
        by_masks += by_mask;
        *sum += by_mask * (1.0 - g);
    }
    if let [delta] = delta {
        *delta -= by_masks;
    }
}
