//! Looking after the log and the store.

use std::{future::Future, sync::Arc, time::Duration};

use schemas::time::Timestamp;
use service::{clock::Clock, health::Part, pace::Pace};
use store::Store;

use super::world::Log;
use crate::metrics;

/// How often the log and the store are looked after.
const INTERVAL: Duration = Duration::from_secs(30);

/// What is looked after, and how it is reported.
pub(super) struct Upkeep {
    pub(super) log: Option<(Log, Part)>,
    pub(super) store: Option<(Arc<dyn Store>, Part)>,
}

impl Upkeep {
    /// Goes on until `shutdown` resolves.
    pub(super) async fn run(self, clock: Clock, shutdown: impl Future<Output = ()>) {
        let mut pace = Pace::new(INTERVAL, shutdown);
        while pace.next().await {
            let now = Timestamp::from_ms(clock.now_ms());
            if let Some((log, part)) = &self.log {
                look_after_log(log, now, part).await;
            }
            if let Some((store, part)) = &self.store {
                look_after_store(&**store, now, part).await;
            }
        }
    }
}

async fn look_after_log(log: &Log, now: Timestamp, part: &Part) {
    let looked = log.look_after(now).await;
    match (log.events().failing(), looked) {
        (Some(why), _) => part.failing(why),
        (None, Ok(())) => part.ready(),
        (None, Err(error)) => part.failing(error.to_string()),
    }
}

async fn look_after_store(store: &dyn Store, now: Timestamp, part: &Part) {
    match store.upkeep(now).await {
        Ok(done) => {
            if done.expired > 0 {
                tracing::info!(stretches = done.expired, "rollups past their retention were deleted");
            }
            if done.evicted > 0 {
                tracing::warn!(
                    stretches = done.evicted,
                    "rollups were deleted early: raise store.embedded.disk_bytes_max, or shorten store.minute_retention"
                );
            }
            ::metrics::counter!(metrics::STORE_EVICTED).increment(u64::from(done.evicted));
            part.ready();
        }
        Err(error) => {
            tracing::error!(%error, "the store could not be looked after");
            part.failing(error.to_string());
        }
    }
    if let Ok(size) = store.size().await {
        for (name, value) in [
            (metrics::STORE_DISK_BYTES, size.disk_bytes),
            (metrics::STORE_GROUPS, size.groups),
            (metrics::STORE_SERIES_MINUTES, size.series_minutes),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            ::metrics::gauge!(name).set(value as f64);
        }
    }
}
