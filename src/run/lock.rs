//! One process at a time in a folder: a lock that the system gives back by itself when its holder dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{RunError, Unfinished, presence::is_absence, refuse_link, utc_now};
use crate::interrupt::Work;

/// Held as long as the value lives. The lock file itself stays; what matters is the system's lock on it, and its text
/// only tells others who holds it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of the existing `folder`, or says which process has it.
    pub fn take(folder: &Path) -> Result<Lock, RunError> {
        Self::attempt(folder)?.ok_or_else(|| in_use(folder))
    }

    /// Takes the lock of the existing `folder`; `Ok(None)`: another process has it.
    pub fn try_take(folder: &Path) -> Result<Option<Lock>, RunError> {
        Self::attempt(folder)
    }

    /// Takes the lock of the existing `folder`, waiting for another process to give it up and saying so.
    ///
    /// # Errors
    /// If the `work` that needs the lock is interrupted, or if the folder cannot be locked.
    pub fn wait(folder: &Path, work: &Work) -> Result<Lock, Unfinished> {
        let mut told = false;
        loop {
            work.check()?;
            if let Some(lock) = Self::attempt(folder)? {
                return Ok(lock);
            }
            if !told {
                tracing::info!("waiting for {}: in use by {}", folder.display(), holder(folder));
                told = true;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Whether a process holds the lock of `folder` at this moment.
    pub fn is_held(folder: &Path) -> bool {
        Self::look(folder) == Some(true)
    }

    /// Whether a process may hold the lock of `folder`: one that cannot be looked at, as in the folder of somebody else, may be
    /// held.
    pub fn may_be_held(folder: &Path) -> bool {
        Self::look(folder) != Some(false)
    }

    /// `None`: that cannot be known.
    fn look(folder: &Path) -> Option<bool> {
        match File::open(path_in(folder)) {
            Ok(file) => match file.try_lock() {
                Ok(()) => Some(false),
                Err(TryLockError::WouldBlock) => Some(true),
                Err(TryLockError::Error(_)) => None,
            },
            Err(error) => is_absence(error.kind()).then_some(false),
        }
    }

    /// Fails where [`take`](Self::take) would, and makes nothing. A `folder` that is not there is nobody's.
    pub fn check(folder: &Path) -> Result<(), RunError> {
        let path = path_in(folder);
        refuse_link(&path)?;
        let opened = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(&path);
        match opened {
            Ok(file) if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) => Err(in_use(folder)),
            Ok(_) => Ok(()),
            Err(error) if is_absence(error.kind()) => Ok(()),
            Err(error) => Err(RunError::write(&path, &error)),
        }
    }

    /// The same where "no" decides something: a lock that cannot be looked at is an error.
    pub fn is_known_to_be_held(folder: &Path) -> Result<bool, RunError> {
        let path = path_in(folder);
        match File::open(&path) {
            Ok(file) => Ok(matches!(file.try_lock(), Err(TryLockError::WouldBlock))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(RunError::read(&path, &error)),
        }
    }

    /// `Ok(None)`: another process has it.
    fn attempt(folder: &Path) -> Result<Option<Lock>, RunError> {
        let path = path_in(folder);
        refuse_link(&path)?;
        let mut options = OpenOptions::new();
        // Not truncated on opening: until the lock is ours, the text is another's.
        options.read(true).write(true).create(true).truncate(false).custom_flags(libc::O_NOFOLLOW);
        let opened = options.open(&path);
        let file = opened.map_err(|error| RunError::write(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => tracing::warn!(
                "this file system has no locks ({error}): make sure that no second process works in {}",
                folder.display()
            ),
        }
        let mut lock = Lock { file };
        lock.sign(&format!("process {} on {} since {}", std::process::id(), super::provenance::host(), utc_now()));
        Ok(Some(lock))
    }

    /// Best effort: the text only helps others to find us.
    fn sign(&mut self, text: &str) {
        let _ = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn in_use(folder: &Path) -> RunError {
    RunError::new(
        format!("{} is in use by {}", folder.display(), holder(folder)),
        "wait for it to end, or start anew beside it with --force",
    )
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join("lock")
}

fn holder(folder: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path_in(folder)).and_then(|file| file.take(200).read_to_string(&mut text));
    match read {
        Ok(_) if !text.is_empty() => text,
        _ => "another process".into(),
    }
}

/// Removes nothing and takes nothing: only whether locks work in `folder`, for `apd doctor`.
pub fn locks_work(folder: &Path) -> bool {
    let path = folder.join(format!(".lock-test-{}", std::process::id()));
    let works = File::create_new(&path).is_ok_and(|file| {
        let second = File::open(&path);
        file.try_lock().is_ok() && second.is_ok_and(|second| matches!(second.try_lock(), Err(TryLockError::WouldBlock)))
    });
    let _ = fs::remove_file(&path);
    works
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::{Interrupt, Stage};

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        assert!(Lock::is_held(folder.path()));
        let what = Lock::take(folder.path()).unwrap_err().what().to_string();
        let expected = format!(
            "{} is in use by process {} on {} since 2",
            folder.path().display(),
            std::process::id(),
            crate::run::provenance::host()
        );
        assert!(what.starts_with(&expected), "{what}");
        drop(first);
        assert!(!Lock::is_held(folder.path()));
        Lock::take(folder.path()).unwrap();
    }

    #[test]
    fn waiting_ends_when_the_holder_leaves_or_the_user_interrupts() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let leaving = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            drop(first);
        });
        let interrupt = Interrupt::never();
        let work = interrupt.of_work(Stage::Target, 0, 5, folder.path());
        drop(Lock::wait(folder.path(), &work).unwrap());
        leaving.join().unwrap();

        interrupt.request();
        assert!(matches!(Lock::wait(folder.path(), &work), Err(Unfinished::Interrupted(_))));
    }

    #[test]
    fn locks_can_be_tried_out() {
        let folder = tempfile::tempdir().unwrap();
        assert!(locks_work(folder.path()));
        assert!(!locks_work(&folder.path().join("missing")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
