//! The suite on the embedded log, and what only a log in files has to do.

mod conformance;
mod damage;
mod faults;
mod faulty_disk;
mod groups;
mod kill;
mod opening;
mod power;
mod retention;
mod sim_disk;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::{cursor::Cursor, *};
use crate::{LogRecord, Offset, config::RawConfig};

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_700_000_000_000)))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }

    fn advance(&self, by: Duration) {
        self.0.store(self.now().plus(by).as_ms(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let own = self.clone();
        Clock::new(move || own.now(), || Duration::ZERO)
    }
}

/// Two partitions, small segments.
fn small() -> RawConfig {
    RawConfig { partitions: 2, segment_bytes: 64 << 10, record_bytes_max: 32 << 10, retention_bytes: 64 << 20, ..RawConfig::default() }
}

fn open(raw: &RawConfig, dir: &Path) -> Result<Embedded, LogError> {
    open_at(raw, dir, &TestClock::new())
}

fn open_at(raw: &RawConfig, dir: &Path, clock: &TestClock) -> Result<Embedded, LogError> {
    Embedded::open(raw.check(dir).unwrap(), clock.clock())
}

/// The records of a partition from `offset` to its end.
fn read_from(log: &Embedded, partition: u32, offset: u64) -> Result<Vec<LogRecord>, LogError> {
    let partition = &log.core.partitions[partition as usize];
    let (mut cursor, mut all) = (Cursor::at(Offset(offset)), Vec::new());
    loop {
        let (next, records) = cursor.read(partition)?;
        if records.is_empty() {
            return Ok(all);
        }
        all.extend(records);
        cursor = next;
    }
}

/// All records of a partition.
fn read(log: &Embedded, partition: u32) -> Result<Vec<LogRecord>, LogError> {
    read_from(log, partition, log.core.partitions[partition as usize].extent().start.0)
}

/// The records' texts, whose offsets follow each other.
fn texts(records: &[LogRecord]) -> Vec<String> {
    assert!(records.windows(2).all(|two| two[1].offset.0 == two[0].offset.0 + 1));
    records.iter().map(|record| String::from_utf8(record.bytes.to_vec()).unwrap()).collect()
}

/// The segment files of a partition, in order.
fn segments(dir: &Path, partition: u32) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir.join(format!("log/p{partition:05}"))).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Flips a bit.
fn flip(path: &Path, byte: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[byte] ^= 1;
    fs::write(path, bytes).unwrap();
}
