//! What dispatch and couriers share.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use schemas::time::Timestamp;
use service::{
    clock::{Clock, Stopwatch},
    shutdown::Shutdown,
};

use super::{connection::Target, ledger::Ledger};
use crate::{options::Options, truth::Truth};

/// What dispatch and couriers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) target: Target,
    pub(crate) answer_timeout: Duration,
    pub(crate) give_up_after: Duration,
    pub(crate) seed: u64,
    clock: Clock,
    /// Begins when the run has to end: it was told to, or gave up.
    pub(crate) stop: Shutdown,
    ledger: Mutex<Ledger>,
    /// Until when nothing is sent because the intake asked for it, in milliseconds since the Unix epoch.
    paused_until: AtomicI64,
    /// Since when no answer for good has come, and what came instead.
    failing: Mutex<Option<(Stopwatch, String)>>,
    gave_up: Mutex<Option<String>>,
    /// How many page views were dispatched.
    pub(crate) page_views: AtomicU64,
    /// How many deliveries failed and are tried again.
    retrying: AtomicU64,
    /// The share of the run that is dispatched, in millionths; not known when negative.
    share: AtomicI64,
}

impl Shared {
    pub(crate) fn new(options: &Options, target: Target, clock: Clock, truth: Truth) -> Self {
        Self {
            target,
            answer_timeout: options.answer_timeout,
            give_up_after: options.give_up_after,
            seed: options.traffic.seed,
            clock,
            stop: Shutdown::new(),
            ledger: Mutex::new(Ledger::new(truth)),
            paused_until: AtomicI64::new(i64::MIN),
            failing: Mutex::new(None),
            gave_up: Mutex::new(None),
            page_views: AtomicU64::new(0),
            retrying: AtomicU64::new(0),
            share: AtomicI64::new(-1),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.clock.now_ms())
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `duration`, or until the run has to end.
    pub(crate) async fn wait(&self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {},
            () = self.stop.begun() => {},
        }
    }

    /// Nothing is to be sent for `duration`.
    pub(crate) fn pause(&self, duration: Duration) {
        self.paused_until.fetch_max(self.now().plus(duration).as_ms(), Ordering::Relaxed);
    }

    /// Waits while nothing is to be sent.
    pub(crate) async fn unpaused(&self) {
        while let left = Timestamp::from_ms(self.paused_until.load(Ordering::Relaxed)).since(self.now())
            && !left.is_zero()
            && !self.stop.has_begun()
        {
            self.wait(left).await;
        }
    }

    /// An answer for good came.
    pub(crate) fn succeeded(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// No answer came, or one that is not for good; ends the run when that goes on for too long.
    pub(crate) fn failed(&self, why: &str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, first) = failing.get_or_insert_with(|| (Stopwatch::start(), why.to_owned()));
        if since.elapsed() > self.give_up_after && !self.stop.has_begun() {
            let message = format!("the intake took nothing for {:?}: {first}", self.give_up_after);
            *self.gave_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
            self.stop.begin();
        }
    }

    /// Why the run ended before it was done, if it did.
    pub(crate) fn gave_up(&self) -> Option<String> {
        self.gave_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a delivery as tried again until the answer is dropped.
    pub(crate) fn retry(&self) -> Retrying<'_> {
        self.retrying.fetch_add(1, Ordering::Relaxed);
        Retrying(self)
    }

    /// How many deliveries failed and are tried again right now.
    pub(crate) fn retrying(&self) -> u64 {
        self.retrying.load(Ordering::Relaxed)
    }

    pub(crate) fn set_share(&self, share: f64) {
        self.share.store((share * 1e6) as i64, Ordering::Relaxed);
    }

    /// The share of the run that is dispatched, in [0, 1]; `None` for one without an end.
    pub(crate) fn share(&self) -> Option<f64> {
        let share = self.share.load(Ordering::Relaxed);
        (share >= 0).then_some(share as f64 / 1e6)
    }
}

/// A delivery that is tried again.
#[derive(Debug)]
pub(crate) struct Retrying<'a>(&'a Shared);

impl Drop for Retrying<'_> {
    fn drop(&mut self) {
        self.0.retrying.fetch_sub(1, Ordering::Relaxed);
    }
}
