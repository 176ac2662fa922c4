//! The reading end of the log.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    error::LogError,
    record::{Committed, Extent, LogRecord, Offset, Partition},
};

/// What a consumer gets from [`Consumer::poll`].
#[derive(Debug)]
pub enum Polled {
    /// These partitions are now this consumer's. It gets no record of one before it seeks in it.
    Assigned(Vec<Assignment>),
    /// These are no longer its own: nothing of them may be committed any more. A partition that went
    /// away and came back is revoked first and then assigned anew.
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

/// A member of a consumer group: reads the partitions assigned to it and commits positions. When it
/// is dropped, its partitions go to the members that are left.
#[async_trait]
pub trait Consumer: Send {
    /// The next thing that happens, waiting at most `wait` for it. Dropping the future loses nothing:
    /// the next call goes on where the last finished one ended.
    ///
    /// # Errors
    /// When the log can't be read; the consumer is of no more use then. After
    /// [`LogError::OutOfRange`] (what it was to read next is deleted) and [`LogError::Corrupt`] it can
    /// go on behind the gap, by a [`seek`](Self::seek).
    async fn poll(&mut self, wait: Duration) -> Result<Polled, LogError>;

    /// Continues reading `partition` at `offset`, which lies in its extent or at its end.
    ///
    /// # Errors
    /// When the partition isn't assigned, or the offset outside its extent.
    async fn seek(&mut self, partition: Partition, offset: Offset) -> Result<(), LogError>;

    /// Makes the positions durable, all or none. A group's next member starts with them.
    ///
    /// # Errors
    /// When one of the partitions isn't assigned any more, a note is longer than
    /// [`METADATA_BYTES_MAX`](crate::METADATA_BYTES_MAX), or the log can't be written. In the last
    /// case it is not known whether the positions will be found after a restart.
    async fn commit(&mut self, positions: &[(Partition, Committed)]) -> Result<(), LogError>;
}
