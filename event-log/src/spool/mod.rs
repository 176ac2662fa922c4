//! A log that goes on taking records while the one behind it is away.
//!
//! A record's way: while all is well, [`Spool::append`](EventLog::append) hands it to the log. If the log
//! fails, or has not answered in time (`after`), its partition's `lane` leaves the log: all records of the partition that
//! are under way, and all that come, go to an embedded log in a directory of this process, and are
//! acknowledged from there once they are synced. A `sender` for each partition sends them on, in order, as soon as the log
//! takes them; when all are sent, the lane returns to the log. The `keeper` commits what was sent, lets
//! it be deleted, and tells how much waits.
//!
//! What holds:
//! - What was acknowledged is in the log, or on this disk and sent on until it is: over outages, restarts and
//!   crashes. Only who deletes the directory loses it.
//! - The order of a partition's records holds: taking each where it stands last in the log, they stand in the
//!   order in which they were appended here. (Other processes' records stand between them.)
//! - A record may stand in the log twice, and its copies are told by its beacon's id: those that were under way
//!   when the log was left or when it failed again while it was being sent to, and those sent less than a quarter of
//!   a second before a crash.
//! - A log that is away is tried by one record at a time of each partition, and by nobody else.
//! - Records that wait are never deleted for want of room. When they take `bytes_max` of disk, or the disk is full,
//!   further ones are refused as [`Full`](AppendError::Full) until there is room again.
//!
//! # Readiness
//! [`failing`](EventLog::failing) is `None` while records can be acknowledged, by whomever: an intake that was
//! declared unready for the log's sake would turn away beacons that it could keep, and with all intakes before
//! the same brokers at once. It is told when four fifths of `bytes_max` wait, while there is still time to send
//! beacons elsewhere or to make room, with why they wait. That brokers are away or refuse us is to be alerted on by
//! `icarus_log_spool_oldest_age_seconds`, and stands in [`Spool::waiting`].

mod config;
mod keeper;
mod lane;
mod limit;
mod sender;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::watch, task::JoinHandle};

pub use self::config::{Config, RawConfig};
use self::{keeper::Positions, lane::Lane, sender::Sender};
use crate::{
    consumer::Consumer,
    embedded::{Clock, Embedded},
    error::{AppendError, LogError},
    log::EventLog,
    metrics::{self, By, Refused},
    record::{Appended, Extent, Offset, Partition},
};

/// A log with a spool before it. Dropping it ends it at once; [`close`](Self::close) tries to send what
/// waits first.
pub struct Spool {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    /// Told when a lane has nothing left.
    emptied: watch::Receiver<()>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    config: Config,
    log: Arc<dyn EventLog>,
    spool: Arc<Embedded>,
    lanes: Vec<Arc<Lane>>,
}

/// What waits in a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub records: u64,
    /// What they take on disk; up to a quarter of a mebibyte a partition more.
    pub bytes: u64,
    /// How long the oldest has waited; zero if none does.
    pub oldest: Duration,
    /// Why they wait, of one partition.
    pub why: Option<String>,
}

impl Spool {
    /// A spool before `log`, and what waits in it from before: sending it begins. To be called in a runtime
    /// of tokio, whose tasks send.
    ///
    /// # Errors
    /// When the spool's directory can't be used: another process has it, it is damaged, is that of a log with
    /// another number of partitions, or holds records larger than are to be taken now; with the remedy.
    pub async fn open(log: Arc<dyn EventLog>, config: Config, clock: Clock) -> Result<Self, LogError> {
        if log.partitions() != config.log.partitions {
            let (has, said) = (log.partitions(), config.log.partitions);
            return Err(LogError::Mismatch(format!("the log has {has} partitions, and its spool was configured for {said}")));
        }
        let own = config.log.clone();
        let opening = tokio::task::spawn_blocking(move || Embedded::open(own, clock));
        let spool = Arc::new(opening.await.map_err(|_| LogError::Closed)??);
        let positions = Positions::read(spool.consumer(keeper::GROUP).await?).await?;
        let waiting = (0..log.partitions()).map(|number| spool.end(Partition(number)) - positions.of(number as usize)).sum();
        let (own, limited) = (config.clone(), Arc::clone(&spool));
        let limiting = tokio::task::spawn_blocking(move || limit::set(&limited, &own, waiting));
        limiting.await.map_err(|_| LogError::Closed)??;
        let lane = |number: u32| {
            let sent = positions.of(number as usize);
            Arc::new(Lane::new(Partition(number), Arc::clone(&log), Arc::clone(&spool), sent))
        };
        let lanes: Vec<_> = (0..log.partitions()).map(lane).collect();
        let shared = Arc::new(Shared { config, log, spool, lanes });
        let waiting = shared.waiting();
        if waiting.records > 0 {
            let Waiting { records, bytes, .. } = waiting;
            tracing::info!(records, bytes, "records wait in the spool from before: they are sent on");
        }
        let (stop, stopped) = watch::channel(false);
        let (empties, emptied) = watch::channel(());
        let mut tasks = vec![tokio::spawn(keeper::keep(Arc::clone(&shared), positions, stopped.clone()))];
        tasks.extend(shared.lanes.iter().map(|lane| {
            let sender = Sender {
                lane: Arc::clone(lane),
                log: Arc::clone(&shared.log),
                spool: Arc::clone(&shared.spool),
                quick: shared.config.after / 2,
                emptied: empties.clone(),
            };
            let mut stopped = stopped.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = sender.run() => {}
                    _ = stopped.wait_for(|stop| *stop) => {}
                }
            })
        }));
        Ok(Self { shared, stop, emptied, tasks: Mutex::new(tasks) })
    }

    /// What waits to be sent on.
    pub fn waiting(&self) -> Waiting {
        self.shared.waiting()
    }

    /// Takes no more records, waits `drain` for those that wait to be sent on, and gives up the
    /// directory; the rest is sent after the next start. The log is to be closed after it. Closing twice
    /// does nothing.
    pub async fn close(&self) {
        for lane in &self.shared.lanes {
            lane.close();
        }
        let mut emptied = self.emptied.clone();
        let empty = async { while self.waiting().records > 0 && emptied.changed().await.is_ok() {} };
        if tokio::time::timeout(self.shared.config.drain, empty).await.is_err() {
            let Waiting { records, bytes, why, .. } = self.waiting();
            tracing::warn!(records, bytes, why, "records wait in the spool: they are sent on after the next start");
        }
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // One that panicked has told so.
            let _ = task.await;
        }
        let spool = Arc::clone(&self.shared.spool);
        // Only a runtime that is being shut down doesn't wait; then dropping it does.
        let _ = tokio::task::spawn_blocking(move || spool.close()).await;
    }
}

impl Shared {
    fn waiting(&self) -> Waiting {
        let now = self.spool.now();
        let mut all = Waiting { records: 0, bytes: 0, oldest: Duration::ZERO, why: None };
        for lane in &self.lanes {
            let (records, oldest) = lane.waiting();
            all.records += records;
            all.bytes += self.spool.bytes_from(lane.partition, Offset(lane.sent()));
            all.oldest = all.oldest.max(oldest.map_or(Duration::ZERO, |oldest| now.since(oldest)));
            if records > 0 && all.why.is_none() {
                all.why = lane.trouble();
            }
        }
        all
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
        self.shared.spool.close();
    }
}

#[async_trait]
impl EventLog for Spool {
    fn partitions(&self) -> u32 {
        self.shared.log.partitions()
    }

    async fn append(&self, partition: Partition, record: Bytes) -> Result<Appended, AppendError> {
        let (bytes, max) = (record.len(), self.shared.config.log.record_bytes_max);
        let appended = match self.shared.lanes.get(partition.0 as usize) {
            None => Err(AppendError::Unavailable(format!("there is no partition {partition}: the log has {}", self.partitions()))),
            Some(_) if bytes > max => Err(AppendError::TooLarge { bytes, max }),
            Some(lane) => lane.append(record, self.shared.config.after).await,
        };
        match &appended {
            Ok(Appended::At(_)) => metrics::acknowledged_by(By::Log),
            Ok(Appended::Spooled) => metrics::acknowledged_by(By::Spool),
            Err(error) => metrics::spool_refused(Refused::of(error)),
        }
        appended
    }

    async fn extent(&self, partition: Partition) -> Result<Extent, LogError> {
        self.shared.log.extent(partition).await
    }

    async fn consumer(&self, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        self.shared.log.consumer(group).await
    }

    /// See [Readiness](self#readiness).
    fn failing(&self) -> Option<String> {
        let (Waiting { records, bytes, why, .. }, max) = (self.waiting(), self.shared.config.bytes_max());
        (bytes >= max / 5 * 4).then(|| {
            let why = self.shared.log.failing().or(why).unwrap_or_else(|| "it is slow".to_owned());
            format!(
                "{records} records wait in the spool with {bytes} B of bytes_max = {max}, and are refused past it; the log does not take \
                 them: {why}. Bring the log back, or raise the spool's bytes_max"
            )
        })
    }
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("config", &self.shared.config).field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}
