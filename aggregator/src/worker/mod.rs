//! The worker: reads the log, folds, and writes to the store exactly once.
//!
//! Where the store keeps, in the same atomic batch as the rows, up to which offset of each partition they
//! go, a worker that takes a partition over asks the store where to go on. Where it can't, the log's
//! commit carries the position and the [`intent`] to write a range. In both cases the worker reads the ids
//! of the records before its position for the duplicate filter, and what was folded and not written when
//! another died is simply folded again.

mod error;
mod hand;
mod intent;
mod lag;

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use event_log::{Committed, Consumer, EventLog, Extent, LogError, LogRecord, Offset, Partition, Polled};
use futures_util::{FutureExt as _, future::join_all};
use schemas::{
    app::App,
    record::{BeaconRecordView, MessageView},
    time::Timestamp,
};
use service::{
    clock::{Clock, Stopwatch},
    health::Part,
};
use store::{Source, Store, StoreError};
use tokio::time::Instant;

pub use self::error::WorkerError;
use self::{
    hand::{Drained, Folding, Hand, Place, Protocol, Stop, rest},
    lag::Lag,
};
use crate::{
    config::Config,
    fold::{Duplicates, Fold, Seen},
    metrics,
};

/// The name under which aggregators share the log's partitions.
pub const GROUP: &str = "aggregator";
/// How often positions are committed to the log. The store's count; these only let retention go on.
const COMMIT_INTERVAL: Duration = Duration::from_secs(10);
/// How long to wait before something is tried again that the log or the store did not do, at first and at the most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a partition may have records that don't come before it is sought anew.
const STALL: Duration = Duration::from_secs(10);
/// How many partitions' batches are on their way to the store at once.
const WRITES_MAX: usize = 8;
/// How old an intent may be when a batch is sent under it; an older one is committed anew first. Whoever was paused
/// for longer may have lost the partition, and the store may not know the batch again for ever.
const INTENT_AGE_MAX: Duration = Duration::from_secs(60);
/// How often a refused flush is tried again by a worker that is asked to stop; what it could not write then
/// is folded again by the next.
const TRIES_AT_END: u32 = 5;

/// What a worker that is asked to stop does with what the log still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtEnd {
    /// Folds it: nobody appends any more, and nobody else would.
    Drain,
    /// Leaves it to the other workers, or to the next one.
    Leave,
}

/// Folds the partitions that the log assigns to it.
pub struct Worker {
    log: Arc<dyn EventLog>,
    store: Arc<dyn Store>,
    apps: Vec<App>,
    config: Config,
    clock: Clock,
    health: Part,
    at_end: AtEnd,
    lag: Lag,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What a step of the worker came to.
enum Step {
    Polled {
        flushed: bool,
        committed: bool,
    },
    /// It was asked to stop, and nothing is left to do.
    Ended,
}

impl Worker {
    /// A worker on `log` and `store`.
    pub fn new(log: Arc<dyn EventLog>, store: Arc<dyn Store>, apps: Vec<App>, config: Config, clock: Clock, health: Part) -> Self {
        Self { log, store, apps, config, clock, health, at_end: AtEnd::Drain, lag: Lag::default() }
    }

    /// The same, with what it does when it is asked to stop; it drains if nothing is said.
    #[must_use]
    pub fn at_end(self, at_end: AtEnd) -> Self {
        Self { at_end, ..self }
    }

    /// Works until `shutdown` resolves; then writes what is folded, and what it has to do [at its end](AtEnd).
    /// While the log or the store can't be reached it tries again.
    ///
    /// # Errors
    /// When the log or the store fails for good, and when neither could be reached at the end.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), WorkerError> {
        tokio::select! {
            ended = self.work(shutdown.boxed().shared()) => ended,
            never = self.lag.follow(&*self.log, self.config.flush_interval) => match never {},
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a loop is paced by the runtime's clock")]
    async fn work(&self, stop: Stop) -> Result<(), WorkerError> {
        let mut consumer = self.log.consumer(GROUP).await?;
        let protocol = self.protocol(stop.clone()).await?;
        let mut hand =
            Hand { protocol, stop, folds: BTreeMap::new(), intended_at: None, partitions: BTreeMap::new(), awaited: BTreeMap::new() };
        let mut next_flush = Instant::now() + self.config.flush_interval;
        let mut next_commit = Instant::now() + COMMIT_INTERVAL;
        let mut wait = RETRY_WAIT.0;
        loop {
            let step = self.step(&mut *consumer, &mut hand, next_flush, next_commit).await;
            match step {
                Ok(Step::Ended) => return Ok(()),
                Ok(Step::Polled { flushed, committed }) => {
                    next_flush = if flushed { Instant::now() + self.config.flush_interval } else { next_flush };
                    next_commit = if committed { Instant::now() + COMMIT_INTERVAL } else { next_commit };
                    wait = RETRY_WAIT.0;
                }
                Err(error) if error.is_passing() && !hand.is_stopping() => {
                    tracing::warn!(%error, "folding is interrupted: beginning again at what is written");
                    self.health.failing(error.to_string());
                    hand.fold_again();
                    self.lag.note(&hand);
                    hand.rest(wait).await;
                    wait = (wait * 2).min(RETRY_WAIT.1);
                }
                Err(error) => return Err(error),
            }
            self.lag.note(&hand);
        }
    }

    /// How positions are kept, once the store says it.
    async fn protocol(&self, stop: Stop) -> Result<Protocol, WorkerError> {
        let mut wait = RETRY_WAIT.0;
        loop {
            match self.store.applied().await {
                Ok(applied) => return Ok(if applied.is_some() { Protocol::StoreOffsets } else { Protocol::Intents }),
                Err(StoreError::Unavailable(why)) if stop.peek().is_none() => {
                    tracing::warn!(why, "the store doesn't answer: asking again");
                    self.health.failing(why);
                    rest(&stop, wait).await;
                    wait = (wait * 2).min(RETRY_WAIT.1);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes what comes from the log, and writes what is due.
    #[expect(clippy::disallowed_methods, reason = "a loop is paced by the runtime's clock")]
    async fn step(
        &self,
        consumer: &mut dyn Consumer,
        hand: &mut Hand,
        next_flush: Instant,
        next_commit: Instant,
    ) -> Result<Step, WorkerError> {
        self.take_up(consumer, hand).await?;
        let stopping = hand.is_stopping();
        let wait = if stopping { Duration::ZERO } else { next_flush.saturating_duration_since(Instant::now()) };
        let leaving = stopping && self.at_end == AtEnd::Leave;
        let polled = if leaving {
            Polled::Idle
        } else {
            let stop = hand.stop.clone();
            tokio::select! {
                biased;
                () = stop, if !stopping => return Ok(Step::Polled { flushed: false, committed: false }),
                polled = consumer.poll(wait) => polled?,
            }
        };
        let ending = stopping && matches!(polled, Polled::Idle);
        match polled {
            Polled::Assigned(assignments) => {
                hand.awaited.extend(assignments.into_iter().map(|assignment| (assignment.partition, assignment.committed)));
                self.take_up(consumer, hand).await?;
            }
            Polled::Revoked(partitions) => hand.revoked(&partitions),
            Polled::Records { partition, records } => self.take(consumer, hand, partition, &records).await?,
            Polled::Idle => {}
        }
        let flushed = ending || hand.cells() >= self.config.flush_cells_max || Instant::now() >= next_flush;
        if flushed {
            self.flush(consumer, hand).await?;
            self.seek_stalled(hand);
            self.lag.flushed(hand);
        }
        let committed = ending || Instant::now() >= next_commit;
        if committed {
            self.commit(consumer, hand).await?;
        }
        Ok(if ending { Step::Ended } else { Step::Polled { flushed, committed } })
    }

    /// Finds where to go on in partitions that are new, or that are to be folded again.
    async fn take_up(&self, consumer: &mut dyn Consumer, hand: &mut Hand) -> Result<(), WorkerError> {
        if hand.awaited.is_empty() {
            return Ok(());
        }
        let applied = self.store.applied().await?;
        while let Some((&partition, committed)) = hand.awaited.first_key_value() {
            let extent = self.log.extent(partition).await?;
            let (start, intended) = match &applied {
                Some(applied) => (after_applied(partition, applied.get(&partition.0), committed.as_ref(), &extent)?, None),
                None => after_committed(partition, committed.as_ref(), &extent)?,
            };
            if start < extent.start {
                tracing::error!(%partition, from = %start, to = %extent.start, "records were deleted before they were folded");
            }
            let written = start.max(extent.start);
            let warm_from = Offset(Duplicates::warm_from(self.config.duplicate_window, written.0)).max(extent.start);
            match consumer.seek(partition, warm_from).await {
                // It was just taken away: the next poll says so.
                Err(LogError::NotAssigned(_)) => {
                    hand.awaited.remove(&partition);
                    continue;
                }
                sought => sought?,
            }
            tracing::info!(%partition, from = %written, "folding");
            hand.awaited.remove(&partition);
            let key = hand.key(partition);
            hand.folds.entry(key).or_insert_with(|| self.empty_fold());
            let duplicates = Duplicates::new(self.config.duplicate_window);
            hand.partitions.insert(partition, Place { duplicates, written, next: warm_from, moved: (warm_from, now()), intended });
        }
        self.health.ready();
        Ok(())
    }

    fn empty_fold(&self) -> Folding {
        Folding { fold: Fold::new(&self.apps, self.config.limits.clone()), oldest: None }
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
        let (mut folded, mut twice, mut undecodable) = (0u64, 0u64, 0u64);
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
            let seen = place.duplicates.note(offset.0, record.app, record.beacon_id, record.arrival);
            if *offset < place.written {
                continue;
            }
            if seen == Seen::Record {
                twice += 1;
                continue;
            }
            match folding.fold.add(&record, seen == Seen::Beacon) {
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
        ::metrics::counter!(metrics::TWICE).increment(twice);
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
        let watch = Stopwatch::start();
        if hand.protocol == Protocol::Intents && !self.intend(consumer, hand).await? {
            hand.fold_again();
            return Ok(());
        }
        let drained = |(key, sources): (_, Vec<Source>)| {
            let replay = sources.iter().any(|source| replays.contains(&source.partition));
            Some(hand.folds.get_mut(&key)?.drain(sources, replay))
        };
        let batches = due.into_iter().filter_map(drained).collect();
        if !self.write(consumer, hand, batches).await? {
            hand.fold_again();
            return Ok(());
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
            let committed = if place.is_due() { intent::before(place.written, place.next) } else { place.standing() };
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

    /// Sends batches until the store has them. The same batches, because the store knows them again. `false`
    /// when a partition was taken away meanwhile: its next owner sends what is missing.
    async fn write(&self, consumer: &mut dyn Consumer, hand: &mut Hand, mut batches: Vec<Drained>) -> Result<bool, WorkerError> {
        let (mut wait, mut at_end) = (RETRY_WAIT.0, 0);
        loop {
            let (mut refused, mut again) = (None, Vec::new());
            while !batches.is_empty() {
                let old = hand.intended_at.is_none_or(|at| at.elapsed() > INTENT_AGE_MAX);
                if hand.protocol == Protocol::Intents && old && !self.commit(consumer, hand).await? {
                    return Ok(false);
                }
                let now = batches.drain(..batches.len().min(WRITES_MAX));
                let sent = join_all(now.map(|drained| async { (self.store.write(Arc::clone(&drained.batch)).await, drained) }));
                for (result, mut drained) in sent.await {
                    match result {
                        Ok(()) => self.written(hand, &drained),
                        Err(StoreError::Unavailable(why)) => {
                            refused = Some(why);
                            Arc::make_mut(&mut drained.batch).replay = true;
                            again.push(drained);
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            batches = again;
            let Some(why) = refused else {
                self.health.ready();
                return Ok(true);
            };
            tracing::warn!(why, "the store did not take a flush: trying again");
            ::metrics::counter!(metrics::FLUSH_RETRIES).increment(1);
            self.health.failing(why.clone());
            at_end += u32::from(hand.is_stopping());
            if at_end > TRIES_AT_END {
                return Err(StoreError::Unavailable(why).into());
            }
            hand.rest(wait).await;
            wait = (wait * 2).min(RETRY_WAIT.1);
            // Whoever lost the partition meanwhile must not send any more: the intent is committed anew.
            if hand.protocol == Protocol::Intents && !self.commit(consumer, hand).await? {
                return Ok(false);
            }
        }
    }

    /// Notes that the store has a batch.
    fn written(&self, hand: &mut Hand, drained: &Drained) {
        let rollups: usize = drained.batch.rollups.iter().map(|group| group.cells.len()).sum();
        ::metrics::counter!(metrics::ROLLUPS).increment(rollups as u64);
        if let Some(oldest) = drained.oldest {
            ::metrics::histogram!(metrics::FRESHNESS_SECONDS).record(Timestamp::from_ms(self.clock.now_ms()).since(oldest));
        }
        for source in &drained.batch.sources {
            if let Some(place) = hand.partitions.get_mut(&Partition(source.partition)) {
                (place.written, place.intended) = (Offset(source.end), None);
            }
        }
    }

    /// Tells the log how far the store has come; `false` when a partition was just taken away, which the
    /// next poll says.
    async fn commit(&self, consumer: &mut dyn Consumer, hand: &mut Hand) -> Result<bool, WorkerError> {
        let positions: Vec<_> = hand.partitions.iter().map(|(partition, place)| (*partition, place.standing())).collect();
        if positions.is_empty() {
            return Ok(true);
        }
        match consumer.commit(&positions).await {
            Ok(()) => {
                hand.intended_at = Some(now());
                Ok(true)
            }
            Err(LogError::NotAssigned(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Seeks partitions anew whose records don't come.
    fn seek_stalled(&self, hand: &mut Hand) {
        let mut stalled = Vec::new();
        for (partition, place) in &mut hand.partitions {
            let Some(end) = self.lag.end(*partition) else { continue };
            if place.is_stalled(end, now(), STALL) {
                tracing::warn!(%partition, next = %place.next, %end, "no record comes: seeking it anew");
                stalled.push(*partition);
            }
        }
        hand.seek_again(&stalled);
    }
}

#[expect(clippy::disallowed_methods, reason = "bounds on how old an intent is, and on how long nothing comes")]
fn now() -> Instant {
    Instant::now()
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
