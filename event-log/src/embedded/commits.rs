//! The file that holds a group's positions: `groups/<group>.json`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    disk::Disk,
    note::{self, WriteError},
};
use crate::{
    error::LogError,
    record::{Committed, Offset},
};

/// What a group committed, by partition.
pub(super) type Positions = BTreeMap<u32, Committed>;

const GROUP_NAME_BYTES_MAX: usize = 128;

#[derive(Debug, Serialize, Deserialize)]
struct Commits {
    group: String,
    positions: Vec<Position>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Position {
    partition: u32,
    offset: u64,
    metadata: String,
}

/// Refuses names that can't be a file's.
pub(crate) fn check_name(group: &str) -> Result<(), LogError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if (1..=GROUP_NAME_BYTES_MAX).contains(&group.len()) && group.bytes().all(allowed) {
        return Ok(());
    }
    let what = "1 to 128 letters, digits, dots, dashes or underscores";
    Err(LogError::Mismatch(format!("`{group}` can't be a group's name: use {what}")))
}

/// Where the positions of `group` stand.
pub(super) fn path(dir: &Path, group: &str) -> PathBuf {
    dir.join(format!("{group}.json"))
}

/// Replaces the group's positions.
pub(super) fn write(disk: &dyn Disk, path: &Path, group: &str, positions: &Positions) -> Result<(), WriteError> {
    let positions = positions.iter().map(|(&partition, committed)| Position {
        partition,
        offset: committed.offset.0,
        metadata: committed.metadata.clone(),
    });
    note::write(disk, path, &Commits { group: group.to_owned(), positions: positions.collect() })
}

/// The positions of all groups in `dir`.
pub(super) fn read_all(dir: &Path) -> Result<BTreeMap<String, Positions>, LogError> {
    let context = || format!("{} can't be read", dir.display());
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut groups = BTreeMap::new();
    for path in entries.map_err(|source| LogError::Io { context: context(), source })?.iter().map(fs::DirEntry::path) {
        // Others are what a crash left of a commit that was not acknowledged.
        if path.extension().is_some_and(|extension| extension == "json") {
            let remedy = "restore it from a copy, or delete it so that the group begins at the oldest records again";
            if let Some(Commits { group, positions }) = note::read(&path, remedy)? {
                let positions = positions
                    .into_iter()
                    .map(|position| (position.partition, Committed { offset: Offset(position.offset), metadata: position.metadata }));
                groups.insert(group, positions.collect());
            }
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::{super::disk::SystemDisk, *};

    #[test]
    fn positions_of_all_groups_are_read_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let of = |offset, metadata: &str| Committed { offset: Offset(offset), metadata: metadata.into() };
        let groups = BTreeMap::from([
            ("aggregator".to_owned(), Positions::from([(0, of(u64::MAX, "i1:3-9 \"\n\u{1F600}")), (7, of(0, ""))])),
            ("x.y-z_1".to_owned(), Positions::from([(1, of(1, &"m".repeat(4_096)))])),
        ]);
        for (name, positions) in &groups {
            write(&SystemDisk, &path(dir.path(), name), name, positions).unwrap();
        }
        fs::write(dir.path().join("aggregator.tmp"), "half").unwrap();
        assert_eq!(read_all(dir.path()).unwrap(), groups);
    }

    #[test]
    fn names_that_reach_out_of_the_directory_are_refused() {
        for name in ["", "a/b", "../a", "a b", "ä", &"n".repeat(129)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name(&"n".repeat(128)).is_ok() && check_name("..").is_ok());
    }
}
