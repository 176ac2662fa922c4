//! What a worker has in hand: where it stands in each of its partitions, and what it folded of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use event_log::{Committed, LogRecord, Offset, Partition};
use futures_util::future::{BoxFuture, Shared};
use schemas::time::Timestamp;
use store::{Batch, Source};
use tokio::time::Instant;

use super::intent;
use crate::fold::{self, Duplicates, Fold};

/// See the module.
pub(super) struct Hand {
    pub(super) protocol: Protocol,
    /// Resolves when the worker is asked to stop.
    pub(super) stop: Stop,
    /// One of all partitions, under `None`, or one of each.
    pub(super) folds: BTreeMap<Option<Partition>, Folding>,
    /// When the log last took the positions with their intents: then all partitions were still owned.
    pub(super) intended_at: Option<Instant>,
    pub(super) partitions: BTreeMap<Partition, Place>,
    /// The other partitions that are its own, with what the group committed: to be taken up.
    pub(super) awaited: BTreeMap<Partition, Option<Committed>>,
}

pub(super) type Stop = Shared<BoxFuture<'static, ()>>;

/// How it is known up to which record the store has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The store says so. A batch may be of several partitions.
    StoreOffsets,
    /// The log's commits say so; see [`intent`]. A batch is of one partition.
    Intents,
}

pub(super) struct Folding {
    pub(super) fold: Fold,
    /// When the oldest record that is folded and not written was received.
    pub(super) oldest: Option<Timestamp>,
}

/// What was folded, on its way to the store.
pub(super) struct Drained {
    pub(super) batch: Arc<Batch>,
    /// When the oldest of its records was received.
    pub(super) oldest: Option<Timestamp>,
}

impl Folding {
    pub(super) fn drain(&mut self, sources: Vec<Source>, replay: bool) -> Drained {
        let fold::Drained { rollups, fates, strata, samples } = self.fold.drain();
        let batch = Arc::new(Batch { sources, rollups, fates, strata, samples, replay });
        Drained { batch, oldest: self.oldest.take() }
    }
}

pub(super) struct Place {
    pub(super) duplicates: Duplicates,
    /// Records before this are in the store.
    pub(super) written: Offset,
    /// Records before this are folded; those before `written` only warmed the duplicate filter.
    pub(super) next: Offset,
    /// Where `next` was when it last moved, and when that was seen.
    pub(super) moved: (Offset, Instant),
    /// Of the records from `written` up to this some may be in the store: exactly they are the next batch.
    pub(super) intended: Option<Offset>,
}

impl Place {
    /// Whether what is folded may be written: something is, and no part of a batch that is to be sent again.
    pub(super) fn is_due(&self) -> bool {
        self.next > self.written && self.intended.is_none_or(|end| self.next == end)
    }

    /// Whether nothing came for long though the partition has more, up to `end`.
    pub(super) fn is_stalled(&mut self, end: Offset, now: Instant, patience: Duration) -> bool {
        if self.next >= end || self.next != self.moved.0 {
            self.moved = (self.next, now);
        }
        now.duration_since(self.moved.1) > patience
    }

    /// The position, with the intent that stands.
    pub(super) fn standing(&self) -> Committed {
        self.intended.map_or_else(|| intent::after(self.written), |end| intent::before(self.written, end))
    }

    /// How many of `records` may be folded before a batch has to be written.
    pub(super) fn room(&self, records: &[LogRecord]) -> usize {
        self.intended.map_or(records.len(), |end| records.partition_point(|record| record.offset < end))
    }
}

impl Hand {
    /// Which fold a partition's records go into.
    pub(super) fn key(&self, partition: Partition) -> Option<Partition> {
        (self.protocol == Protocol::Intents).then_some(partition)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.peek().is_some()
    }

    /// Waits for `duration`, or until the worker is asked to stop if it isn't yet.
    pub(super) async fn rest(&self, duration: Duration) {
        rest(&self.stop, duration).await;
    }

    /// The partitions that are no longer its own. Where all partitions are folded together, what is folded is
    /// abandoned, and the ones that stay are folded again from what is written.
    pub(super) fn revoked(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.partitions.remove(partition);
            self.awaited.remove(partition);
            self.folds.remove(&Some(*partition));
            tracing::info!(%partition, "no longer folding");
        }
        if self.protocol == Protocol::StoreOffsets {
            self.fold_again();
        }
    }

    /// Abandons what is folded of the partitions: they are to be sought anew.
    pub(super) fn seek_again(&mut self, partitions: &[Partition]) {
        if self.protocol == Protocol::StoreOffsets && !partitions.is_empty() {
            return self.fold_again();
        }
        for partition in partitions {
            self.folds.remove(&Some(*partition));
            if let Some(place) = self.partitions.remove(partition) {
                self.awaited.insert(*partition, Some(place.standing()));
            }
        }
    }

    /// Abandons what is folded: it is to be folded again from what is written.
    pub(super) fn fold_again(&mut self) {
        self.folds.clear();
        let places = std::mem::take(&mut self.partitions);
        self.awaited.extend(places.into_iter().map(|(partition, place)| (partition, Some(place.standing()))));
    }

    pub(super) fn cells(&self) -> usize {
        self.folds.values().map(|folding| folding.fold.cells()).sum()
    }
}

/// Waits for `duration`, or until `stop` resolves if it did not yet.
pub(super) async fn rest(stop: &Stop, duration: Duration) {
    let sleep = tokio::time::sleep(duration);
    if stop.peek().is_some() {
        return sleep.await;
    }
    tokio::select! {
        () = stop.clone() => {}
        () = sleep => {}
    }
}
