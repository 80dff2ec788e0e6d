//! Limits that a shell or a scheduler sets (`ulimit`), met so that reaching one can be told and costs no work.

use std::mem::MaybeUninit;

/// Files that are open at once, at most: more than any run has, and few enough for programs that go through all numbers.
const FILES: libc::rlim_t = 1 << 16;

/// Seconds of CPU time before the end that are for saving.
const FOR_SAVING: libc::rlim_t = 30;

/// Prepares the process, and those that it starts, for its limits.
pub fn prepare_for_limits() {
    // A file that would become too large is then an error that can be told, and not the end.
    // SAFETY: nothing is called when the signal comes.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    // Each seed holds the lock of its target while that is trained, and the limit that a program begins with is often low.
    change(libc::RLIMIT_NOFILE, |limit| limit.rlim_cur.max(limit.rlim_max.min(FILES)));
    // Where both limits are one, as `ulimit -t` sets them, the warning would come with the end.
    change(libc::RLIMIT_CPU, |limit| match limit.rlim_max {
        libc::RLIM_INFINITY => limit.rlim_cur,
        end => limit.rlim_cur.min(end.saturating_sub(FOR_SAVING.min(end / 5).max(1))),
    });
}

/// Sets the soft limit of a resource. Where the system does not allow it, it stays.
fn change(resource: libc::__rlimit_resource_t, soft: impl FnOnce(&libc::rlimit) -> libc::rlim_t) {
    let mut limit = MaybeUninit::uninit();
    // SAFETY: two system calls on memory of this function, which the first fills in.
    unsafe {
        if libc::getrlimit(resource, limit.as_mut_ptr()) == 0 {
            let mut limit = limit.assume_init();
            limit.rlim_cur = soft(&limit);
            libc::setrlimit(resource, &limit);
        }
    }
}
