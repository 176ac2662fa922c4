//! How far a worker is behind its log: followed beside its work, so that one that stands still tells it, too.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use event_log::{EventLog, Offset, Partition};
use tokio::sync::Notify;

use super::hand::Hand;
use crate::metrics;

/// How long it may be, at least and at most, until the log's end is asked for again when nothing is flushed.
const PACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// See the module.
#[derive(Default)]
pub(super) struct Lag {
    standings: Mutex<BTreeMap<Partition, Standing>>,
    flushed: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// The records before this are in the store; all that the log has are not, if nothing is known.
    written: Option<Offset>,
    /// Where the log ended when it last told.
    end: Option<Offset>,
}

impl Lag {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes which partitions are the worker's own, and how far they are written.
    pub(super) fn note(&self, hand: &Hand) {
        let taken_up = hand.partitions.iter().map(|(partition, place)| (*partition, Some(place.written)));
        let awaited = hand.awaited.iter().map(|(partition, committed)| (*partition, committed.as_ref().map(|committed| committed.offset)));
        let mut standings = self.lock();
        let standing = |(partition, written)| {
            let end = standings.get(&partition).and_then(|standing| standing.end);
            (partition, Standing { written, end })
        };
        *standings = taken_up.chain(awaited).map(standing).collect();
    }

    /// Notes that a flush is over, after which people look.
    pub(super) fn flushed(&self, hand: &Hand) {
        self.note(hand);
        self.flushed.notify_one();
    }

    /// Where the log of a partition ended when it last told.
    pub(super) fn end(&self, partition: Partition) -> Option<Offset> {
        self.lock().get(&partition)?.end
    }

    /// Asks for the log's ends after each flush, and every `pace` or so if none comes.
    pub(super) async fn follow(&self, log: &dyn EventLog, pace: Duration) -> Infallible {
        let pace = pace.clamp(PACE.0, PACE.1);
        loop {
            let partitions: Vec<_> = self.lock().keys().copied().collect();
            for partition in partitions {
                // A log that is away ends where it last did.
                let Ok(extent) = log.extent(partition).await else { continue };
                if let Some(standing) = self.lock().get_mut(&partition) {
                    standing.end = Some(extent.end);
                    standing.written.get_or_insert(extent.start);
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "a gauge of a count")]
            ::metrics::gauge!(metrics::LAG_RECORDS).set(self.records() as f64);
            tokio::select! {
                () = tokio::time::sleep(pace) => {}
                () = self.flushed.notified() => {}
            }
        }
    }

    /// Records of its partitions that are not yet in the store.
    fn records(&self) -> u64 {
        let behind = |standing: &Standing| Some(standing.end?.0.saturating_sub(standing.written?.0));
        self.lock().values().filter_map(behind).sum()
    }
}
