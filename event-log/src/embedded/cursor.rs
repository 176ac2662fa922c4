//! A reader's place in a partition.

use std::{fs::File, io, sync::Arc};

use super::{
    frame::{self, Stop},
    partition::PartitionLog,
    recover::{self, CHUNK_BYTES},
    segment::{INDEX_EVERY_BYTES, Segment},
};
use crate::{
    error::LogError,
    record::{LogRecord, Offset},
};

/// Reads a partition's durable records in order. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    next: u64,
    /// Where in which file; looked up when it is needed.
    place: Option<Place>,
}

#[derive(Debug, Clone)]
struct Place {
    segment: Arc<Segment>,
    file: Arc<File>,
    /// Where the frame of `relative` begins, at or before the one that is read next.
    position: u64,
    relative: u32,
}

impl Cursor {
    /// One that reads from `offset` on.
    pub(super) fn at(offset: Offset) -> Self {
        Self { next: offset.0, place: None }
    }

    /// The offset it reads next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The next records, about [`CHUNK_BYTES`] of them; none if it is at the end. Waits for the disk.
    pub(super) fn read(mut self, partition: &PartitionLog) -> Result<(Self, Vec<LogRecord>), LogError> {
        loop {
            let place = match &mut self.place {
                Some(place) => place,
                None => self.place.insert(Place::of(self.next, partition)?),
            };
            // In this order: once it is sealed, what is durable doesn't change any more.
            let (sealed, durable) = (place.segment.sealed(), place.segment.durable_bytes());
            if place.position < durable {
                let records = place.read(durable, self.next, partition)?;
                if let Some(last) = records.last() {
                    self.next = last.offset.0 + 1;
                    return Ok((self, records));
                }
            } else {
                match sealed {
                    None => return Ok((self, Vec::new())),
                    Some(end) if end == place.offset() => self.place = None,
                    Some(end) => return Err(place.damage(partition, end)),
                }
            }
        }
    }
}

impl Place {
    /// The nearest known place before the record of `offset`.
    fn of(offset: u64, partition: &PartitionLog) -> Result<Self, LogError> {
        let out_of_range = || LogError::OutOfRange { partition: partition.number, offset: Offset(offset), extent: partition.extent() };
        let segment = partition.segment_of(offset).filter(|_| offset <= partition.end()).ok_or_else(out_of_range)?;
        let file = match File::open(&segment.path) {
            Ok(file) => Arc::new(file),
            // Retention was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound && partition.extent().start.0 > offset => return Err(out_of_range()),
            Err(source) => return Err(unreadable(&segment, source)),
        };
        let relative = u32::try_from(offset - segment.base).expect("frames have at least 20 bytes, segments at most a gigabyte");
        let entry = segment.nearest(relative);
        Ok(Self { segment, file, position: u64::from(entry.position), relative: entry.relative })
    }

    fn offset(&self) -> u64 {
        self.segment.base + u64::from(self.relative)
    }

    /// Moves on by a chunk and returns the records of it from offset `from` on.
    fn read(&mut self, durable: u64, from: u64, partition: &PartitionLog) -> Result<Vec<LogRecord>, LogError> {
        let mut want = CHUNK_BYTES;
        loop {
            let left = durable - self.position;
            let chunk = recover::read(&self.file, self.position, want.min(left)).map_err(|source| unreadable(&self.segment, source))?;
            let (base, mut frontier, mut notes) = (self.segment.base, self.segment.index_frontier(), Vec::new());
            let mut records = Vec::new();
            let walked = frame::walk(&chunk, base, self.relative, |at, frame| {
                let (offset, position) = (base + u64::from(frame.relative), self.position + at as u64);
                if position >= frontier {
                    notes.push((frame.relative, position));
                    frontier = position + INDEX_EVERY_BYTES;
                }
                if offset >= from {
                    let bytes = chunk.slice(at + frame::HEADER_BYTES..at + frame.bytes());
                    records.push(LogRecord { offset: Offset(offset), appended: frame.appended, bytes });
                }
            });
            for (relative, position) in notes {
                self.segment.note(relative, position);
            }
            self.position += walked.bytes as u64;
            self.relative = walked.relative;
            match walked.stop {
                Stop::Short { needed } if walked.bytes == 0 && needed as u64 <= left => want = needed as u64,
                Stop::Damaged | Stop::Short { .. } if walked.bytes == 0 => {
                    self.pass_damage(durable, from, partition)?;
                    return Ok(records);
                }
                // What stopped it is met again with the next chunk.
                Stop::End | Stop::Short { .. } | Stop::Damaged => return Ok(records),
            }
        }
    }

    /// At a damaged record: goes on behind the damage if only records behind it are wanted.
    fn pass_damage(&mut self, durable: u64, from: u64, partition: &PartitionLog) -> Result<(), LogError> {
        let next = recover::next_group(&self.file, &self.segment, self.position, self.relative, durable);
        let next = next.map_err(|source| unreadable(&self.segment, source))?;
        let next_offset = next.map(|(_, relative)| self.segment.base + u64::from(relative));
        match (next, next_offset) {
            (Some((position, relative)), Some(offset)) if offset <= from => {
                (self.position, self.relative) = (position, relative);
                Ok(())
            }
            (_, Some(offset)) => Err(self.damage(partition, offset)),
            (_, None) => Err(self.damage(partition, self.segment.sealed().unwrap_or_else(|| partition.end()))),
        }
    }

    fn damage(&self, partition: &PartitionLog, readable: u64) -> LogError {
        LogError::Corrupt(format!(
            "{} is damaged at byte {}: offset {} of partition {} can't be read. Restore the file from a copy, \
             or give up what comes before offset {readable}, the next that can be read",
            self.segment.path.display(),
            self.position,
            self.offset(),
            partition.number,
        ))
    }
}

fn unreadable(segment: &Segment, source: io::Error) -> LogError {
    LogError::Io { context: format!("{} can't be read", segment.path.display()), source }
}
