//! The only place that reads a clock. Everything else is handed the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Tells the time of day: the system's, or one that a test sets.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `ms` milliseconds since the Unix epoch until it is set.
    pub fn manual(ms: i64) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(ms))))
    }

    /// Now, in milliseconds since the Unix epoch.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
            }
            Source::Manual(ms) => ms.load(Ordering::SeqCst),
        }
    }

    /// Sets a manual clock; the system's stays as it is.
    pub fn set_ms(&self, to: i64) {
        if let Source::Manual(ms) = &self.0 {
            ms.store(to, Ordering::SeqCst);
        }
    }
}

/// Measures how long something takes, by the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to measure.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it began.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_set_and_its_clones_with_it() {
        let clock = Clock::manual(5);
        let same = clock.clone();
        assert_eq!(clock.now_ms(), 5);
        same.set_ms(7);
        assert_eq!(clock.now_ms(), 7);
    }
}
