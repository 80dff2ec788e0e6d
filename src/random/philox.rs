//! Uniform numbers that are a pure function of where they stand: the counter-based generator Philox4x32-10.
//!
//! A block of four 32-bit words comes of ten rounds over a counter of four words, under a key of two. Here
//!
//! - the key is the seed of the replica: its low and its high half,
//! - the counter is [column / 4, row, stream + 2^24 purpose, step], so that a stream is below 2^24 and a step below 2^32,
//! - column / 4 says the block and the remainder says the word of it, and
//! - a word w gives the number floor(w / 2^8) / 2^24, in [0, 1).
//!
//! All is arithmetic on integers but the last conversion and the division by a power of two, which are exact: every device
//! gives the same bytes.
//!
//! Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".

use tch::{Device, Kind, Tensor};

use super::Purpose;
use crate::{
    kernel::{Kernel, simd, threads},
    slices::slice_mut,
};

const ROUNDS: usize = 10;
const WORDS: usize = 4;
const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The bits of a word where it stands in an integer of 64 bits.
const WORD: u64 = 0xFFFF_FFFF;

/// How far a word is shifted to leave the bits of a number in [0, 1), and what the remaining integer is multiplied by.
const SHIFT: u32 = 8;
const UNIT: f32 = 1.0 / (1 << 24) as f32;

/// Streams that a purpose has.
const STREAMS: u32 = 1 << 24;

/// Blocks that are computed side by side, each in a lane of the widest vectors.
const LANES: usize = 8;

/// Which rows are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// For every replica the rows that are numbered from 0 to below this number.
    Below(i64),
    /// The rows of these numbers, each from 0 to below 2^32: an int64 tensor [replica, row] on any device. What a row gets does
    /// not depend on which others are drawn.
    Numbered(&'a Tensor),
}

impl Rows<'_> {
    fn number(self) -> i64 {
        match self {
            Rows::Below(number) => number,
            Rows::Numbered(numbers) => numbers.size()[1],
        }
    }
}

/// Uniform numbers in [0, 1), float32 [replica, row, column] on the device. Each is a function of its replica's seed, the
/// purpose, the step, the stream, the number of its row and its column, and of nothing else.
///
/// # Panics
/// If the step is not below 2^32 or the stream not below 2^24.
pub fn uniform(
    seeds: &[u64],
    purpose: Purpose,
    step: u64,
    stream: u32,
    rows: Rows,
    columns: i64,
    device: Device,
) -> Tensor {
    assert!(step <= WORD && stream < STREAMS, "step {step}, stream {stream}");
    let place = [u64::from(stream + STREAMS * purpose as u32), step];
    let shape = [seeds.len() as i64, rows.number(), columns];
    if shape.contains(&0) {
        Tensor::empty(shape, (Kind::Float, device))
    } else if device.is_cuda() || !Kernel::Philox.is_on() {
        composed(seeds, place, rows, columns, device)
    } else {
        in_one_loop(seeds, place, rows, columns)
    }
}

/// Random subsets of `uses` uses, zeros and ones [replica, row, use]: the size is uniform in 1..=uses, and so is the subset among
/// those of its size. Takes one column of [`uniform`] for each use and one for the size.
pub fn uniform_subset(
    seeds: &[u64],
    purpose: Purpose,
    step: u64,
    stream: u32,
    rows: Rows,
    uses: i64,
    device: Device,
) -> Tensor {
    let drawn = uniform(seeds, purpose, step, stream, rows, uses + 1, device);
    let (order, size) = (drawn.narrow(2, 0, uses), drawn.narrow(2, uses, 1));
    let (own, other) = (order.unsqueeze(3), order.unsqueeze(2));
    // Of equal numbers the first one has the lower rank.
    let earlier = Tensor::ones([uses, uses], (Kind::Bool, device)).tril(-1);
    let is_before = other.less_tensor(&own).logical_or(&other.eq_tensor(&own).logical_and(&earlier));
    let rank = is_before.sum_dim_intlist([3].as_slice(), false, Kind::Float);
    rank.le_tensor(&(size * uses)).to_kind(Kind::Float)
}

/// The key of every round.
type RoundKeys = [[u64; 2]; ROUNDS];

fn round_keys(seed: u64) -> RoundKeys {
    let halves = [seed as u32, (seed >> 32) as u32];
    let key = |round: u32, half: usize| halves[half].wrapping_add(KEY_STEPS[half].wrapping_mul(round));
    std::array::from_fn(|round| [0, 1].map(|half| u64::from(key(round as u32, half))))
}

/// The four words of a counter, in the low halves of what is returned.
#[inline(always)]
fn block(mut words: [u64; WORDS], keys: &RoundKeys) -> [u64; WORDS] {
    for key in keys {
        // What is left in the high halves is dropped here, at no cost: a vector's product is of the low ones.
        let products = [(words[0] & WORD) * MULTIPLIERS[0], (words[2] & WORD) * MULTIPLIERS[1]];
        words = [
            (products[1] >> 32) ^ words[1] ^ key[0],
            products[1],
            (products[0] >> 32) ^ words[3] ^ key[1],
            products[0],
        ];
    }
    words
}

#[inline(always)]
fn number(word: u64) -> f32 {
    // Through a signed integer, whose conversion every vector has.
    (word as u32 >> SHIFT) as i32 as f32 * UNIT
}

fn in_one_loop(seeds: &[u64], place: [u64; 2], rows: Rows, columns: i64) -> Tensor {
    let rows_each = rows.number() as usize;
    let numbers: Option<Vec<i64>> = match rows {
        Rows::Below(_) => None,
        Rows::Numbered(numbers) => Some(Vec::try_from(numbers.flatten(0, 1)).expect("int64 numbers of rows")),
    };
    let row_number = |replica: usize, row: usize| match &numbers {
        None => row as u64,
        Some(numbers) => numbers[replica * rows_each + row] as u64 & WORD,
    };
    let keys: Vec<RoundKeys> = seeds.iter().map(|&seed| round_keys(seed)).collect();
    let mut drawn = Tensor::empty([seeds.len() as i64, rows_each as i64, columns], (Kind::Float, Device::Cpu));
    let (entries, width) = (slice_mut(&mut drawn), columns as usize);
    let threads = threads::worth_having(entries.len());
    threads::for_each_run(entries, width, threads, |mut first, mut run| {
        while !run.is_empty() {
            let (replica, row) = (first / rows_each, first % rows_each);
            let of_replica = run.len().min((rows_each - row) * width);
            let (entries, others) = run.split_at_mut(of_replica);
            simd::widest(|| fill(entries, width, |passed| row_number(replica, row + passed), place, &keys[replica]));
            (first, run) = (first + of_replica / width, others);
        }
    });
    drawn
}

/// Fills rows of one replica, the first of which is row 0 to `row_number`.
#[inline(always)]
fn fill(
    entries: &mut [f32],
    width: usize,
    row_number: impl Fn(usize) -> u64,
    [stream, step]: [u64; 2],
    keys: &RoundKeys,
) {
    let blocks_of_row = width.div_ceil(WORDS);
    let blocks = entries.len() / width * blocks_of_row;
    let (mut row, mut of_row) = (0, 0);
    let (mut counters, mut places) = ([[0; 2]; LANES], [0; LANES]);
    let mut numbers = [[0.0; WORDS]; LANES];
    for first in (0..blocks).step_by(LANES) {
        let lanes = LANES.min(blocks - first);
        for lane in 0..lanes {
            counters[lane] = [of_row as u64, row_number(row)];
            places[lane] = row * width + of_row * WORDS;
            of_row += 1;
            if of_row == blocks_of_row {
                (row, of_row) = (row + 1, 0);
            }
        }
        for lane in 0..LANES {
            let [of_row, row] = counters[lane];
            numbers[lane] = block([of_row, row, stream, step], keys).map(number);
        }
        for lane in 0..lanes {
            // A row's last block may reach into the next row, which is written later.
            let place = &mut entries[places[lane]..];
            match place.first_chunk_mut() {
                Some(whole) => *whole = numbers[lane],
                None => place.copy_from_slice(&numbers[lane][..place.len()]),
            }
        }
    }
}

/// The same numbers by operations on whole int64 tensors.
fn composed(seeds: &[u64], [stream, step]: [u64; 2], rows: Rows, columns: i64, device: Device) -> Tensor {
    let int64 = (Kind::Int64, device);
    let keys: Vec<RoundKeys> = seeds.iter().map(|&seed| round_keys(seed)).collect();
    let of_round = |round: usize, half: usize| keys.iter().map(move |keys| keys[round][half] as i64);
    let in_order: Vec<i64> = (0..2 * ROUNDS).flat_map(|place| of_round(place / 2, place % 2)).collect();
    let keys = Tensor::from_slice(&in_order).view([ROUNDS as i64, 2, seeds.len() as i64, 1, 1]).to_device(device);

    let word = |tensor: &Tensor| tensor.bitwise_and(WORD as i64);
    let high = |product: &Tensor| word(&product.bitwise_right_shift_tensor_scalar(32));
    let row = match rows {
        Rows::Below(number) => Tensor::arange(number, int64).unsqueeze(0),
        Rows::Numbered(numbers) => word(&numbers.to_device(device)),
    };
    let of_row = (columns as u64).div_ceil(WORDS as u64) as i64;
    let constant = |value: u64| Tensor::full([1, 1, 1], value as i64, int64);
    let mut words =
        [Tensor::arange(of_row, int64).view([1, 1, of_row]), row.unsqueeze(2), constant(stream), constant(step)];
    for round in 0..ROUNDS as i64 {
        let key = keys.get(round);
        // A product that needs all 64 bits becomes negative and keeps its bits.
        let products = [&words[0] * MULTIPLIERS[0] as i64, &words[2] * MULTIPLIERS[1] as i64];
        words = [
            high(&products[1]).bitwise_xor_tensor(&words[1]).bitwise_xor_tensor(&key.get(0)),
            word(&products[1]),
            high(&products[0]).bitwise_xor_tensor(&words[3]).bitwise_xor_tensor(&key.get(1)),
            word(&products[0]),
        ];
    }
    let bits = Tensor::stack(&words, 3).flatten(2, 3).narrow(2, 0, columns);
    bits.bitwise_right_shift_tensor_scalar(i64::from(SHIFT)).to_kind(Kind::Float).contiguous() * f64::from(UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: Device = Device::Cpu;

    fn masks(seeds: &[u64], rows: Rows, columns: i64) -> Tensor {
        uniform(seeds, Purpose::Masks, 5, 2, rows, columns, CPU)
    }

    /// The vectors for philox4x32-10 in `tests/kat_vectors` of the Random123 distribution.
    #[test]
    fn the_words_are_those_of_the_reference_implementation() {
        let words = |counter, seed| block(counter, &round_keys(seed)).map(|word| word & WORD);
        let zero = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8];
        assert_eq!(words([0; 4], 0), zero);
        let ones = [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd];
        assert_eq!(words([WORD; 4], u64::MAX), ones);
        let digits_of_pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let of_pi = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1];
        assert_eq!(words(digits_of_pi, 0x299f_31d0_a409_3822), of_pi);
    }

    #[test]
    fn a_number_is_its_word_of_the_block_of_its_place() {
        let drawn = masks(&[7 << 40 | 3], Rows::Below(3), 6);
        let words = block([1, 2, 2 + (11 << 24), 5], &round_keys(7 << 40 | 3));
        assert_eq!(drawn.double_value(&[0, 2, 5]), (words[1] as u32 >> 8) as f64 / 2_f64.powi(24));
    }

    #[test]
    fn the_loop_and_the_tensor_operations_give_the_same_bytes() {
        threads::give_each_lane(2, true);
        let place = [12 << 24 | 9, WORD];
        let seeds = [0, u64::MAX, 0x299f_31d0_a409_3822];
        for (number, columns) in [(1, 1), (7, 3), (5, 4), (3, 21), (1_200, 20), (900, 41)] {
            let numbers = (Tensor::arange(3 * number, (Kind::Int64, CPU)) * 1_431_655_765).view([3, number]);
            let numbers = numbers.bitwise_and(WORD as i64);
            for rows in [Rows::Below(number), Rows::Numbered(&numbers)] {
                let loops = in_one_loop(&seeds, place, rows, columns);
                let operations = composed(&seeds, place, rows, columns, CPU);
                assert_eq!(loops.size(), [3, number, columns]);
                assert_eq!(loops, operations, "{number} rows of {columns}");
                assert_eq!(operations.kind(), Kind::Float);
            }
        }
    }

    #[test]
    fn what_an_entry_gets_does_not_depend_on_what_is_drawn_with_it() {
        let all = masks(&[3, 4], Rows::Below(50), 11);
        assert_eq!(masks(&[4], Rows::Below(50), 11), all.narrow(0, 1, 1));
        assert_eq!(masks(&[3, 4], Rows::Below(20), 6), all.narrow(1, 0, 20).narrow(2, 0, 6));
        let numbers = Tensor::from_slice2(&[[49_i64, 0, 17], [3, 4, 5]]);
        let some = masks(&[3, 4], Rows::Numbered(&numbers), 11);
        for replica in 0..2 {
            assert_eq!(some.get(replica), all.get(replica).index_select(0, &numbers.get(replica)));
        }
        assert_eq!(masks(&[3, 4], Rows::Below(0), 11).size(), [2, 0, 11]);
    }

    #[test]
    fn another_seed_purpose_step_or_stream_gives_other_numbers() {
        let drawn = |seed, purpose, step, stream| uniform(&[seed], purpose, step, stream, Rows::Below(4), 4, CPU);
        let here = drawn(1, Purpose::Masks, 5, 2);
        let others = [
            drawn(1 << 32, Purpose::Masks, 5, 2),
            drawn(1, Purpose::Adversary, 5, 2),
            drawn(1, Purpose::Masks, 6, 2),
            drawn(1, Purpose::Masks, 5, 3),
        ];
        for other in others {
            assert_eq!(here.eq_tensor(&other).sum(Kind::Int64).int64_value(&[]), 0);
        }
    }

    #[test]
    fn numbers_are_spread_evenly_from_zero_to_below_one() {
        let drawn = masks(&[8], Rows::Below(1_000), 100);
        let counts = (drawn * 10).to_kind(Kind::Int64).flatten(0, -1).bincount(None::<Tensor>, 10);
        let counts = Vec::<i64>::try_from(counts).unwrap();
        assert_eq!(counts.len(), 10);
        // Five standard deviations of a tenth of so many.
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 475), "{counts:?}");
    }

    #[test]
    fn subsets_have_every_size_equally_often_and_every_use_in_the_same_share() {
        let routes = uniform_subset(&[6, 7], Purpose::Masks, 0, 0, Rows::Below(20_000), 4, CPU);
        assert_eq!(routes.size(), [2, 20_000, 4]);
        let sizes = routes.sum_dim_intlist([2].as_slice(), false, Kind::Int64).flatten(0, -1);
        let counts = Vec::<i64>::try_from(sizes.bincount(None::<Tensor>, 0)).unwrap();
        assert_eq!((counts.len(), counts[0]), (5, 0));
        assert!(counts[1..].iter().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
        let shares = Vec::<f64>::try_from(routes.mean_dim([0, 1].as_slice(), false, Kind::Double)).unwrap();
        assert!(shares.iter().all(|share| (share - 0.625).abs() < 0.013), "{shares:?}");
        let one = uniform_subset(&[6], Purpose::Masks, 0, 0, Rows::Below(9), 1, CPU);
        assert_eq!(one, Tensor::ones([1, 9, 1], (Kind::Float, CPU)));
    }
}
