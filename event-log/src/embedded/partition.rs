//! A partition's state, as its writer, its readers and retention share it.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use schemas::time::Timestamp;

use super::{queue::Queue, segment::Segment};
use crate::{
    metrics,
    record::{Extent, Offset, Partition},
};

/// Its segments, how far they are durable, and what waits to be written.
#[derive(Debug)]
pub(super) struct PartitionLog {
    pub number: Partition,
    pub dir: PathBuf,
    pub queue: Queue,
    /// From the oldest to the one that is written; never empty.
    segments: Mutex<VecDeque<Arc<Segment>>>,
    /// The offset after the last durable record.
    end: AtomicU64,
    /// When the last record was appended, in milliseconds since the Unix epoch.
    newest: AtomicI64,
    /// Why it takes no records until the log is opened again.
    failed: OnceLock<String>,
}

impl PartitionLog {
    pub(super) fn new(
        number: Partition,
        dir: PathBuf,
        queue: Queue,
        segments: VecDeque<Arc<Segment>>,
        end: u64,
        newest: Timestamp,
    ) -> Self {
        debug_assert!(!segments.is_empty(), "a partition has a segment to write to");
        Self {
            number,
            dir,
            queue,
            segments: Mutex::new(segments),
            end: AtomicU64::new(end),
            newest: AtomicI64::new(newest.as_ms()),
            failed: OnceLock::new(),
        }
    }

    fn segments(&self) -> MutexGuard<'_, VecDeque<Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records it holds, as far as they are durable.
    pub(super) fn extent(&self) -> Extent {
        let start = self.segments().front().expect("a partition has a segment").base;
        Extent { start: Offset(start), end: Offset(self.end()) }
    }

    /// What its segment files take.
    pub(super) fn bytes(&self) -> u64 {
        self.segments().iter().map(|segment| segment.durable_bytes()).sum()
    }

    /// What the records from `offset` on take, and a little more.
    pub(super) fn bytes_from(&self, offset: u64) -> u64 {
        if offset >= self.end() {
            return 0;
        }
        let segments = self.segments();
        let first = segments.partition_point(|segment| segment.base <= offset).saturating_sub(1);
        let all: u64 = segments.iter().skip(first).map(|segment| segment.durable_bytes()).sum();
        let before = u32::try_from(offset.saturating_sub(segments[first].base)).map(|relative| segments[first].nearest(relative).position);
        all.saturating_sub(before.map_or(0, u64::from))
    }

    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn newest(&self) -> Timestamp {
        Timestamp::from_ms(self.newest.load(Ordering::Acquire))
    }

    /// Lets readers see all records before `end`; the segment knows already that they are durable.
    pub(super) fn set_end(&self, end: u64, newest: Timestamp) {
        self.newest.store(newest.as_ms(), Ordering::Release);
        self.end.store(end, Ordering::Release);
    }

    /// The segment that has `offset`, or will have it.
    pub(super) fn segment_of(&self, offset: u64) -> Option<Arc<Segment>> {
        let segments = self.segments();
        let after = segments.partition_point(|segment| segment.base <= offset);
        after.checked_sub(1).map(|at| Arc::clone(&segments[at]))
    }

    /// The segment that is written.
    pub(super) fn active(&self) -> Arc<Segment> {
        Arc::clone(self.segments().back().expect("a partition has a segment"))
    }

    /// Continues in `next`, which begins at the end of the active segment.
    pub(super) fn roll(&self, next: Arc<Segment>) {
        let mut segments = self.segments();
        segments.back().expect("a partition has a segment").seal(next.base);
        segments.push_back(next);
    }

    /// The oldest segment, its end and when its last record was appended; `None` if it is the one that is
    /// written.
    pub(super) fn oldest_sealed(&self) -> Option<(Arc<Segment>, u64, Timestamp)> {
        let segments = self.segments();
        let (oldest, next) = (segments.front()?, segments.get(1)?);
        Some((Arc::clone(oldest), next.base, next.before))
    }

    /// Takes the oldest segment out; its file is deleted next.
    pub(super) fn pop_oldest(&self) {
        let popped = self.segments().pop_front();
        debug_assert!(popped.is_some_and(|segment| segment.sealed().is_some()), "only sealed segments are deleted");
    }

    /// Puts back a segment whose file could not be deleted.
    pub(super) fn put_back(&self, oldest: Arc<Segment>) {
        self.segments().push_front(oldest);
    }

    /// Why it takes no records until the log is opened again.
    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    /// Says that it takes no records any more, and returns why.
    pub(super) fn fail(&self, why: &str) -> String {
        let first = self.failed.get_or_init(|| {
            let why = format!("partition {}: {why}; see to the disk, then restart", self.number);
            tracing::error!(partition = self.number.0, why, "the partition takes no records until a restart");
            metrics::failed_partition();
            why
        });
        // The first reason stays: the others follow from it.
        first.clone()
    }
}
