//! What can go wrong.

use crate::record::{Extent, Offset, Partition};

/// Why a record was not appended. The caller may try again unless it is [`AppendError::TooLarge`].
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the record has {bytes} bytes, the log takes at most {max}")]
    TooLarge { bytes: usize, max: usize },
    /// The bound on disk space, or on records that wait, is reached. The record is not in the log.
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
    /// It can't be reached. The same call may succeed later.
    #[error("{context}: {source}")]
    Unavailable { context: String, source: std::io::Error },
    /// What stands on disk is not what was written; the remedy stands in the text.
    #[error("{0}")]
    Corrupt(String),
    /// The world doesn't fit the configuration or the call; the remedy stands in the text.
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
