//! The log in files of one directory, for one process. It is for real use on one machine.
//!
//! ```text
//! <dir>/lock                               held while a process has the log open
//! <dir>/meta.json                          format, and number of partitions
//! <dir>/p00000/00000000000000000000.seg    records from offset 0 of partition 0 on
//! <dir>/p00000/00000000000000131072.seg    the next, which is written now
//! <dir>/groups/<group>.json                how far a group has come
//! <dir>/<note>.json                        what the log's owner keeps beside it
//! ```
//!
//! A record's way: [`Embedded::append`] puts it into the partition's `queue`; the partition's `writer`
//! takes everything that waits, writes it as `frame`s to the active `segment`, syncs the file, moves
//! the durable end and answers the appends. Consumers read up to the durable end and no further.
//! `retention` deletes whole segments that are too old or too many and that no group needs.
//!
//! What holds:
//! - An append that was answered with an offset is durable, and its record is at that offset for good.
//! - A write that fails is taken back; the next one is tried. A sync that fails is never trusted
//!   again: the partition takes no records until the log is opened anew, and says so by
//!   [`EventLog::failing`].
//! - At opening a torn tail is cut off: it was not durable, and nobody was told that it was. Damage to
//!   durable records is told from it and left for readers to find; what comes behind it is kept.
//! - A group's positions are replaced as a whole, in a file that is synced before it gets its name.
//!
//! The formats of frames and segments stand in `frame.rs` and `segment.rs`. Files are written in place
//! at known positions, directories are synced: it needs a Unix.

mod clock;
mod commits;
mod consumer;
mod core;
mod cursor;
pub mod disk;
mod frame;
mod group;
mod jobs;
mod lock;
mod note;
mod open;
mod partition;
mod queue;
mod reader;
mod recover;
mod retention;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use async_trait::async_trait;
use bytes::Bytes;
use schemas::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

pub use self::{clock::Clock, disk::Disk, retention::Deleted};
use self::{
    consumer::EmbeddedConsumer,
    core::{Change, Core},
    jobs::EmbeddedMember,
};
pub(crate) use self::{queue::Answer, reader::Reader};
use crate::{
    config::Config,
    consumer::Consumer,
    error::{AppendError, LogError},
    jobs::{Elapsed, Jobs, Member},
    log::EventLog,
    metrics,
    record::{Appended, Extent, Offset, Partition},
};

pub(crate) use self::commits::check_name as check_group_name;
/// What a record takes in a segment besides itself, at most: the segment's header and its frame's.
pub(crate) const OVERHEAD_BYTES_MAX: u64 = (segment::HEADER_BYTES + frame::HEADER_BYTES) as u64;

/// A log on this machine's disk. Dropping it closes it.
#[derive(Debug)]
pub struct Embedded {
    core: Arc<Core>,
    writers: Mutex<Vec<JoinHandle<()>>>,
}

impl Embedded {
    /// Opens the log, or makes it. Waits for the disk: it reads the last segment of each partition.
    ///
    /// # Errors
    /// When another process has it open, when it has another number of partitions than configured,
    /// when its files are damaged, or the disk can't be used; each with the remedy.
    pub fn open(config: Config, clock: Clock) -> Result<Self, LogError> {
        Self::open_on(config, clock, Arc::new(disk::SystemDisk))
    }

    /// Opens the log on a disk that is not quite the system's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(config: Config, clock: Clock, disk: Arc<dyn Disk>) -> Result<Self, LogError> {
        let (core, writers) = open::open(config, clock, disk)?;
        let log = Self { core, writers: Mutex::default() };
        for writer in writers {
            let running = writer.spawn().map_err(|source| LogError::Io { context: "a writer can't be started".to_owned(), source })?;
            log.writers.lock().unwrap_or_else(PoisonError::into_inner).push(running);
        }
        Ok(log)
    }

    /// What the log's owner keeps under `name`.
    ///
    /// # Errors
    /// When it can't be read, or is damaged, with the `remedy` for that.
    pub(crate) fn noted<T: DeserializeOwned>(&self, name: &str, remedy: &str) -> Result<Option<T>, LogError> {
        note::read(&self.core.config.dir.join(name), remedy)
    }

    /// Keeps `value` under `name`, durably.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn note(&self, name: &str, value: &impl Serialize) -> Result<(), LogError> {
        let path = self.core.config.dir.join(name);
        note::write(&*self.core.disk, &path, value).map_err(|error| error.into_log_error(&path))
    }

    /// Deletes segments all of whose records are older than the retention age at `now`, and the oldest
    /// ones while all together take more than they may; but none with a record that a group has not
    /// committed yet, nor with one of the last `replay_margin` before. To be called every minute or so;
    /// waits for the disk. Where the size bound is reached in between, appends delete by themselves.
    ///
    /// # Errors
    /// When a file can't be deleted, or the log is closed.
    pub fn retain(&self, now: Timestamp) -> Result<Deleted, LogError> {
        self.core.retain(now)
    }

    /// The bytes that all segments take.
    pub fn bytes(&self) -> u64 {
        self.core.bytes()
    }

    /// Takes no more records, waits until those that wait are durable, and gives up the directory.
    /// Consumers learn of it by [`LogError::Closed`]. Closing twice does nothing.
    pub fn close(&self) {
        for partition in &self.core.partitions {
            partition.queue.close();
        }
        for writer in self.writers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // One that panicked has told so.
            let _ = writer.join();
        }
        self.core.changes.close();
        self.core.lock.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    async fn append_at(&self, partition: Partition, record: Bytes) -> Result<Offset, AppendError> {
        let answer = self.enqueue(partition, record).inspect_err(|error| {
            self.core.config.teller.refused(metrics::Refused::of(error), 1);
        })?;
        answered(partition, answer).await
    }

    /// Puts `record` into its partition's queue, behind those that were put there before.
    pub(crate) fn enqueue(&self, number: Partition, record: Bytes) -> Result<tokio::sync::oneshot::Receiver<Answer>, AppendError> {
        let (bytes, max) = (record.len(), self.core.config.record_bytes_max);
        if bytes > max {
            return Err(AppendError::TooLarge { bytes, max });
        }
        let partition = self.core.partitions.get(number.0 as usize).ok_or_else(|| AppendError::Unavailable(self.core.no_such(number)))?;
        match partition.failed() {
            Some(why) => Err(AppendError::Unavailable(why.to_owned())),
            None => partition.queue.push(record),
        }
    }
}

/// What becomes of a record that was enqueued.
pub(crate) async fn answered(partition: Partition, answer: tokio::sync::oneshot::Receiver<Answer>) -> Answer {
    // Writers answer whatever they took; only one that panicked doesn't.
    answer.await.unwrap_or_else(|_| Err(AppendError::Unavailable(format!("the writer of partition {partition} is gone: restart"))))
}

/// What the spool asks of the log that it keeps its records in.
impl Embedded {
    /// How many records of `partition` wait for the disk or are on their way to it.
    pub(crate) fn queued(&self, partition: Partition) -> usize {
        self.core.partitions[partition.0 as usize].queue.records()
    }

    /// The offset after the last durable record of `partition`.
    pub(crate) fn end(&self, partition: Partition) -> u64 {
        self.core.partitions[partition.0 as usize].end()
    }

    /// The bytes on disk from the record of `offset` on; up to a quarter of a mebibyte more.
    pub(crate) fn bytes_from(&self, partition: Partition, offset: Offset) -> u64 {
        self.core.partitions[partition.0 as usize].bytes_from(offset.0)
    }

    /// Reads the durable records of `partition` from `offset` on.
    pub(crate) fn reader(&self, partition: Partition, offset: Offset) -> Reader {
        Reader::new(Arc::clone(&self.core.partitions[partition.0 as usize]), offset)
    }

    /// Tells of every group of records that became durable.
    pub(crate) fn changes(&self) -> tokio::sync::watch::Receiver<Change> {
        self.core.changes.subscribe()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.core.clock.elapsed()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl EventLog for Embedded {
    fn partitions(&self) -> u32 {
        self.core.config.partitions
    }

    async fn append(&self, partition: Partition, record: Bytes) -> Result<Appended, AppendError> {
        self.append_at(partition, record).await.map(Appended::At)
    }

    async fn extent(&self, partition: Partition) -> Result<Extent, LogError> {
        Ok(self.core.partition(partition)?.extent())
    }

    async fn consumer(&self, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(EmbeddedConsumer::join(&self.core, group)?))
    }

    fn failing(&self) -> Option<String> {
        let failed: Vec<_> = self.core.partitions.iter().filter_map(|partition| partition.failed()).collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }
}

#[async_trait]
impl Jobs for Embedded {
    async fn member(&self, job: &str, _elapsed: Elapsed) -> Result<Box<dyn Member>, LogError> {
        Ok(Box::new(EmbeddedMember::join(&self.core, job)?))
    }
}
