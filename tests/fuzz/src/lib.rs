//! What all fuzzed readers promise: a text of their own for whatever they refuse, and no more memory than the input is
//! worth. Panics need no word here: the fuzzer sees them.

pub mod zip;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs::File,
    io::Write,
    os::fd::{AsRawFd, FromRawFd},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Bytes that may be in use at once. Inputs have a few kilobytes; the fuzzer's own are allocated elsewhere.
const LARGEST: usize = 256 << 20;

/// The system's allocator, which ends the program where more than [`LARGEST`] bytes are asked for: memory that is never
/// touched would be seen by no other limit.
struct Bounded;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

// SAFETY: every call is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IN_USE.fetch_add(layout.size(), Relaxed).saturating_add(layout.size()) > LARGEST {
            eprintln!("more than {LARGEST} bytes in use: {} more are asked for", layout.size());
            std::process::abort();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Asserts that a text says something and can be printed: a terminal obeys control characters, and those that turn the
/// direction of writing hide what stands there.
pub fn assert_printable(text: &str) {
    assert!(!text.trim().is_empty(), "a text that says nothing");
    let is_harmful = |c: char| c != '\n' && (c.is_control() || TURNING.contains(&c));
    assert!(!text.contains(is_harmful), "not fit for a terminal: {text:?}");
}

/// Marks, embeddings, overrides and isolates of the direction of writing.
const TURNING: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// A file that lies in main memory alone.
pub struct InMemory {
    path: PathBuf,
    _file: File,
}

impl InMemory {
    pub fn new(content: &[u8]) -> Self {
        // SAFETY: the name ends with a zero, and the new descriptor belongs to nobody else.
        let mut file = unsafe {
            let descriptor = libc::memfd_create(c"input".as_ptr(), 0);
            assert!(descriptor >= 0, "no file in main memory");
            File::from_raw_fd(descriptor)
        };
        file.write_all(content).expect("room for a few bytes");
        Self { path: format!("/proc/self/fd/{}", file.as_raw_fd()).into(), _file: file }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
