//! Beacons of our own that are sent and then looked for: how fresh the answers are.

use std::{error::Error, time::Duration};

use rand::{Rng as _, RngExt as _};
use serde_json::json;
use service::clock::Stopwatch;

use crate::client::{Client, Times};

/// Sends beacons to `intake`, one after another at random distances of up to a second, until `enough` says so of their
/// number; asks `api` for each every `ask_every`, which is how exact the times are, until it is counted.
///
/// # Errors
/// When a beacon is not taken.
pub async fn freshness(
    intake: &Client,
    api: &Client,
    ask_every: Duration,
    mut enough: impl FnMut(usize) -> bool,
) -> Result<Times, Box<dyn Error>> {
    // A metric of its own: nobody else's beacons are taken for ours.
    let metric = format!("freshness.{:08x}", rand::rng().next_u32());
    let mut times = Vec::new();
    while times.is_empty() || !enough(times.len()) {
        // Whatever is written at intervals is met at any point of them.
        let pause = Duration::from_millis(rand::rng().random_range(0..1_000));
        tokio::time::sleep(pause).await;
        let beacon = json!({ "app": "shop", "key": "pk_demo_shop", "events": [{ "metric": metric, "value": 1, "unit": "count" }] });
        let watch = Stopwatch::start();
        intake.send(&beacon).await?;
        let sent = times.len() as u64 + 1;
        // Before the first is counted there is no such metric.
        let question = format!("/api/v1/timeseries?app=shop&metric={metric}&from=now-30m");
        while api.get(&question).await.ok().and_then(|timed| timed.answer["series"][0]["n"].as_u64()) != Some(sent) {
            tokio::time::sleep(ask_every).await;
        }
        times.push(watch.elapsed());
    }
    Ok(Times::new(times))
}
