//! Dispatch: hands deliveries to the couriers when their time has come.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use schemas::time::Timestamp;
use tokio::sync::mpsc::Sender;

use super::shared::Shared;
use crate::{
    delivery::{Delivery, Kind},
    stream::Stream,
};

const MINUTE_MS: i64 = 60_000;
/// The part of a minute in which what counts when it is received may be sent.
const WINDOW_MS: std::ops::Range<i64> = 2_000..45_000;
/// How long after its time something may still be sent that counts when it is received.
const BARE_LATE_MAX: Duration = Duration::from_secs(120);
/// How many deliveries wait for that part at most.
const HELD_MAX: usize = 10_000;

/// When deliveries are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// When the clients send them, or at once if that is past; those before `from` were somebody else's.
    Live { from: Timestamp, until: Option<Timestamp> },
    /// At once, those sent before `until`.
    History { from: Timestamp, until: Timestamp },
    /// At once, moved in time to just now.
    Now { page_views: u64 },
}

/// Hands all of `stream` to `couriers` at `pace`, until the run has to end.
pub(crate) async fn run(mut stream: Stream, pace: Pace, shared: Arc<Shared>, couriers: Sender<Delivery>) {
    let mut held = VecDeque::new();
    while let Some(delivery) = stream.next() {
        report(&stream, &delivery, pace, &shared);
        let now = shared.now();
        let delivery = match pace {
            Pace::Live { until, .. } if until.is_some_and(|until| delivery.at >= until) => break,
            Pace::History { until, .. } if delivery.at >= until => break,
            Pace::Live { from, .. } if delivery.at < from => continue,
            // These would count now and not then.
            Pace::Live { .. } if delivery.kind == Kind::Bare && now.since(delivery.at) > BARE_LATE_MAX => continue,
            Pace::Live { .. } => {
                let left = delivery.at.since(now);
                if !left.is_zero() {
                    shared.wait(left).await;
                }
                delivery
            }
            Pace::History { .. } => delivery,
            Pace::Now { .. } => {
                let behind = now.as_ms() - delivery.at.as_ms();
                delivery.shifted(behind.div_euclid(MINUTE_MS) * MINUTE_MS)
            }
        };
        if shared.stop.has_begun() {
            return;
        }
        if delivery.kind == Kind::Bare {
            held.push_back(delivery);
        } else if couriers.send(delivery).await.is_err() {
            return;
        }
        if held.len() > HELD_MAX {
            window(&shared).await;
        }
        while in_window(shared.now())
            && let Some(delivery) = held.pop_front()
        {
            if couriers.send(delivery).await.is_err() {
                return;
            }
        }
    }
    for delivery in held {
        window(&shared).await;
        if shared.stop.has_begun() || couriers.send(delivery).await.is_err() {
            return;
        }
    }
}

fn report(stream: &Stream, delivery: &Delivery, pace: Pace, shared: &Shared) {
    shared.page_views.store(stream.page_views(), std::sync::atomic::Ordering::Relaxed);
    let through = |from: Timestamp, until: Timestamp| delivery.at.since(from).as_secs_f64() / until.since(from).as_secs_f64();
    match pace {
        Pace::Live { until: None, .. } => {}
        Pace::Live { from, until: Some(until) } | Pace::History { from, until } => shared.set_share(through(from, until).min(1.0)),
        Pace::Now { page_views } => shared.set_share(stream.page_views() as f64 / page_views.max(1) as f64),
    }
}

fn in_window(now: Timestamp) -> bool {
    WINDOW_MS.contains(&now.as_ms().rem_euclid(MINUTE_MS))
}

/// Waits until what counts when it is received may be sent.
async fn window(shared: &Shared) {
    while !in_window(shared.now()) && !shared.stop.has_begun() {
        let within = shared.now().as_ms().rem_euclid(MINUTE_MS);
        let left = (WINDOW_MS.start - within).rem_euclid(MINUTE_MS);
        shared.wait(Duration::from_millis(left.unsigned_abs())).await;
    }
}
