//! The writer of a partition: one thread that alone changes its files.
//!
//! Everything that waits is written in one go and made durable by one sync, and while that lasts the
//! next group gathers: under load groups grow by themselves, and a lone record waits for nothing.

use std::{fs::File, io, path::Path, sync::Arc, thread};

use schemas::time::Timestamp;

use super::{
    core::Core,
    frame::{self, Frame},
    partition::PartitionLog,
    queue::{Waiting, Work},
    segment::{self, CreateError, HEADER_BYTES, Header, Segment},
};
use crate::{error::AppendError, metrics, record::Offset};

/// A buffer larger than this is given back after the burst that needed it.
const BUFFER_BYTES_KEPT: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Writer {
    core: Arc<Core>,
    partition: Arc<PartitionLog>,
    segment: Arc<Segment>,
    file: File,
    /// The file's length; all of it is durable between groups.
    bytes: u64,
    /// The offset of the next record.
    end: u64,
    newest: Timestamp,
    buffer: Vec<u8>,
    /// Whether the last records were refused, so that only the first refusal of many is logged.
    refusing: bool,
}

/// Why a group was not appended.
#[derive(Debug, Clone)]
enum Refusal {
    Full(String),
    Unavailable(String),
}

impl From<Refusal> for AppendError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full(why) => Self::Full(why),
            Refusal::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl Writer {
    /// A writer that continues the partition's active segment, which is in `file`.
    pub(super) fn new(core: Arc<Core>, partition: Arc<PartitionLog>, file: File) -> Self {
        let (segment, end, newest) = (partition.active(), partition.end(), partition.newest());
        let bytes = segment.durable_bytes();
        Self { core, partition, segment, file, bytes, end, newest, buffer: Vec::new(), refusing: false }
    }

    /// Writes in a thread of its own until the queue is closed and empty.
    pub(super) fn spawn(mut self) -> io::Result<thread::JoinHandle<()>> {
        let name = format!("log-{}", self.partition.number);
        thread::Builder::new().name(name).stack_size(256 << 10).spawn(move || self.run())
    }

    fn run(&mut self) {
        let mut group = Vec::new();
        loop {
            match self.partition.queue.next(&mut group) {
                Work::Group => self.append(&mut group),
                Work::Seal { older_than, done } => {
                    // Who asked may have gone; it is asked again at the next round.
                    let _ = done.send(self.seal(older_than));
                }
                Work::Closed => return,
            }
        }
    }

    /// Appends the group and answers all who wait for it.
    fn append(&mut self, group: &mut Vec<Waiting>) {
        let mut rest = group.drain(..).peekable();
        let mut part = Vec::with_capacity(rest.len());
        while let Some(first) = rest.peek() {
            // A group that reaches past the segment's end is split there.
            let mut room = self.room_from(first.record.len());
            debug_assert!(frame_bytes(first) <= room, "a segment has room for the largest record");
            while let Some(next) = rest.next_if(|next| frame_bytes(next) <= room) {
                room -= frame_bytes(&next);
                part.push(next);
            }
            self.append_part(&mut part);
        }
        drop(rest);
        if self.buffer.capacity() > BUFFER_BYTES_KEPT {
            self.buffer = Vec::new();
        }
    }

    /// How many bytes of frames go into one file, beginning with that of a record of `first` bytes.
    fn room_from(&self, first: usize) -> u64 {
        let max = self.core.config.segment_bytes;
        let left = max.saturating_sub(self.bytes);
        if left >= (frame::HEADER_BYTES + first) as u64 { left } else { max - HEADER_BYTES as u64 }
    }

    fn append_part(&mut self, part: &mut Vec<Waiting>) {
        let payload: usize = part.iter().map(|waiting| waiting.record.len()).sum();
        let (appended, teller) = (self.write(part), self.core.config.teller);
        match &appended {
            Ok(_) => teller.appended(self.partition.number, part.len(), payload, self.end),
            Err(Refusal::Full(_)) => teller.refused(metrics::Refused::Full, part.len()),
            Err(Refusal::Unavailable(_)) => teller.refused(metrics::Refused::Unavailable, part.len()),
        }
        self.log_change(appended.as_ref().err());
        let left = self.partition.queue.answered(part.len(), payload);
        teller.queued(self.partition.number, left);
        for (i, waiting) in part.drain(..).enumerate() {
            // The caller may have gone; the record stays.
            let _ = waiting.done.send(match &appended {
                Ok(first) => Ok(Offset(first + i as u64)),
                Err(refusal) => Err(refusal.clone().into()),
            });
        }
    }

    fn log_change(&mut self, refusal: Option<&Refusal>) {
        let partition = self.partition.number.0;
        match refusal {
            Some(Refusal::Full(why) | Refusal::Unavailable(why)) if !self.refusing => {
                tracing::warn!(partition, why, "records are refused, their senders are told");
            }
            None if self.refusing => tracing::info!(partition, "records are taken again"),
            Some(_) | None => {}
        }
        self.refusing = refusal.is_some();
    }

    /// Writes the records of `part`, which fit into one file, and returns the offset of the first once
    /// all are durable.
    fn write(&mut self, part: &[Waiting]) -> Result<u64, Refusal> {
        if let Some(why) = self.partition.failed() {
            return Err(Refusal::Unavailable(why.to_owned()));
        }
        let now = self.core.clock.now().max(self.newest);
        let bytes = part.iter().map(frame_bytes).sum();
        // First of all: a segment that is full can't be deleted to make room before it is sealed.
        self.roll_if_due(bytes, now)?;
        self.core.reserve(bytes).map_err(Refusal::Full)?;
        match self.write_durably(part, now) {
            Ok(()) => {
                let first = self.end;
                self.publish(part, bytes, now);
                Ok(first)
            }
            Err(refusal) => {
                self.core.release(bytes);
                Err(refusal)
            }
        }
    }

    fn write_durably(&mut self, part: &[Waiting], now: Timestamp) -> Result<(), Refusal> {
        self.buffer.clear();
        for (relative, waiting) in (self.relative()..).zip(part) {
            let begins_group = self.buffer.is_empty();
            Frame { relative, appended: now, begins_group, payload: &waiting.record }.encode(self.segment.base, &mut self.buffer);
        }
        let (disk, path) = (&self.core.disk, &self.segment.path);
        if let Err(error) = disk.write(path, &self.file, &self.buffer, self.bytes) {
            return Err(self.take_back(&error));
        }
        let begun = self.core.clock.elapsed();
        if let Err(error) = disk.sync(path, &self.file) {
            return Err(self.fail(&format!("{} can't be synced: {error}", path.display())));
        }
        self.core.config.teller.synced(self.core.clock.elapsed().saturating_sub(begun));
        Ok(())
    }

    /// The next record's offset less the segment's base.
    fn relative(&self) -> u32 {
        u32::try_from(self.end - self.segment.base).expect("frames have at least 20 bytes, segments at most a gigabyte")
    }

    /// Lets everyone see what is durable now.
    fn publish(&mut self, part: &[Waiting], bytes: u64, now: Timestamp) {
        if self.bytes + bytes > self.segment.index_frontier() {
            let mut position = self.bytes;
            for (relative, waiting) in (self.relative()..).zip(part) {
                self.segment.note(relative, position);
                position += frame_bytes(waiting);
            }
        }
        self.bytes += bytes;
        self.end += part.len() as u64;
        self.newest = now;
        self.segment.set_durable_bytes(self.bytes);
        self.partition.set_end(self.end, now);
        self.core.changes.tell();
    }

    /// Cuts off what a failed write may have left, so that later ones can be tried.
    fn take_back(&self, error: &io::Error) -> Refusal {
        let path = &self.segment.path;
        let cut = self.core.disk.set_len(path, &self.file, self.bytes).and_then(|()| self.core.disk.sync(path, &self.file));
        match cut {
            Ok(()) => refusal_of(path, error),
            Err(cutting) => self.fail(&format!("{} can't be written ({error}), nor cut back ({cutting})", path.display())),
        }
    }

    /// Takes no records any more: what the system holds of the file is not what the disk holds.
    fn fail(&self, why: &str) -> Refusal {
        Refusal::Unavailable(self.partition.fail(why))
    }

    /// Begins another segment if `bytes` more don't fit into this one, or if its oldest record would
    /// outlive its age by too much.
    fn roll_if_due(&mut self, bytes: u64, now: Timestamp) -> Result<(), Refusal> {
        let full = self.bytes + bytes > self.core.config.segment_bytes;
        let old = now.since(self.segment.begun) > self.core.config.segment_span();
        if (full || old) && self.end > self.segment.base { self.roll(now) } else { Ok(()) }
    }

    fn roll(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let header = Header { partition: self.partition.number, base: Offset(self.end), begun: now, before: self.newest };
        let (path, file) = segment::create(&*self.core.disk, &self.partition.dir, &header).map_err(|error| match error {
            CreateError::NotWritten(path, error) => refusal_of(&path, &error),
            CreateError::NotSynced(path, error) => self.fail(&format!("{} can't be synced: {error}", path.display())),
        })?;
        self.core.add(HEADER_BYTES as u64);
        self.segment = Arc::new(Segment::new(path, &header, HEADER_BYTES as u64));
        self.partition.roll(Arc::clone(&self.segment));
        (self.file, self.bytes) = (file, HEADER_BYTES as u64);
        Ok(())
    }

    /// Begins another segment if this one has records and all were appended before `older_than`.
    fn seal(&mut self, older_than: Timestamp) -> bool {
        let due = self.partition.failed().is_none() && self.end > self.segment.base && self.newest < older_than;
        due && self.roll(self.core.clock.now().max(self.newest)).is_ok()
    }
}

fn frame_bytes(waiting: &Waiting) -> u64 {
    (frame::HEADER_BYTES + waiting.record.len()) as u64
}

fn refusal_of(path: &Path, error: &io::Error) -> Refusal {
    let why = format!("{} can't be written: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Refusal::Full(why),
        _ => Refusal::Unavailable(why),
    }
}
