//! The audit: whether the store has counted what the log's records say, again and again.

use std::{future::Future, sync::Arc, time::Duration};

use schemas::time::{MinuteRange, Timestamp};
use service::{clock::Clock, health::Part, pace::Pace, shares::Shares};
use store::{Audit as Audited, Store};

use crate::metrics;

/// How often the last hours are compared.
const INTERVAL: Duration = Duration::from_secs(60);
/// So many comparisons of the last hours come before one of all minutes that are kept.
const LONG_EVERY: u32 = 60;
/// The last hours.
const SPAN: Duration = Duration::from_secs(2 * 3_600);
/// What belongs to the audit among the work that aggregators share.
const KEY: &str = "audit";

/// What is audited, by which share.
pub(super) struct Audit {
    pub(super) store: Arc<dyn Store>,
    pub(super) shares: Shares,
    /// For how long minutes are kept.
    pub(super) minutes: Duration,
}

impl Audit {
    /// Goes on until `shutdown` resolves; of several processes in one.
    pub(super) async fn run(mut self, clock: Clock, health: Part, shutdown: impl Future<Output = ()>) {
        let mut pace = Pace::new(INTERVAL, shutdown);
        let (mut rounds, mut drift) = (0, 0);
        loop {
            tokio::select! {
                goes_on = pace.next() => if !goes_on { break },
                () = self.shares.changed() => {}
            }
            if !self.shares.owns(KEY) {
                (rounds, drift) = (0, 0);
                ::metrics::gauge!(metrics::AUDIT_DRIFT).set(0.0);
                health.standing_by("another process compares what is counted with the log");
                continue;
            }
            let now = Timestamp::from_ms(clock.now_ms());
            // What was found in old hours must not be forgotten by looking at the last ones only.
            let span = if rounds % LONG_EVERY == 0 || drift > 0 { self.minutes } else { SPAN };
            rounds += 1;
            let audited = self.store.audit(MinuteRange::new(now.minus(span).minute(), now.minute().plus(1))).await;
            let told = audited.map(|audited| drift = tell(audited.as_ref()));
            health.note("what is counted could not be compared with the log", told);
        }
    }
}

/// Tells how much is counted wrongly, and returns it.
fn tell(audited: Option<&Audited>) -> u64 {
    // Without one rows and offsets are one atomic batch.
    let drift = audited.map_or(0, Audited::drift);
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    ::metrics::gauge!(metrics::AUDIT_DRIFT).set(drift as f64);
    if let Some(audited) = audited.filter(|_| drift > 0) {
        tracing::error!(?audited, "what is counted is not what the log's records say");
    }
    drift
}
