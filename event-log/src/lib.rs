//! The log: records are appended to it durably, read in order, and read positions are committed.
//!
//! [`EventLog`] and [`Consumer`] are the edge that the other rooms see; each implementation stands
//! in a module of its own and passes the same suite. The log knows nothing of what a record holds:
//! the intake chose the partition, the aggregator decides what a position means.

use std::{fmt, time::Duration};

use async_trait::async_trait;
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

/// A record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    pub offset: Offset,
    /// When the log took it, by the log's clock.
    pub appended: Timestamp,
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

/// What a consumer gets from [`Consumer::poll`].
#[derive(Debug)]
pub enum Polled {
    /// These partitions are now this consumer's. It gets no record of one before it seeks in it.
    Assigned(Vec<Assignment>),
    /// These are no longer its own: nothing of them may be committed any more.
    Revoked(Vec<Partition>),
    /// The next records of a partition, in order, at least one.
    Records { partition: Partition, records: Vec<LogRecord> },
    /// Nothing came in the time given.
    Idle,
}

/// A partition given to a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub partition: Partition,
    /// What the group last committed; `None` if it never did.
    pub committed: Option<Committed>,
    pub extent: Extent,
}

/// Why a record was not appended. The caller may try again unless it is [`AppendError::TooLarge`].
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the record has {bytes} bytes, the log takes at most {max}")]
    TooLarge { bytes: usize, max: usize },
    /// The bound on disk space, or on records that wait, is reached.
    #[error("the log is full: {0}")]
    Full(String),
    /// It can't be written now. Whether the record will appear is not known.
    #[error("the log can't be written: {0}")]
    Unavailable(String),
    #[error("the log is closing")]
    Closed,
}

/// Why the log could not be opened, read or committed to.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{context}: {source}")]
    Io { context: String, source: std::io::Error },
    /// What stands on disk is not what was written; the remedy stands in the text.
    #[error("{0}")]
    Corrupt(String),
    /// The world doesn't fit the configuration; the remedy stands in the text.
    #[error("{0}")]
    Mismatch(String),
    /// The partition isn't this consumer's.
    #[error("partition {0} is not assigned to this consumer")]
    NotAssigned(Partition),
    #[error("offset {offset} of partition {partition} is outside [{}, {}]", extent.start, extent.end)]
    OutOfRange { partition: Partition, offset: Offset, extent: Extent },
    #[error("the log is closing")]
    Closed,
}

/// A partitioned, durable, replayable sequence of records.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// How many partitions it has; they are numbered from 0.
    fn partitions(&self) -> u32;

    /// Appends `record` to `partition` and returns its offset once it is durable: written to disk
    /// and synced, or acknowledged by all in-sync replicas.
    ///
    /// # Errors
    /// See [`AppendError`]. After `Unavailable` the record may still turn out to be appended.
    async fn append(&self, partition: Partition, record: Bytes) -> Result<Offset, AppendError>;

    /// What `partition` holds now.
    ///
    /// # Errors
    /// When there is no such partition, or the log can't be asked.
    async fn extent(&self, partition: Partition) -> Result<Extent, LogError>;

    /// A new member of `group`. Its partitions come by [`Consumer::poll`].
    ///
    /// # Errors
    /// When the log can't be read.
    async fn consumer(&self, group: &str) -> Result<Box<dyn Consumer>, LogError>;
}

/// A member of a consumer group: reads the partitions assigned to it and commits positions.
#[async_trait]
pub trait Consumer: Send {
    /// The next thing that happens, waiting at most `wait` for it.
    ///
    /// # Errors
    /// When the log can't be read; the consumer is of no more use then.
    async fn poll(&mut self, wait: Duration) -> Result<Polled, LogError>;

    /// Continues reading `partition` at `offset`, which lies in its extent or at its end.
    ///
    /// # Errors
    /// When the partition isn't assigned, or the offset outside its extent.
    async fn seek(&mut self, partition: Partition, offset: Offset) -> Result<(), LogError>;

    /// Makes the positions durable, all or none. A group's next member starts with them.
    ///
    /// # Errors
    /// When one of the partitions isn't assigned any more, or the log can't be written.
    async fn commit(&mut self, positions: &[(Partition, Committed)]) -> Result<(), LogError>;
}
