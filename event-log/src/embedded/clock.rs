//! The time, as the log is told it.

use std::{fmt, sync::Arc, time::Duration};

use schemas::time::Timestamp;

/// Where the log's loops learn the time: they read no clock of their own. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// `now` tells the time of day, by which records are dated; `elapsed` how long it is since any
    /// fixed moment, by which the disk is timed.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static, elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), elapsed: Arc::new(elapsed) }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    pub(super) fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
