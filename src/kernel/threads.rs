//! Work spread over threads.
//!
//! Lanes, each some replicas of a training, go side by side on threads of our own; within a lane our loops run on the threads
//! that libtorch keeps. For small tensors it is held to one: the others would only wait for each other.

mod openmp;

use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use openmp::on_threads;

use super::Kernel;

/// Entries of a replica's largest arrays up to which they stay in a core's cache, so that loops over them beat libtorch's
/// operations on several threads.
const ENTRIES_OF_A_CORE: i64 = 1 << 18;

/// Below this many entries a second thread costs more than it saves.
const ENTRIES_WORTH_A_THREAD: usize = 1 << 15;

/// Threads of a loop of ours.
static LOOP_THREADS: AtomicUsize = AtomicUsize::new(1);

/// Threads of libtorch, in each thread that calls it.
static LIBTORCH_THREADS: AtomicUsize = AtomicUsize::new(1);

/// Whether work on arrays of so many entries is best done in loops on one core.
pub fn fits_a_core(entries: i64) -> bool {
    entries <= ENTRIES_OF_A_CORE
}

/// Says how many threads each of the lanes that work side by side may use; `small`: on tensors that libtorch had better
/// handle on one.
pub fn give_each_lane(threads: usize, small: bool) {
    let threads = threads.max(1);
    LOOP_THREADS.store(threads, Ordering::Relaxed);
    LIBTORCH_THREADS.store(if small { 1 } else { threads }, Ordering::Relaxed);
    settle();
}

/// libtorch keeps the number of its threads for each calling thread; a new one would take all cores.
fn settle() {
    tch::set_num_threads(LIBTORCH_THREADS.load(Ordering::Relaxed) as i32);
}

/// On how many lanes so many items go side by side: as many as there are threads, if there are that many items.
pub fn lanes(items: usize, threads: usize) -> usize {
    if Kernel::Lanes.is_on() { threads.min(items) } else { 1 }
}

/// Takes every lane, one at least, through `steps` (at least one) on a thread of its own; the results of the last one are in the
/// order of the lanes.
pub fn side_by_side<Lane: Send, Result: Send>(
    lanes: &mut [Lane],
    steps: Range<u64>,
    step: impl Fn(&mut Lane, u64) -> Result + Sync,
) -> Vec<Result> {
    let work = &|lane: &mut Lane| {
        let results = steps.clone().map(|number| step(lane, number));
        results.last().expect("a lane has steps to go")
    };
    let (first, others) = lanes.split_first_mut().expect("there is a lane");
    std::thread::scope(|scope| {
        let others: Vec<_> = others.iter_mut().map(|lane| scope.spawn(move || (settle(), work(lane)).1)).collect();
        let own = work(first);
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        std::iter::once(own).chain(others.into_iter().map(join)).collect()
    })
}

/// On how many threads work on so many entries is best spread.
pub fn worth_having(entries: usize) -> usize {
    if !Kernel::LoopThreads.is_on() {
        return 1;
    }
    LOOP_THREADS.load(Ordering::Relaxed).min(entries / ENTRIES_WORTH_A_THREAD).max(1)
}

/// Calls `function` with every part, as many at once as there are parts.
pub fn for_each_part<Part: Send>(parts: impl IntoIterator<Item = Part>, function: impl Fn(Part) + Sync) {
    let mut parts: Vec<Part> = parts.into_iter().collect();
    if parts.len() <= 1 {
        return parts.into_iter().for_each(function);
    }
    let threads = parts.len();
    parts.reverse();
    let waiting = Mutex::new(parts);
    let next = || waiting.lock().expect("no panic while it is held").pop();
    on_threads(threads, &|| {
        while let Some(part) = next() {
            function(part);
        }
    });
}

/// Cuts `entries` into runs of rows, one for each of so many threads, and calls `function` with the number of the first row of
/// every run and the run. What a row gets must not depend on the runs.
pub fn for_each_run(entries: &mut [f32], width: usize, threads: usize, function: impl Fn(usize, &mut [f32]) + Sync) {
    let rows_each = (entries.len() / width).div_ceil(threads).max(1);
    let runs = entries.chunks_mut(rows_each * width).enumerate();
    for_each_part(runs, |(run, entries)| function(run * rows_each, entries));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_takes_its_steps_in_turn_and_the_results_keep_their_order() {
        for number in [1, 2, 5] {
            let mut lanes: Vec<(u64, Vec<u64>)> = (0..number).map(|lane| (lane, Vec::new())).collect();
            let results = side_by_side(&mut lanes, 4..9, |(lane, steps), step| {
                steps.push(step);
                (*lane, step)
            });
            assert!(results.into_iter().eq((0..number).map(|lane| (lane, 8))), "{number} lanes");
            assert!(lanes.iter().all(|(_, steps)| *steps == [4, 5, 6, 7, 8]), "{number} lanes");
        }
    }

    #[test]
    fn no_lane_is_without_an_item_and_no_thread_has_two_lanes() {
        assert_eq!([(1, 2), (2, 2), (3, 2), (24, 16)].map(|(items, threads)| lanes(items, threads)), [1, 2, 2, 16]);
    }

    #[test]
    fn every_row_is_in_one_run_under_its_number() {
        for (rows, threads) in [(0, 1), (1, 2), (7, 2), (7, 3), (1_000, 4)] {
            let mut entries = vec![0.0; rows * 3];
            for_each_run(&mut entries, 3, threads, |first, run| {
                let rows = (first..).zip(run.chunks_exact_mut(3));
                rows.for_each(|(row, entries)| entries.iter_mut().for_each(|entry| *entry += row as f32));
            });
            let expected = (0..rows).flat_map(|row| [row as f32; 3]);
            assert!(entries.into_iter().eq(expected), "{rows} rows on {threads} threads");
        }
    }
}
