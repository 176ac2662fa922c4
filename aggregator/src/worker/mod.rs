//! The worker: reads the log, folds, and writes to the store exactly once.
//!
//! Where the store keeps, in the same atomic batch as the rows, up to which offset of each partition they
//! go, a worker that takes a partition over asks the store where to go on. Where it can't, the log's
//! commit carries the position and the [`intent`] to write a range. In both cases the worker reads the ids
//! of the records before its position for the duplicate filter, and what was folded and not written when
//! another died is simply folded again.

mod intent;

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use event_log::{Assignment, Committed, Consumer, EventLog, Extent, LogError, LogRecord, Offset, Partition, Polled};
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

/// How old an intent may be when a batch is sent under it; an older one is committed anew first. Whoever was paused
/// for longer may have lost the partition, and the store may not know the batch again for ever.
const INTENT_AGE_MAX: Duration = Duration::from_secs(60);

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
    Intent(#[from] intent::IntentError),
    #[error(
        "partition {partition}: records [{start}, {end}) may be in the store in part, and the log now holds [{}, {}): it was cut, and the rest can't be told from what was counted", extent.start, extent.end
    )]
    IntentLost { partition: Partition, start: Offset, end: Offset, extent: Extent },
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

/// What a worker has in hand: where it stands in each of its partitions, and what it folded of them.
struct Hand {
    protocol: Protocol,
    /// One of all partitions, under `None`, or one of each.
    folds: BTreeMap<Option<Partition>, Folding>,
    /// When the log last took the positions with their intents: then all partitions were still owned.
    intended_at: Option<Instant>,
    partitions: BTreeMap<Partition, Place>,
}

/// How it is known up to which record the store has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// The store says so. A batch may be of several partitions.
    StoreOffsets,
    /// The log's commits say so; see [`intent`]. A batch is of one partition.
    Intents,
}

struct Folding {
    fold: Fold,
    /// When the oldest record that is folded and not written was received.
    oldest: Option<Timestamp>,
}

struct Place {
    duplicates: Duplicates,
    /// Records before this are in the store.
    written: Offset,
    /// Records before this are folded; those before `written` only warmed the duplicate filter.
    next: Offset,
    /// Of the records from `written` up to this some may be in the store: exactly they are the next batch.
    intended: Option<Offset>,
}

impl Place {
    /// Whether what is folded may be written: something is, and no part of a batch that is to be sent again.
    fn is_due(&self) -> bool {
        self.next > self.written && self.intended.is_none_or(|end| self.next == end)
    }

    /// How many of `records` may be folded before a batch has to be written.
    fn room(&self, records: &[LogRecord]) -> usize {
        self.intended.map_or(records.len(), |end| records.partition_point(|record| record.offset < end))
    }
}

impl Hand {
    /// Which fold a partition's records go into.
    fn key(&self, partition: Partition) -> Option<Partition> {
        (self.protocol == Protocol::Intents).then_some(partition)
    }

    fn cells(&self) -> usize {
        self.folds.values().map(|folding| folding.fold.cells()).sum()
    }
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
        let protocol = if self.store.applied().await?.is_some() { Protocol::StoreOffsets } else { Protocol::Intents };
        let mut hand = Hand { protocol, folds: BTreeMap::new(), intended_at: None, partitions: BTreeMap::new() };
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
                Polled::Records { partition, records } => self.take(&mut *consumer, &mut hand, partition, &records).await?,
                Polled::Idle => {}
            }
            let full = hand.cells() >= self.config.flush_cells_max;
            if full || Instant::now() >= next_flush || (stopping && idle) {
                self.flush(&mut *consumer, &mut hand).await?;
                next_flush = Instant::now() + self.config.flush_interval;
                self.watch(&hand).await;
            }
            if Instant::now() >= next_commit || (stopping && idle) {
                self.commit(&mut *consumer, &mut hand).await?;
                next_commit = Instant::now() + COMMIT_INTERVAL;
            }
            if stopping && idle {
                return Ok(());
            }
        }
    }

    /// Finds where to go on in new partitions.
    async fn assigned(&self, consumer: &mut dyn Consumer, hand: &mut Hand, assignments: &[Assignment]) -> Result<(), WorkerError> {
        let applied = self.store.applied().await?;
        for Assignment { partition, committed, extent } in assignments {
            let (start, intended) = match &applied {
                Some(applied) => (after_applied(*partition, applied.get(&partition.0), committed.as_ref(), extent)?, None),
                None => after_committed(*partition, committed.as_ref(), extent)?,
            };
            if start < extent.start {
                tracing::error!(%partition, from = %start, to = %extent.start, "records were deleted before they were folded");
            }
            let written = start.max(extent.start);
            let warm_from = Offset(Duplicates::warm_from(self.config.duplicate_window, written.0)).max(extent.start);
            match consumer.seek(*partition, warm_from).await {
                // It was just taken away: the next poll says so.
                Err(LogError::NotAssigned(_)) => continue,
                sought => sought?,
            }
            tracing::info!(%partition, from = %written, "folding");
            let key = hand.key(*partition);
            hand.folds.entry(key).or_insert_with(|| self.empty_fold());
            let duplicates = Duplicates::new(self.config.duplicate_window);
            hand.partitions.insert(*partition, Place { duplicates, written, next: warm_from, intended });
        }
        self.health.ready();
        Ok(())
    }

    fn empty_fold(&self) -> Folding {
        Folding { fold: Fold::new(&self.apps, self.config.limits.clone()), oldest: None }
    }

    /// Lets go of partitions. Where all partitions are folded together, what is folded is abandoned, and
    /// the ones that stay are folded again from what is written.
    async fn revoked(&self, consumer: &mut dyn Consumer, hand: &mut Hand, partitions: &[Partition]) -> Result<(), WorkerError> {
        for partition in partitions {
            hand.partitions.remove(partition);
            hand.folds.remove(&Some(*partition));
            tracing::info!(%partition, "no longer folding");
        }
        match hand.protocol {
            Protocol::StoreOffsets => self.fold_again(consumer, hand).await,
            Protocol::Intents => Ok(()),
        }
    }

    /// Abandons what is folded, and folds it again from what is written.
    async fn fold_again(&self, consumer: &mut dyn Consumer, hand: &mut Hand) -> Result<(), WorkerError> {
        hand.folds.clear();
        let mut again = Vec::with_capacity(hand.partitions.len());
        for (partition, place) in std::mem::take(&mut hand.partitions) {
            again.push(Assignment { partition, committed: Some(standing(&place)), extent: self.log.extent(partition).await? });
        }
        self.assigned(consumer, hand, &again).await
    }

    /// Folds records of a partition, and writes what has to be written in between.
    async fn take(
        &self,
        consumer: &mut dyn Consumer,
        hand: &mut Hand,
        partition: Partition,
        mut records: &[LogRecord],
    ) -> Result<(), WorkerError> {
        // After a flush that had to begin again the records come again, too.
        while let (Some(place), Some(first)) = (hand.partitions.get(&partition), records.first())
            && place.next == first.offset
        {
            let (now, later) = records.split_at(place.room(records));
            self.fold(hand, partition, now);
            records = later;
            if hand.partitions.get(&partition).is_some_and(|place| place.intended == Some(place.next)) {
                self.flush(consumer, hand).await?;
            }
        }
        Ok(())
    }

    /// Folds records of a partition.
    fn fold(&self, hand: &mut Hand, partition: Partition, records: &[LogRecord]) {
        let key = hand.key(partition);
        let (Some(place), Some(folding)) = (hand.partitions.get_mut(&partition), hand.folds.get_mut(&key)) else { return };
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
            match folding.fold.add(&record, repeated) {
                Ok(outcome) => total += outcome,
                Err(error) => {
                    undecodable += 1;
                    tracing::error!(%partition, %offset, %error, "a record names no app: its events are lost");
                    continue;
                }
            }
            folded += 1;
            let received = Timestamp::from_ms(i64::try_from(record.received_ms).unwrap_or(i64::MAX));
            folding.oldest = Some(folding.oldest.map_or(received, |oldest| oldest.min(received)));
        }
        ::metrics::counter!(metrics::RECORDS).increment(folded);
        ::metrics::counter!(metrics::UNDECODABLE).increment(undecodable);
        for (fate, events) in
            [("rolled_up", total.rolled_up), ("too_late", total.too_late), ("duplicate", total.duplicate), ("unknown_unit", total.unknown)]
        {
            ::metrics::counter!(metrics::EVENTS, "fate" => fate).increment(events);
        }
    }

    /// Writes what is folded and due.
    async fn flush(&self, consumer: &mut dyn Consumer, hand: &mut Hand) -> Result<(), WorkerError> {
        let mut due: BTreeMap<Option<Partition>, Vec<Source>> = BTreeMap::new();
        for (partition, place) in hand.partitions.iter().filter(|(_, place)| place.is_due()) {
            let source = Source { partition: partition.0, start: place.written.0, end: place.next.0 };
            due.entry(hand.key(*partition)).or_default().push(source);
        }
        if due.is_empty() {
            return Ok(());
        }
        // Before this worker has an intent of its own: one that stands is of a partition's last owner.
        let replays: Vec<_> =
            hand.partitions.iter().filter(|(_, place)| place.intended.is_some()).map(|(partition, _)| partition.0).collect();
        if hand.protocol == Protocol::Intents && !self.intend(consumer, hand).await? {
            return self.fold_again(consumer, hand).await;
        }
        let watch = Stopwatch::start();
        for (key, sources) in due {
            let Some(folding) = hand.folds.get_mut(&key) else { continue };
            let drained = folding.fold.drain();
            let rollups: usize = drained.rollups.iter().map(|group| group.cells.len()).sum();
            let oldest = folding.oldest.take();
            let replay = sources.iter().any(|source| replays.contains(&source.partition));
            let batch = Arc::new(Batch { sources, rollups: drained.rollups, fates: drained.fates, replay });
            if !self.write(consumer, hand, Arc::clone(&batch)).await? {
                return self.fold_again(consumer, hand).await;
            }
            ::metrics::counter!(metrics::ROLLUPS).increment(rollups as u64);
            if let Some(oldest) = oldest {
                ::metrics::histogram!(metrics::FRESHNESS_SECONDS).record(Timestamp::from_ms(self.clock.now_ms()).since(oldest));
            }
            for source in &batch.sources {
                if let Some(place) = hand.partitions.get_mut(&Partition(source.partition)) {
                    (place.written, place.intended) = (Offset(source.end), None);
                }
            }
        }
        ::metrics::histogram!(metrics::FLUSH_SECONDS).record(watch.elapsed());
        let groups: usize = hand.folds.values().map(|folding| folding.fold.groups()).sum();
        ::metrics::gauge!(metrics::GROUPS).set(f64::from(u32::try_from(groups).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// Commits what is about to be written. Only who still owns all partitions can: `false` when one was
    /// taken away.
    async fn intend(&self, consumer: &mut dyn Consumer, hand: &mut Hand) -> Result<bool, WorkerError> {
        let position = |(partition, place): (&Partition, &Place)| {
            let committed = if place.is_due() { intent::before(place.written, place.next) } else { standing(place) };
            (*partition, committed)
        };
        let positions: Vec<_> = hand.partitions.iter().map(position).collect();
        match consumer.commit(&positions).await {
            Ok(()) => {
                for place in hand.partitions.values_mut().filter(|place| place.is_due()) {
                    place.intended = Some(place.next);
                }
                hand.intended_at = Some(now());
                Ok(true)
            }
            Err(LogError::NotAssigned(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends one batch until the store has it. The same batch, because the store knows it again. `false`
    /// when a partition was taken away meanwhile: its next owner sends what is missing.
    async fn write(&self, consumer: &mut dyn Consumer, hand: &mut Hand, mut batch: Arc<Batch>) -> Result<bool, WorkerError> {
        let mut wait = RETRY_WAIT.0;
        loop {
            let old = hand.intended_at.is_none_or(|at| at.elapsed() > INTENT_AGE_MAX);
            if hand.protocol == Protocol::Intents && old && !self.commit(consumer, hand).await? {
                return Ok(false);
            }
            match self.store.write(Arc::clone(&batch)).await {
                Ok(()) => {
                    self.health.ready();
                    return Ok(true);
                }
                Err(StoreError::Unavailable(why)) => {
                    tracing::warn!(why, "the store did not take a flush: trying again");
                    ::metrics::counter!(metrics::FLUSH_RETRIES).increment(1);
                    self.health.failing(why);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_WAIT.1);
                    // Whoever lost the partition meanwhile must not send any more: the intent is committed anew.
                    if hand.protocol == Protocol::Intents && !self.commit(consumer, hand).await? {
                        return Ok(false);
                    }
                    Arc::make_mut(&mut batch).replay = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells the log how far the store has come; `false` when a partition was just taken away, which the
    /// next poll says.
    async fn commit(&self, consumer: &mut dyn Consumer, hand: &mut Hand) -> Result<bool, WorkerError> {
        let positions: Vec<_> = hand.partitions.iter().map(|(partition, place)| (*partition, standing(place))).collect();
        match consumer.commit(&positions).await {
            Ok(()) => {
                hand.intended_at = Some(now());
                Ok(true)
            }
            Err(LogError::NotAssigned(_)) => Ok(false),
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

#[expect(clippy::disallowed_methods, reason = "a bound on how old an intent is when it is acted on")]
fn now() -> Instant {
    Instant::now()
}

/// The position of a place, with the intent that stands.
fn standing(place: &Place) -> Committed {
    place.intended.map_or_else(|| intent::after(place.written), |end| intent::before(place.written, end))
}

/// Where to go on by what the group committed, and up to where records may be in the store in part.
fn after_committed(partition: Partition, committed: Option<&Committed>, extent: &Extent) -> Result<(Offset, Option<Offset>), WorkerError> {
    let Some(committed) = committed else { return Ok((extent.start, None)) };
    let intended = intent::end_of(committed)?;
    match intended {
        Some(end) if committed.offset < extent.start || end > extent.end => {
            Err(WorkerError::IntentLost { partition, start: committed.offset, end, extent: *extent })
        }
        intended => Ok((committed.offset, intended)),
    }
}

/// Where to go on by what the store says.
fn after_applied(
    partition: Partition,
    applied: Option<&u64>,
    committed: Option<&Committed>,
    extent: &Extent,
) -> Result<Offset, WorkerError> {
    match applied {
        Some(applied) if *applied > extent.end.0 => Err(WorkerError::LogBehindStore { partition, applied: *applied, end: extent.end }),
        Some(applied) => Ok(Offset(*applied)),
        None => Ok(committed.map_or(extent.start, |committed| committed.offset)),
    }
}
