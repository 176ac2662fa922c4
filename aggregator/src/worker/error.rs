//! What ends a worker.

use event_log::{Extent, LogError, Offset, Partition};
use store::StoreError;

use super::intent::IntentError;

/// Why a worker can't go on. A restart may help where the text says so.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "partition {partition}: the store has records up to {applied}, the log ends at {end}: they don't belong together, use the data directories that do"
    )]
    LogBehindStore { partition: Partition, applied: u64, end: Offset },
    #[error(transparent)]
    Intent(#[from] IntentError),
    #[error(
        "partition {partition}: records [{start}, {end}) may be in the store in part, and the log now holds [{}, {}): it was cut, and the rest can't be told from what was counted", extent.start, extent.end
    )]
    IntentLost { partition: Partition, start: Offset, end: Offset, extent: Extent },
}

impl WorkerError {
    /// Whether the same may be possible later.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Log(LogError::Unavailable { .. }) | Self::Store(StoreError::Unavailable(_)))
    }
}
