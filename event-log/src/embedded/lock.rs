//! The lock that makes a log's directory one process's own.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write,
    path::Path,
};

use crate::error::LogError;

/// Holds the directory until it is dropped, or the process dies.
#[derive(Debug)]
pub(super) struct DirLock(File);

impl DirLock {
    /// Takes the directory.
    ///
    /// # Errors
    /// When another process has it, or this one has already.
    pub(super) fn take(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join("lock");
        let failed = |source| LogError::Io { context: format!("{} can't be locked", path.display()), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                let holder = if holder.is_empty() { "another process".to_owned() } else { format!("process {}", holder.trim()) };
                let dir = dir.display();
                return Err(LogError::Mismatch(format!("{holder} has the log at {dir} open: stop it, or give this one another dir")));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // For people only: the lock holds without it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Closing the file is not enough while a child process that is just being started has a copy of
        // it. Should this fail, closing will do, a little later.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_given_up_is_free_even_if_a_child_has_a_copy_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::take(dir.path()).unwrap();
        // What a child has between fork and exec.
        let copy = lock.0.try_clone().unwrap();
        assert!(matches!(DirLock::take(dir.path()), Err(LogError::Mismatch(_))));
        drop(lock);
        DirLock::take(dir.path()).unwrap();
        drop(copy);
    }
}
