//! What an open log consists of, as its handle, its writers and its consumers share it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use super::{clock::Clock, disk::Disk, group::Groups, jobs::Permits, lock::DirLock, partition::PartitionLog, retention::Space};
use crate::{config::Config, error::LogError, record::Partition};

#[derive(Debug)]
pub(super) struct Core {
    pub config: Config,
    pub clock: Clock,
    pub disk: Arc<dyn Disk>,
    pub partitions: Vec<Arc<PartitionLog>>,
    pub groups: Groups,
    pub permits: Permits,
    pub space: Space,
    pub changes: Changes,
    /// The directory's lock, until the log is closed. Whoever changes a file outside of the writers'
    /// threads holds this for reading, so that nothing is changed after the lock is given up.
    pub lock: RwLock<Option<DirLock>>,
}

/// Proof that the directory is ours.
pub(super) type Ours<'a> = RwLockReadGuard<'a, Option<DirLock>>;

impl Core {
    /// The partition of that number.
    pub(super) fn partition(&self, number: Partition) -> Result<&Arc<PartitionLog>, LogError> {
        self.partitions.get(number.0 as usize).ok_or_else(|| LogError::Mismatch(self.no_such(number)))
    }

    pub(super) fn no_such(&self, number: Partition) -> String {
        format!("there is no partition {number}: the log has {}, numbered from 0", self.partitions.len())
    }

    /// Keeps the directory ours while the guard lives.
    ///
    /// # Errors
    /// When the log is closed.
    pub(super) fn ours(&self) -> Result<Ours<'_>, LogError> {
        let lock = self.lock.read().unwrap_or_else(PoisonError::into_inner);
        if lock.is_some() { Ok(lock) } else { Err(LogError::Closed) }
    }
}

/// Tells consumers that there is something new for one of them: records, another share of the
/// partitions, or the end.
#[derive(Debug, Clone)]
pub(super) struct Changes(watch::Sender<Change>);

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Change {
    count: u64,
    pub(super) closed: bool,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Change::default()))
    }

    pub(super) fn tell(&self) {
        self.0.send_modify(|change| change.count = change.count.wrapping_add(1));
    }

    pub(super) fn close(&self) {
        self.0.send_modify(|change| change.closed = true);
    }

    pub(super) fn closed(&self) -> bool {
        self.0.borrow().closed
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Change> {
        self.0.subscribe()
    }
}
