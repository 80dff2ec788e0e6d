//! The threads that libtorch keeps for its own operations, at work for loops of ours.
//!
//! libtorch's threads are those of OpenMP: after each operation they wait for the next by spinning, for milliseconds, and take
//! a core from whoever works there. So nobody else should: loops that run between operations run on the same threads.

use std::{
    any::Any,
    ffi::{c_uint, c_void},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Mutex, OnceLock},
};

use crate::kernel::Kernel;

/// `GOMP_parallel` of GCC's OpenMP library: calls a function with some data on this thread and up to so many less one of its
/// team, and returns when all have.
type Parallel = unsafe extern "C" fn(extern "C" fn(*mut c_void), *mut c_void, c_uint, c_uint);

/// What each thread is to do, and the first panic.
struct Job<'a> {
    work: &'a (dyn Fn() + Sync),
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Calls `work` on up to so many threads at once, at least on this one.
pub fn on_threads(threads: usize, work: &(dyn Fn() + Sync)) {
    let job = Job { work, panic: Mutex::new(None) };
    match parallel().filter(|_| Kernel::LibtorchThreads.is_on()) {
        // SAFETY: the job outlives the call, which returns when no thread uses it any more; `run` lets no panic out.
        Some(parallel) => unsafe { parallel(run, (&raw const job).cast_mut().cast(), threads as c_uint, 0) },
        None => std::thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(work)));
            work();
        }),
    }
    if let Some(panic) = job.panic.into_inner().expect("no panic while it is held") {
        resume_unwind(panic);
    }
}

/// One thread's share.
extern "C" fn run(job: *mut c_void) {
    // SAFETY: `on_threads` passes a job that lives until all threads are done; they only share it.
    let job = unsafe { &*job.cast_const().cast::<Job>() };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(job.work)) {
        job.panic.lock().expect("no panic while it is held").get_or_insert(panic);
    }
}

/// `None` where libtorch brings another library for its threads.
fn parallel() -> Option<Parallel> {
    static PARALLEL: OnceLock<Option<Parallel>> = OnceLock::new();
    *PARALLEL.get_or_init(|| {
        // SAFETY: looks up a name among the libraries of the process.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"GOMP_parallel".as_ptr()) };
        // SAFETY: a function of this name has this signature, part of GCC's binary interface since version 4.9.
        (!found.is_null()).then(|| unsafe { std::mem::transmute::<*mut c_void, Parallel>(found) })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_threads_of_libtorch_are_found() {
        assert!(parallel().is_some());
    }

    #[test]
    fn as_many_threads_work_as_are_asked_for_and_what_one_panics_with_comes_out() {
        let called = AtomicUsize::new(0);
        on_threads(2, &|| _ = called.fetch_add(1, Ordering::Relaxed));
        assert_eq!(called.into_inner(), 2);
        let panic = catch_unwind(|| on_threads(2, &|| panic!("one of us"))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"one of us"));
    }
}
