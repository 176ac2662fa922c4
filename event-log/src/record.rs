//! What stands in the log and where: partitions, offsets, records, committed positions.

use std::fmt;

use bytes::Bytes;
use schemas::time::Timestamp;

/// A part of the log that keeps its records in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// The place of a record in its partition, counted from 0 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a record is kept, now that it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// In the log, at this offset.
    At(Offset),
    /// On this machine's disk; it is sent on to the log, and has no offset before that.
    Spooled,
}

impl Appended {
    /// Its offset, if the log has it.
    pub const fn at(self) -> Option<Offset> {
        match self {
            Self::At(offset) => Some(offset),
            Self::Spooled => None,
        }
    }
}

/// A record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    pub offset: Offset,
    /// When the log took it, by the log's clock. In the embedded log it never goes back from one record
    /// to the next; brokers of Kafka may disagree.
    pub appended: Timestamp,
    /// What was appended. It may share memory with its neighbours (about a megabyte): copy what is
    /// kept for long.
    pub bytes: Bytes,
}

/// How far a group has come in one partition: everything before `offset` is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    pub offset: Offset,
    /// The group's own note, at most [`METADATA_BYTES_MAX`] long.
    pub metadata: String,
}

/// How long a commit's note may be (Kafka's `offset.metadata.max.bytes`).
pub const METADATA_BYTES_MAX: usize = 4_096;

/// The records that a partition holds: `[start, end)`. Older ones were deleted by retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub start: Offset,
    pub end: Offset,
}
