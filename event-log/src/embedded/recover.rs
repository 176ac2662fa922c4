//! What stands in the last segment of a partition when the log is opened.
//!
//! Each group of records was synced before the next was written, so that only the last group can be
//! torn: it is cut off, for nobody was told that it is durable. A broken frame with the beginning of
//! a later group behind it is not a torn tail but damage to durable records. It is left where it is,
//! for readers to find, and what comes behind it is kept.

use std::{fs::File, io, os::unix::fs::FileExt};

use bytes::Bytes;
use schemas::time::Timestamp;

use super::{
    frame::{self, Stop},
    segment::{HEADER_BYTES, Segment},
};

/// How much is read at once.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recovered {
    /// How many records the segment has, damaged ones included.
    pub records: u32,
    /// The file's length without the torn tail.
    pub bytes: u64,
    /// Where the last group begins; what comes before it had been synced.
    pub last_group: u64,
    /// When the last record was appended, of this segment or of those before.
    pub newest: Timestamp,
    /// Where durable records are damaged.
    pub damaged: Vec<u64>,
}

/// Reads `file`, which is `len` bytes long and is that of `segment`, whose index it builds.
pub(super) fn recover(file: &File, segment: &Segment, len: u64) -> io::Result<Recovered> {
    let start = HEADER_BYTES as u64;
    let mut found = Recovered { records: 0, bytes: start, last_group: start, newest: segment.before, damaged: Vec::new() };
    let mut want = CHUNK_BYTES;
    while found.bytes < len {
        let chunk = read(file, found.bytes, want.min(len - found.bytes))?;
        let at_chunk = found.bytes;
        let walked = frame::walk(&chunk, segment.base, found.records, |at, frame| {
            let position = at_chunk + at as u64;
            segment.note(frame.relative, position);
            if frame.begins_group {
                found.last_group = position;
            }
            found.newest = frame.appended;
        });
        found.bytes += walked.bytes as u64;
        found.records = walked.relative;
        match walked.stop {
            Stop::End => want = CHUNK_BYTES,
            Stop::Short { needed } if needed as u64 <= len - found.bytes => want = CHUNK_BYTES.max(needed as u64),
            Stop::Short { .. } | Stop::Damaged => match next_group(file, segment, found.bytes, found.records, len)? {
                Some((position, relative)) => {
                    found.damaged.push(found.bytes);
                    (found.bytes, found.records) = (position, relative);
                }
                None => break,
            },
        }
    }
    Ok(found)
}

/// The first group behind the damaged frame of relative offset `relative` at `position`, as its place
/// in the file and the relative offset of its first frame.
pub(super) fn next_group(file: &File, segment: &Segment, position: u64, relative: u32, len: u64) -> io::Result<Option<(u64, u32)>> {
    let rest = read(file, position, len - position)?;
    Ok(frame::find_group(&rest, segment.base, relative).map(|(at, relative)| (position + at as u64, relative)))
}

/// The `len` bytes at `position`.
pub(super) fn read(file: &File, position: u64, len: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(len).expect("segments have at most a gigabyte")];
    file.read_exact_at(&mut bytes, position)?;
    Ok(Bytes::from(bytes))
}
