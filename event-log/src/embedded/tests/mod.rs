//! The suite on the embedded log, and what only a log in files has to do.

mod conformance;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::*;
use crate::config::RawConfig;

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
pub(super) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(super) fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }

    pub(super) fn advance(&self, by: Duration) {
        self.0.store(self.now().plus(by).as_ms(), Ordering::SeqCst);
    }

    pub(super) fn clock(&self) -> Clock {
        let own = self.clone();
        Clock::new(move || own.now(), || Duration::ZERO)
    }
}

/// Two partitions, small segments.
pub(super) fn small() -> RawConfig {
    RawConfig { partitions: 2, segment_bytes: 64 << 10, record_bytes_max: 32 << 10, retention_bytes: 64 << 20, ..RawConfig::default() }
}

pub(super) fn open(raw: &RawConfig, dir: &Path, clock: &TestClock) -> Result<Embedded, LogError> {
    Embedded::open(raw.check(dir).unwrap(), clock.clock())
}
