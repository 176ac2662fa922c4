//! A segment: a file with the records of a partition from one offset to another.
//!
//! `p00003/00000000000000262144.seg` begins with the record of offset 262,144 of partition 3. Its
//! header, before the first [frame](super::frame):
//!
//! | bytes    | field |
//! |----------|-------|
//! | 0..8     | `ICARUSLG` |
//! | 8..12    | version of the format: 1 |
//! | 12..16   | partition |
//! | 16..24   | base: the offset of the first record, as in the file's name |
//! | 24..32   | when it was begun |
//! | 32..40   | when the record before its first was appended; when it was begun if there is none |
//! | 40..44   | zero |
//! | 44..48   | CRC-32 (IEEE) of bytes 0..44 |
//!
//! All numbers are little-endian; times are in milliseconds since the Unix epoch.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use schemas::time::Timestamp;

use super::disk::Disk;
use crate::{
    error::LogError,
    record::{Offset, Partition},
};

/// The header's length, and so the place of the first frame.
pub(super) const HEADER_BYTES: usize = 48;
const CRC_AT: usize = HEADER_BYTES - 4;
const MAGIC: &[u8; 8] = b"ICARUSLG";
const VERSION: u32 = 1;
const EXTENSION: &str = "seg";
/// How far apart the index's entries are; a seek reads and passes over half of it on average.
pub(super) const INDEX_EVERY_BYTES: u64 = 256 << 10;

/// What a segment file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub partition: Partition,
    pub base: Offset,
    pub begun: Timestamp,
    /// When the last record before `base` was appended, or `begun`. No record before `base` is newer.
    pub before: Timestamp,
}

/// A segment file, as readers, the writer and retention share it.
#[derive(Debug)]
pub(super) struct Segment {
    pub base: u64,
    pub begun: Timestamp,
    pub before: Timestamp,
    pub path: PathBuf,
    /// The file's length up to which all is durable.
    durable_bytes: AtomicU64,
    /// The offset after its last record, once no more will come.
    sealed: OnceLock<u64>,
    index: Mutex<Vec<IndexEntry>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub relative: u32,
    /// The byte at which the frame begins.
    pub position: u32,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.partition.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.base.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.begun.as_ms().to_le_bytes());
        bytes[32..40].copy_from_slice(&self.before.as_ms().to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// What `bytes` say, which were read at the beginning of the file at `path`.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES], path: &Path) -> Result<Self, LogError> {
        let u32_at = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().expect("fields lie within the header"));
        let u64_at = |at: usize| u64::from_le_bytes(*bytes[at..].first_chunk().expect("fields lie within the header"));
        if &bytes[..8] != MAGIC || u32_at(CRC_AT) != crc32fast::hash(&bytes[..CRC_AT]) {
            return Err(LogError::Corrupt(format!("the header of {} is damaged: restore the file from a copy", path.display())));
        }
        if u32_at(8) != VERSION {
            return Err(LogError::Mismatch(format!(
                "{} has format {}, this version reads {VERSION}: use the version of icarus that wrote it, or a newer one",
                path.display(),
                u32_at(8)
            )));
        }
        let time_at = |at: usize| Timestamp::from_ms(u64_at(at).cast_signed());
        Ok(Self { partition: Partition(u32_at(12)), base: Offset(u64_at(16)), begun: time_at(24), before: time_at(32) })
    }
}

/// The name of the segment that begins at `base`.
pub(super) fn file_name(base: u64) -> String {
    format!("{base:020}.{EXTENSION}")
}

/// The base offset that a file's name tells, if it is a segment's.
pub(super) fn base_of(path: &Path) -> Option<u64> {
    let digits = path.file_stem()?.to_str()?;
    let ours = path.extension()? == EXTENSION && digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    ours.then(|| digits.parse().ok())?
}

/// Makes the file of an empty segment in `dir`, durably, in place of one that was never used.
pub(super) fn create(disk: &dyn Disk, dir: &Path, header: &Header) -> Result<(PathBuf, File), CreateError> {
    let path = dir.join(file_name(header.base.0));
    let file = match disk.create(&path).and_then(|file| disk.write(&path, &file, &header.encode(), 0).map(|()| file)) {
        Ok(file) => file,
        Err(error) => {
            // The next attempt overwrites it; it is only in the way of a full disk.
            let _ = disk.remove(&path);
            return Err(CreateError::NotWritten(path, error));
        }
    };
    match disk.sync(&path, &file).and_then(|()| disk.sync_dir(dir)) {
        Ok(()) => Ok((path, file)),
        Err(error) => Err(CreateError::NotSynced(path, error)),
    }
}

/// Why a segment was not begun.
#[derive(Debug)]
pub(super) enum CreateError {
    /// It can be tried again.
    NotWritten(PathBuf, io::Error),
    /// What the disk holds isn't known.
    NotSynced(PathBuf, io::Error),
}

impl From<CreateError> for LogError {
    fn from(error: CreateError) -> Self {
        let (CreateError::NotWritten(path, source) | CreateError::NotSynced(path, source)) = error;
        Self::Io { context: format!("{} can't be written", path.display()), source }
    }
}

impl Segment {
    /// A segment whose first `durable_bytes` are durable.
    pub(super) fn new(path: PathBuf, header: &Header, durable_bytes: u64) -> Self {
        Self {
            base: header.base.0,
            begun: header.begun,
            before: header.before,
            path,
            durable_bytes: AtomicU64::new(durable_bytes),
            sealed: OnceLock::new(),
            index: Mutex::default(),
        }
    }

    /// How many of its bytes may be read.
    pub(super) fn durable_bytes(&self) -> u64 {
        self.durable_bytes.load(Ordering::Acquire)
    }

    /// Lets readers see all up to `bytes`.
    pub(super) fn set_durable_bytes(&self, bytes: u64) {
        self.durable_bytes.store(bytes, Ordering::Release);
    }

    /// Says that `end` is the offset after its last record for good. What is durable is final then,
    /// so that who reads this before [`durable_bytes`](Self::durable_bytes) knows both.
    pub(super) fn seal(&self, end: u64) {
        let sealed = self.sealed.set(end);
        debug_assert!(sealed.is_ok(), "a segment is sealed once");
    }

    /// The offset after its last record, if no more will come.
    pub(super) fn sealed(&self) -> Option<u64> {
        self.sealed.get().copied()
    }

    /// Remembers where the frame of `relative` begins if the index has nothing near before it.
    pub(super) fn note(&self, relative: u32, position: u64) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if position >= frontier(&index) {
            let position = u32::try_from(position).expect("segments have at most a gigabyte");
            index.push(IndexEntry { relative, position });
        }
    }

    /// The position from which on the index would take another entry.
    pub(super) fn index_frontier(&self) -> u64 {
        frontier(&self.index.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A known frame at or before that of `relative`, not far before it where the index reaches.
    pub(super) fn nearest(&self, relative: u32) -> IndexEntry {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let after = index.partition_point(|entry| entry.relative <= relative);
        after.checked_sub(1).map_or(IndexEntry { relative: 0, position: HEADER_BYTES as u32 }, |last| index[last])
    }
}

fn frontier(index: &[IndexEntry]) -> u64 {
    index.last().map_or(HEADER_BYTES as u64, |last| u64::from(last.position)) + INDEX_EVERY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        partition: Partition(3),
        base: Offset(262_144),
        begun: Timestamp::from_ms(1_700_000_000_000),
        before: Timestamp::from_ms(-1),
    };

    #[test]
    fn a_header_is_read_as_written_and_any_flipped_bit_is_damage() {
        let bytes = HEADER.encode();
        assert_eq!(Header::decode(&bytes, Path::new("x")).unwrap(), HEADER);
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Header::decode(&flipped, Path::new("x")), Err(LogError::Corrupt(_))), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let mut bytes = HEADER.encode();
        bytes[8] = 2;
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert!(matches!(Header::decode(&bytes, Path::new("x")), Err(LogError::Mismatch(text)) if text.contains("format 2")));
    }

    #[test]
    fn the_base_stands_in_the_name_and_other_files_are_no_segments() {
        assert_eq!(base_of(Path::new(&file_name(262_144))), Some(262_144));
        assert_eq!(base_of(Path::new(&file_name(u64::MAX))), Some(u64::MAX));
        for other in ["1.seg", "00000000000000262144.tmp", "0000000000000026214x.seg", "00000000000000262144", "99999999999999999999.seg"] {
            assert_eq!(base_of(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn the_index_is_sparse_and_gives_the_nearest_entry_before() {
        let segment = Segment::new(PathBuf::new(), &HEADER, 0);
        let start = IndexEntry { relative: 0, position: HEADER_BYTES as u32 };
        assert_eq!(segment.nearest(5_000), start);
        for relative in 0..1_000 {
            segment.note(relative, HEADER_BYTES as u64 + u64::from(relative) * 1_024);
        }
        let second = IndexEntry { relative: 256, position: HEADER_BYTES as u32 + 256 * 1_024 };
        assert_eq!([segment.nearest(255), segment.nearest(256), segment.nearest(511)], [start, second, second]);
        assert_eq!(segment.nearest(u32::MAX).relative, 768);
    }
}
