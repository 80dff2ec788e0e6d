//! What this machine can do: products of matrices, at a large size and at a step's own shapes, and copies.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use apd::execute::Product;
use tch::{Device, Kind, Tensor};

use crate::measure::finish;

/// The fastest of the repetitions within this time is taken: a rate is what the machine can do undisturbed.
const TIME_FOR_EACH: Duration = Duration::from_millis(200);

/// Of a copy: larger than any cache.
const COPIED_ENTRIES: i64 = 1 << 25;

pub struct Rates {
    /// Operations a second of a large product.
    pub product: f64,
    /// Seconds of all products of a step, each at its own shape.
    pub products: f64,
    /// Bytes a second, those read and those written together.
    pub copy: f64,
}

impl Rates {
    /// Of this device; `products` are those of a step.
    pub fn measure(products: &[Product], device: Device) -> Self {
        let edge = if device.is_cuda() { 8_192 } else { 1_000 };
        let large = Product { number: 1, rows: edge, inner: edge, columns: edge };
        let mut of_shape: BTreeMap<Product, f64> = BTreeMap::new();
        let seconds = |product: &Product| *of_shape.entry(*product).or_insert_with(|| seconds_of(*product, device));
        Self {
            products: products.iter().map(seconds).sum(),
            product: large.operations() / seconds_of(large, device),
            copy: copied_bytes_a_second(device),
        }
    }
}

fn seconds_of(Product { number, rows, inner, columns }: Product, device: Device) -> f64 {
    let random = |shape: [i64; 3]| Tensor::rand(shape, (Kind::Float, device));
    let (left, right) = (random([number, rows, inner]), random([number, inner, columns]));
    let result = left.bmm(&right);
    shortest(device, || drop(left.bmm_out(&result, &right)))
}

fn copied_bytes_a_second(device: Device) -> f64 {
    let from = Tensor::zeros([COPIED_ENTRIES], (Kind::Float, device));
    let mut to = from.ones_like();
    let seconds = shortest(device, || to.copy_(&from));
    2.0 * 4.0 * COPIED_ENTRIES as f64 / seconds
}

/// Seconds of the fastest of some calls, three at least.
fn shortest(device: Device, mut work: impl FnMut()) -> f64 {
    let (began, mut best) = (Instant::now(), f64::INFINITY);
    let mut calls = 0;
    while calls < 3 || began.elapsed() < TIME_FOR_EACH {
        finish(device);
        let start = Instant::now();
        work();
        finish(device);
        best = best.min(start.elapsed().as_secs_f64());
        calls += 1;
    }
    best
}
