//! Deleting old records: whole segments, by age and by size, but none that a group still needs.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use schemas::time::Timestamp;

use super::{core::Core, partition::PartitionLog, segment::Segment};
use crate::{
    error::LogError,
    metrics::{DeletedBy, Teller},
    record::Partition,
};

/// The disk space that segments take.
#[derive(Debug, Default)]
pub(super) struct Space {
    bytes: AtomicU64,
    /// Held by who deletes segments.
    deleting: Mutex<()>,
}

/// What retention deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deleted {
    pub segments: u64,
    pub records: u64,
    pub bytes: u64,
}

/// A segment that may be deleted.
#[derive(Debug)]
struct Candidate<'a> {
    partition: &'a PartitionLog,
    segment: Arc<Segment>,
    end: u64,
    /// When its last record was appended.
    newest: Timestamp,
}

/// Up to where a partition's records may be deleted, and who needs the others.
#[derive(Debug)]
struct Floor {
    offset: u64,
    group: String,
    done: u64,
}

impl Core {
    /// The disk space that segments take.
    pub(super) fn bytes(&self) -> u64 {
        self.space.bytes.load(Ordering::Acquire)
    }

    /// Takes `bytes` of the space allowed, deleting what nobody needs where it must.
    ///
    /// # Errors
    /// When nothing may be deleted: why, and the remedy.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), String> {
        if self.take(bytes) {
            return Ok(());
        }
        let _alone = self.space.deleting.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.take(bytes) {
            let candidate = self.oldest().ok_or_else(|| self.why_full())?;
            self.delete(&candidate, DeletedBy::Size).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn take(&self, bytes: u64) -> bool {
        let within = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.config.retention_bytes);
        let taken = self.space.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, within);
        self.config.teller.disk_bytes(self.bytes());
        taken.is_ok()
    }

    /// Counts `bytes` that are there, whatever is allowed.
    pub(super) fn add(&self, bytes: u64) {
        self.space.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.config.teller.disk_bytes(self.bytes());
    }

    /// Gives `bytes` back.
    pub(super) fn release(&self, bytes: u64) {
        self.space.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.config.teller.disk_bytes(self.bytes());
    }

    /// Deletes what is too old, and the oldest where there is too much. Waits for the disk.
    pub(super) fn retain(&self, now: Timestamp) -> Result<Deleted, LogError> {
        let _ours = self.ours()?;
        let older_than = now.minus(self.config.retention_age);
        self.seal_older_than(older_than);
        let _alone = self.space.deleting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut deleted = Deleted::default();
        for partition in &self.partitions {
            while let Some(candidate) = self.candidate(partition).filter(|candidate| candidate.newest < older_than) {
                deleted.add(self.delete(&candidate, DeletedBy::Age)?);
            }
        }
        while self.bytes() > self.config.retention_bytes {
            let Some(candidate) = self.oldest() else { break };
            deleted.add(self.delete(&candidate, DeletedBy::Size)?);
        }
        if deleted.segments > 0 {
            let Deleted { segments, records, bytes } = deleted;
            tracing::info!(segments, records, bytes, "old records were deleted");
        }
        Ok(deleted)
    }

    /// Closes the segments of partitions that nothing was appended to for so long, for what is being
    /// written can't be deleted.
    fn seal_older_than(&self, older_than: Timestamp) {
        let idle = |partition: &&Arc<PartitionLog>| {
            let end = partition.end();
            partition.newest() < older_than
                && end > partition.active().base
                && self.floor(partition.number).is_none_or(|floor| end <= floor.offset)
        };
        let answers: Vec<_> = self.partitions.iter().filter(idle).map(|partition| partition.queue.ask_to_seal(older_than)).collect();
        for answer in answers {
            // A writer that is gone or can't begin another segment leaves it to the next round.
            let _ = answer.recv();
        }
    }

    /// Of the segments that may be deleted, the one whose records are the oldest.
    fn oldest(&self) -> Option<Candidate<'_>> {
        self.partitions.iter().filter_map(|partition| self.candidate(partition)).min_by_key(|candidate| candidate.newest)
    }

    /// The oldest segment of `partition`, if it may be deleted.
    fn candidate<'a>(&self, partition: &'a PartitionLog) -> Option<Candidate<'a>> {
        let (segment, end, newest) = partition.oldest_sealed()?;
        let needed = self.floor(partition.number).is_some_and(|floor| end > floor.offset);
        (!needed).then_some(Candidate { partition, segment, end, newest })
    }

    /// `None` if no group ever committed anything.
    fn floor(&self, partition: Partition) -> Option<Floor> {
        let (done, group) = self.groups.hindmost(partition)?;
        Some(Floor { offset: done.saturating_sub(self.config.replay_margin), group, done })
    }

    fn delete(&self, candidate: &Candidate<'_>, by: DeletedBy) -> Result<Deleted, LogError> {
        let Candidate { partition, segment, end, .. } = candidate;
        let failed = |source| LogError::Io { context: format!("{} can't be deleted", segment.path.display()), source };
        partition.pop_oldest();
        if let Err(error) = self.disk.remove(&segment.path) {
            partition.put_back(Arc::clone(segment));
            return Err(failed(error));
        }
        let deleted = Deleted { segments: 1, records: end - segment.base, bytes: segment.durable_bytes() };
        self.release(deleted.bytes);
        self.config.teller.deleted(by, deleted.records);
        self.config.teller.start_offset(partition.number, *end);
        // One by one: after a crash no segment may be missing between two that are there.
        self.disk.sync_dir(&partition.dir).map_err(|error| {
            partition.fail(&format!("{} can't be synced: {error}", partition.dir.display()));
            failed(error)
        })?;
        Ok(deleted)
    }

    fn why_full(&self) -> String {
        let max = self.config.retention_bytes;
        if self.config.teller == Teller::Spool {
            return format!(
                "bytes_max = {max} of records wait in the spool for the log: bring the log back, or raise the spool's bytes_max"
            );
        }
        let oldest = self.partitions.iter().filter_map(|partition| Some((partition.oldest_sealed()?.2, partition.number))).min();
        let Some((partition, floor)) = oldest.and_then(|(_, partition)| Some((partition, self.floor(partition)?))) else {
            return format!("its files have retention_bytes = {max} and all of them are being written: raise retention_bytes");
        };
        let Floor { group, done, .. } = floor;
        let margin = self.config.replay_margin;
        format!(
            "its files have retention_bytes = {max} and none may be deleted: group {group} has come to offset {done} of partition {partition}, \
             and keeps {margin} records before it (replay_margin). Let it catch up, or raise retention_bytes; if the group is gone for \
             good, stop and delete groups/{group}.json"
        )
    }
}

impl Deleted {
    fn add(&mut self, more: Self) {
        self.segments += more.segments;
        self.records += more.records;
        self.bytes += more.bytes;
    }
}
