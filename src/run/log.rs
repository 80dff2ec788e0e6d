//! The log of a run: what is said goes to the terminal and, once a run folder is open, into its `log.txt`.
//!
//! The lines come from a tracing layer that writes to [`Writer`]. What was said before the folder was open, such as the
//! device found, is kept and goes in first. A log is bounded: a full one becomes `log.old.txt`.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{RunError, refuse_link};

/// Bytes after which a log is put aside and begun anew.
const LARGEST: u64 = 8 << 20;
/// Bytes kept from before a folder was open.
const LARGEST_BEFORE: usize = 64 << 10;

static LOG: Mutex<State> = Mutex::new(State { before: Vec::new(), open: None });

struct State {
    before: Vec<u8>,
    open: Option<Open>,
}

struct Open {
    path: PathBuf,
    file: File,
    size: u64,
}

/// Writes to the log that is open, or keeps the text for the next one. A log that cannot be written never stops a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writer;

/// Lets the log go into the file at `path`, appended to what is there, until another run begins: what is said about how
/// the run ended belongs to it too.
pub fn attach(path: &Path) -> Result<(), RunError> {
    refuse_link(path)?;
    let mut open = Open::new(path).map_err(|error| RunError::write(path, &error))?;
    let mut state = state();
    let before = std::mem::take(&mut state.before);
    let _ = open.write(&before);
    state.open = Some(open);
    Ok(())
}

/// The log that is open, for telling the user where to look.
pub fn current() -> Option<PathBuf> {
    state().open.as_ref().map(|open| open.path.clone())
}

impl Write for Writer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let State { before, open } = &mut *state();
        match open {
            Some(open) => {
                let _ = open.write(text);
            }
            None if before.len() + text.len() <= LARGEST_BEFORE => before.extend_from_slice(text),
            None => {}
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Open {
    fn new(path: &Path) -> io::Result<Open> {
        let file = OpenOptions::new().append(true).create(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
        let size = file.metadata()?.len();
        Ok(Open { path: path.into(), file, size })
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.size + text.len() as u64 > LARGEST {
            std::fs::rename(&self.path, self.path.with_extension("old.txt"))?;
            *self = Open::new(&self.path)?;
        }
        self.file.write_all(text)?;
        self.size += text.len() as u64;
        Ok(())
    }
}

/// A panic elsewhere must not silence the log: its text is sound at every moment.
fn state() -> MutexGuard<'static, State> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        let mut log = Open::new(&path).unwrap();
        let line = [b'x'; 1 << 20];
        for _ in 0..20 {
            log.write(&line).unwrap();
        }
        let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
        assert_eq!((size("log.txt"), size("log.old.txt")), (4 << 20, LARGEST));
    }
}
