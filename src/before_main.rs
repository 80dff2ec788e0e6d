//! What must have happened before the libraries that this program is linked to begin.
//!
//! Libtorch's mathematics library asks for the current folder when it is loaded, and ends the process where there is none:
//! where the folder has been removed, or its path is too long. So the program steps out of such a folder before, and back
//! into it after.

use std::sync::atomic::{AtomicI32, Ordering};

/// An open current folder that has been left, or -1.
static LEFT: AtomicI32 = AtomicI32::new(-1);

/// Called by the dynamic linker, before the initialisers of all libraries.
#[used]
#[unsafe(link_section = ".preinit_array")]
static BEFORE_LIBRARIES: extern "C" fn() = leave_unusable_folder;

extern "C" fn leave_unusable_folder() {
    let mut path = [0; libc::PATH_MAX as usize];
    // SAFETY: system calls on memory of this function; Rust's own library, which is not ready yet, has no part in them.
    unsafe {
        if libc::getcwd(path.as_mut_ptr(), path.len()).is_null() {
            let left = libc::open(c".".as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
            LEFT.store(left, Ordering::Relaxed);
            // Without a way back it stays.
            if left >= 0 {
                libc::chdir(c"/".as_ptr());
            }
        }
    }
}

/// Goes back into the current folder that the process was started in: what is relative to it must not be taken for
/// something else.
pub fn return_to_current_folder() {
    let left = LEFT.swap(-1, Ordering::Relaxed);
    if left >= 0 {
        // SAFETY: system calls on a file descriptor that nothing else knows.
        unsafe {
            libc::fchdir(left);
            libc::close(left);
        }
    }
}
