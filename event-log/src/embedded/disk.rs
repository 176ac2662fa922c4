//! The file operations that change something, behind a trait, so that tests can make them fail and
//! can cut the power between any two.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

/// What changes files. The methods do what the system does; a test's disk replaces some of them.
/// Reading goes past it.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Makes an empty file that can be read and written, in place of what stands at `path`.
    ///
    /// # Errors
    /// As the system says, like all of these.
    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
    }

    /// Writes all of `bytes` at `position` of the file at `path`. Not durable before [`sync`](Self::sync).
    ///
    /// # Errors
    /// A part of the bytes may have been written then.
    fn write(&self, path: &Path, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        let _ = path;
        file.write_all_at(bytes, position)
    }

    /// Cuts the file at `path`.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, path: &Path, file: &File, len: u64) -> io::Result<()> {
        let _ = path;
        file.set_len(len)
    }

    /// Makes what was written to the file at `path` durable, and its length.
    ///
    /// # Errors
    /// What was written since the last success may be lost then, whatever a later call says.
    fn sync(&self, path: &Path, file: &File) -> io::Result<()> {
        let _ = path;
        file.sync_data()
    }

    /// Makes the names in `dir` durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    /// Makes a directory, with its parents, if there is none.
    ///
    /// # Errors
    /// As the system says.
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    /// Gives a file another name, in place of what has it.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// The system's disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {}
