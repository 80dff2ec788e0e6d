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

/// How many lanes work on so many items is cut into: more than threads, so that these are all busy to the end although items
/// take longer or shorter, but few, because a lane's items share what a step costs whatever its size. Only where each item has
/// a thread of its own are there no more.
pub fn lanes(items: usize, threads: usize) -> usize {
    if !Kernel::Lanes.is_on() {
        return 1;
    }
    if !Kernel::SpareLanes.is_on() {
        return threads.min(items);
    }
    let busy_to_the_end = |lanes: &usize| items.div_ceil(*lanes) * threads <= items;
    (threads + 1..items).find(busy_to_the_end).unwrap_or(items)
}

/// Takes every lane through `steps` (at least one) on up to so many threads; the results of the last one are in the order of
/// the lanes. Where there are more lanes than threads, a thread that is free takes the one that is furthest behind.
pub fn side_by_side<Lane: Send, Result: Send>(
    lanes: &mut [Lane],
    threads: usize,
    steps: Range<u64>,
    step: impl Fn(&mut Lane, u64) -> Result + Sync,
) -> Vec<Result> {
    let number = lanes.len();
    let waiting = lanes.iter_mut().enumerate().map(|(lane, state)| (steps.start, lane, state));
    let waiting: Mutex<Vec<(u64, usize, &mut Lane)>> = Mutex::new(waiting.collect());
    let take = || {
        let mut waiting = waiting.lock().expect("no panic while it is held");
        let furthest_behind = (0..waiting.len()).min_by_key(|&place| (waiting[place].0, waiting[place].1))?;
        Some(waiting.swap_remove(furthest_behind))
    };
    let turns = if number > threads { 1 } else { steps.end - steps.start };
    let work = || {
        let mut results = Vec::new();
        while let Some((first, lane, state)) = take() {
            let end = steps.end.min(first + turns);
            let result =
                (first..end).map(|number| step(state, number)).last().expect("a lane that waits has steps to go");
            if end < steps.end {
                waiting.lock().expect("no panic while it is held").push((end, lane, state));
            } else {
                results.push((lane, result));
            }
        }
        results
    };
    let mut results: Vec<(usize, Result)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(number)).map(|_| scope.spawn(|| (settle(), work()).1)).collect();
        let own = work();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<(usize, Result)>>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        own.into_iter().chain(others.into_iter().flat_map(join)).collect()
    });
    results.sort_by_key(|(lane, _)| *lane);
    results.into_iter().map(|(_, result)| result).collect()
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
        for (number, threads) in [(1, 2), (2, 2), (3, 2), (5, 3)] {
            let mut lanes = vec![Vec::new(); number];
            let results = side_by_side(&mut lanes, threads, 4..9, |lane: &mut Vec<u64>, step| {
                lane.push(step);
                lane.iter().sum::<u64>()
            });
            assert_eq!(results, vec![4 + 5 + 6 + 7 + 8; number]);
            assert_eq!(lanes, vec![vec![4, 5, 6, 7, 8]; number], "{number} lanes on {threads} threads");
        }
    }

    #[test]
    fn the_lane_that_is_furthest_behind_comes_next() {
        let order = Mutex::new(Vec::new());
        side_by_side(&mut [0, 1, 2], 1, 0..2, |&mut lane, step| order.lock().unwrap().push((step, lane)));
        assert_eq!(order.into_inner().unwrap(), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    }

    #[test]
    fn there_are_more_lanes_than_threads_and_none_holds_more_than_a_thread_s_share() {
        let lanes =
            [(1, 2), (2, 2), (3, 2), (4, 2), (12, 2), (13, 2), (24, 16)].map(|(items, threads)| lanes(items, threads));
        assert_eq!(lanes, [1, 2, 3, 3, 3, 3, 24]);
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
