//! Small files that are replaced as a whole: a line of JSON, and a line with its checksum, so that a
//! damaged digit isn't taken for a position.

use std::{fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use super::disk::Disk;
use crate::error::LogError;

/// Puts `value` in place of what stands at `path`, whole or not at all, durably.
pub(super) fn write(disk: &dyn Disk, path: &Path, value: &impl Serialize) -> Result<(), WriteError> {
    let json = serde_json::to_string(value).map_err(|error| WriteError::Unchanged(error.into()))?;
    let text = format!("{json}\n{:08x}\n", crc32fast::hash(json.as_bytes()));
    let beside = path.with_extension("tmp");
    let prepared = disk.create(&beside).and_then(|file| {
        disk.write(&beside, &file, text.as_bytes(), 0)?;
        disk.sync(&beside, &file)
    });
    if let Err(error) = prepared.and_then(|()| disk.rename(&beside, path)) {
        // It would be overwritten by the next attempt; it is only in the way of a full disk.
        let _ = disk.remove(&beside);
        return Err(WriteError::Unchanged(error));
    }
    disk.sync_dir(path.parent().expect("notes stand in a directory")).map_err(WriteError::Unknown)
}

/// Why a note was not written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// What stood there still stands there.
    Unchanged(io::Error),
    /// Whether the old or the new one will be there after a crash isn't known.
    Unknown(io::Error),
}

impl WriteError {
    pub(super) fn into_log_error(self, path: &Path) -> LogError {
        let (Self::Unchanged(source) | Self::Unknown(source)) = self;
        LogError::Io { context: format!("{} can't be written", path.display()), source }
    }
}

/// What stands at `path`, `None` if nothing does.
pub(super) fn read<T: DeserializeOwned>(path: &Path, remedy: &str) -> Result<Option<T>, LogError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(damaged(path, remedy)),
        Err(source) => return Err(LogError::Io { context: format!("{} can't be read", path.display()), source }),
    };
    let value = text.strip_suffix('\n').and_then(|text| text.split_once('\n')).and_then(|(json, crc)| {
        let sound = crc == format!("{:08x}", crc32fast::hash(json.as_bytes()));
        sound.then(|| serde_json::from_str(json).ok())?
    });
    value.map(Some).ok_or_else(|| damaged(path, remedy))
}

fn damaged(path: &Path, remedy: &str) -> LogError {
    LogError::Corrupt(format!("{} is damaged: {remedy}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{super::disk::SystemDisk, *};

    #[test]
    fn what_is_written_is_read_and_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        assert_eq!(read::<Vec<u64>>(&path, "").unwrap(), None);
        for value in [vec![1_u64, 2, 3], vec![]] {
            write(&SystemDisk, &path, &value).unwrap();
            assert_eq!(read::<Vec<u64>>(&path, "").unwrap(), Some(value));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn any_changed_byte_is_damage_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write(&SystemDisk, &path, &[12_u64]).unwrap();
        let sound = fs::read(&path).unwrap();
        for at in 0..sound.len() {
            let mut changed = sound.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            let error = read::<Vec<u64>>(&path, "restore it").unwrap_err();
            assert!(matches!(&error, LogError::Corrupt(text) if text.ends_with("a.json is damaged: restore it")), "byte {at}: {error}");
        }
        fs::write(&path, &sound[..sound.len() - 1]).unwrap();
        assert!(read::<Vec<u64>>(&path, "").is_err());
    }
}
