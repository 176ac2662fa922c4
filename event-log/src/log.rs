//! The writing end of the log, and where its readers come from.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    consumer::Consumer,
    error::{AppendError, LogError},
    record::{Appended, Extent, Partition},
};

/// A partitioned, durable, replayable sequence of records.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// How many partitions it has; they are numbered from 0.
    fn partitions(&self) -> u32;

    /// Appends `record` to `partition` and returns where it is once it is durable: written to disk and
    /// synced, or acknowledged by all in-sync replicas. A record has its place in its partition's order
    /// from the first poll on.
    ///
    /// # Errors
    /// See [`AppendError`]. After `Unavailable`, or when the future is dropped, the record may still
    /// turn out to be appended.
    async fn append(&self, partition: Partition, record: Bytes) -> Result<Appended, AppendError>;

    /// What `partition` holds now.
    ///
    /// # Errors
    /// When there is no such partition, or the log can't be asked.
    async fn extent(&self, partition: Partition) -> Result<Extent, LogError>;

    /// A new member of `group`. Its partitions come by [`Consumer::poll`].
    ///
    /// # Errors
    /// When the log can't be read, or can't have a group of that name: it should be 1 to 128 letters,
    /// digits, dots, dashes or underscores.
    async fn consumer(&self, group: &str) -> Result<Box<dyn Consumer>, LogError>;

    /// Why some or all records can't be appended until a person acts, with the remedy; for readiness.
    /// `None` while all is well, and while only a bound is reached.
    fn failing(&self) -> Option<String> {
        None
    }
}
