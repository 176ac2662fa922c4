//! The worker: reads the log, folds, and writes to the store exactly once.
//!
//! The store keeps, in the same atomic batch as the rows, up to which offset of each partition they
//! go. A worker that takes a partition over asks the store where to go on, reads the ids of the records
//! before that for its duplicate filter, and folds what comes after. What it had folded and not written
//! when it died is simply folded again by the next.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use event_log::{Assignment, Committed, Consumer, EventLog, LogError, LogRecord, Offset, Partition, Polled};
use schemas::{
    app::App,
    record::{BeaconRecordView, MessageView},
    time::Timestamp,
};
use service::{
    clock::{Clock, Stopwatch},
    health::Part,
};
use store::{Batch, Source, Store, StoreError};
use tokio::time::Instant;

use crate::{
    config::Config,
    fold::{Duplicates, Fold},
    metrics,
};

/// The name under which aggregators share the log's partitions.
pub const GROUP: &str = "aggregator";
/// How often positions are committed to the log. The store's count; these only let retention go on.
const COMMIT_INTERVAL: Duration = Duration::from_secs(10);
/// How long to wait before a refused flush is tried again, at first and at the most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

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
    #[error("this store can't keep offsets beside its rows, and the log's protocol for that is not part of this version")]
    NoOffsets,
}

/// Folds the partitions that the log assigns to it.
pub struct Worker {
    log: Arc<dyn EventLog>,
    store: Arc<dyn Store>,
    apps: Vec<App>,
    config: Config,
    clock: Clock,
    health: Part,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What a worker has in hand: the fold, and where it stands in each of its partitions.
struct Hand {
    fold: Fold,
    partitions: BTreeMap<Partition, Place>,
    /// When the oldest record that is folded and not written was received.
    oldest: Option<Timestamp>,
}

struct Place {
    duplicates: Duplicates,
    /// Records before this are in the store.
    written: Offset,
    /// Records before this are folded; those before `written` only warmed the duplicate filter.
    next: Offset,
}

impl Worker {
    /// A worker on `log` and `store`.
    pub fn new(log: Arc<dyn EventLog>, store: Arc<dyn Store>, apps: Vec<App>, config: Config, clock: Clock, health: Part) -> Self {
        Self { log, store, apps, config, clock, health }
    }

    /// Works until `shutdown` resolves; then folds what the log still holds, writes it, and returns.
    ///
    /// # Errors
    /// When the log or the store fails for good.
    #[expect(clippy::disallowed_methods, reason = "a loop is paced by the runtime's clock")]
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), WorkerError> {
        let mut consumer = self.log.consumer(GROUP).await?;
        let mut hand = self.empty_hand();
        let mut next_flush = Instant::now() + self.config.flush_interval;
        let mut next_commit = Instant::now() + COMMIT_INTERVAL;
        let mut stopping = false;
        tokio::pin!(shutdown);
        loop {
            let wait = if stopping { Duration::ZERO } else { next_flush.saturating_duration_since(Instant::now()) };
            let polled = tokio::select! {
                biased;
                () = &mut shutdown, if !stopping => {
                    stopping = true;
                    continue;
                }
                polled = consumer.poll(wait) => polled?,
            };
            let idle = matches!(polled, Polled::Idle);
            match polled {
                Polled::Assigned(assignments) => self.assigned(&mut *consumer, &mut hand, &assignments).await?,
                Polled::Revoked(partitions) => self.revoked(&mut *consumer, &mut hand, &partitions).await?,
                Polled::Records { partition, records } => self.fold(&mut hand, partition, &records),
                Polled::Idle => {}
            }
            let full = hand.fold.cells() >= self.config.flush_cells_max;
            if full || Instant::now() >= next_flush || (stopping && idle) {
                self.flush(&mut hand).await?;
                next_flush = Instant::now() + self.config.flush_interval;
                self.watch(&hand).await;
            }
            if Instant::now() >= next_commit || (stopping && idle) {
                self.commit(&mut *consumer, &hand).await?;
                next_commit = Instant::now() + COMMIT_INTERVAL;
            }
            if stopping && idle {
                return Ok(());
            }
        }
    }

    fn empty_hand(&self) -> Hand {
        Hand { fold: Fold::new(&self.apps, self.config.limits.clone()), partitions: BTreeMap::new(), oldest: None }
    }

    /// Finds where to go on in new partitions.
    async fn assigned(&self, consumer: &mut dyn Consumer, hand: &mut Hand, assignments: &[Assignment]) -> Result<(), WorkerError> {
        let applied = self.store.applied().await?.ok_or(WorkerError::NoOffsets)?;
        for Assignment { partition, committed, extent } in assignments {
            let start = match applied.get(&partition.0) {
                Some(applied) if *applied > extent.end.0 => {
                    return Err(WorkerError::LogBehindStore { partition: *partition, applied: *applied, end: extent.end });
                }
                Some(applied) => Offset(*applied),
                None => committed.as_ref().map_or(extent.start, |committed| committed.offset),
            };
            if start < extent.start {
                tracing::error!(%partition, from = %start, to = %extent.start, "records were deleted before they were folded");
            }
            let written = start.max(extent.start);
            let warm_from = Offset(Duplicates::warm_from(self.config.duplicate_window, written.0)).max(extent.start);
            consumer.seek(*partition, warm_from).await?;
            tracing::info!(%partition, from = %written, "folding");
            hand.partitions
                .insert(*partition, Place { duplicates: Duplicates::new(self.config.duplicate_window), written, next: warm_from });
        }
        self.health.ready();
        Ok(())
    }

    /// Lets go of partitions. What is folded of all partitions is one: it is abandoned, and the ones
    /// that stay are folded again from what is written.
    async fn revoked(&self, consumer: &mut dyn Consumer, hand: &mut Hand, partitions: &[Partition]) -> Result<(), WorkerError> {
        let mut kept = std::mem::replace(hand, self.empty_hand()).partitions;
        for partition in partitions {
            kept.remove(partition);
            tracing::info!(%partition, "no longer folding");
        }
        let mut again = Vec::with_capacity(kept.len());
        for (partition, place) in kept {
            again.push(Assignment {
                partition,
                committed: Some(Committed { offset: place.written, metadata: String::new() }),
                extent: self.log.extent(partition).await?,
            });
        }
        self.assigned(consumer, hand, &again).await
    }

    /// Folds records of a partition.
    fn fold(&self, hand: &mut Hand, partition: Partition, records: &[LogRecord]) {
        let Some(place) = hand.partitions.get_mut(&partition) else { return };
        let (mut folded, mut undecodable) = (0u64, 0u64);
        let mut total = crate::fold::Outcome::default();
        for LogRecord { offset, bytes, .. } in records {
            place.next = Offset(offset.0 + 1);
            let record = match BeaconRecordView::decode_view(bytes) {
                Ok(record) => record,
                Err(error) => {
                    undecodable += u64::from(*offset >= place.written);
                    tracing::error!(%partition, %offset, %error, "a record can't be decoded: its events are lost");
                    continue;
                }
            };
            let repeated = place.duplicates.note(offset.0, record.app, record.beacon_id);
            if *offset < place.written {
                continue;
            }
            match hand.fold.add(&record, repeated) {
                Ok(outcome) => total += outcome,
                Err(error) => {
                    undecodable += 1;
                    tracing::error!(%partition, %offset, %error, "a record names no app: its events are lost");
                    continue;
                }
            }
            folded += 1;
            let received = Timestamp::from_ms(i64::try_from(record.received_ms).unwrap_or(i64::MAX));
            hand.oldest = Some(hand.oldest.map_or(received, |oldest| oldest.min(received)));
        }
        ::metrics::counter!(metrics::RECORDS).increment(folded);
        ::metrics::counter!(metrics::UNDECODABLE).increment(undecodable);
        for (fate, events) in
            [("rolled_up", total.rolled_up), ("too_late", total.too_late), ("duplicate", total.duplicate), ("unknown_unit", total.unknown)]
        {
            ::metrics::counter!(metrics::EVENTS, "fate" => fate).increment(events);
        }
    }

    /// Writes what is folded, with the offsets that it goes up to.
    async fn flush(&self, hand: &mut Hand) -> Result<(), WorkerError> {
        let progressed = |(partition, place): (&Partition, &Place)| {
            (place.next > place.written).then_some(Source { partition: partition.0, start: place.written.0, end: place.next.0 })
        };
        let sources: Vec<Source> = hand.partitions.iter().filter_map(progressed).collect();
        if sources.is_empty() {
            return Ok(());
        }
        let drained = hand.fold.drain();
        let rollups: usize = drained.rollups.iter().map(|group| group.cells.len()).sum();
        let watch = Stopwatch::start();
        self.write(Arc::new(Batch { sources, rollups: drained.rollups, fates: drained.fates })).await?;
        ::metrics::histogram!(metrics::FLUSH_SECONDS).record(watch.elapsed());
        ::metrics::counter!(metrics::ROLLUPS).increment(rollups as u64);
        ::metrics::gauge!(metrics::GROUPS).set(f64::from(u32::try_from(hand.fold.groups()).unwrap_or(u32::MAX)));
        if let Some(oldest) = hand.oldest.take() {
            ::metrics::histogram!(metrics::FRESHNESS_SECONDS).record(Timestamp::from_ms(self.clock.now_ms()).since(oldest));
        }
        for place in hand.partitions.values_mut() {
            place.written = place.written.max(place.next);
        }
        Ok(())
    }

    /// Sends one batch until the store has it. The same batch, because the store knows it again.
    async fn write(&self, batch: Arc<Batch>) -> Result<(), WorkerError> {
        let mut wait = RETRY_WAIT.0;
        loop {
            match self.store.write(Arc::clone(&batch)).await {
                Ok(()) => {
                    self.health.ready();
                    return Ok(());
                }
                Err(StoreError::Unavailable(why)) => {
                    tracing::warn!(why, "the store did not take a flush: trying again");
                    ::metrics::counter!(metrics::FLUSH_RETRIES).increment(1);
                    self.health.failing(why);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_WAIT.1);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells the log how far the store has come.
    async fn commit(&self, consumer: &mut dyn Consumer, hand: &Hand) -> Result<(), WorkerError> {
        let position =
            |(partition, place): (&Partition, &Place)| (*partition, Committed { offset: place.written, metadata: String::new() });
        let positions: Vec<_> = hand.partitions.iter().map(position).collect();
        match consumer.commit(&positions).await {
            // It was just taken away: the next poll says so.
            Ok(()) | Err(LogError::NotAssigned(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Measures how far behind the worker is.
    async fn watch(&self, hand: &Hand) {
        let mut lag = 0;
        for (partition, place) in &hand.partitions {
            if let Ok(extent) = self.log.extent(*partition).await {
                lag += extent.end.0.saturating_sub(place.written.0);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge of a count")]
        ::metrics::gauge!(metrics::LAG_RECORDS).set(lag as f64);
    }
}
