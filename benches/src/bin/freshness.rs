//! How long it takes from sending a beacon until the API counts it: `cargo run --release -p benches --bin
//! freshness [-- URL]`, against a running server such as the demo's.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::time::Duration;

use benches::client::{Client, Times};
use rand::{Rng as _, RngExt as _};
use serde_json::json;
use service::clock::Stopwatch;

const BEACONS: usize = 300;
/// How often it is asked whether a beacon is counted: as exact as the figures are.
const ASK_EVERY: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::of_arguments()?;
    let mut rng = rand::rng();
    // A metric of its own: nobody else's beacons are taken for ours.
    let metric = format!("freshness.{:08x}", rng.next_u32());
    let mut times = Vec::with_capacity(BEACONS);
    for sent in 1..=BEACONS {
        // Whatever is written at intervals is met at any point of them.
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1_000))).await;
        let beacon = json!({ "app": "shop", "key": "pk_demo_shop", "events": [{ "metric": metric, "value": 1, "unit": "count" }] });
        let watch = Stopwatch::start();
        client.send(&beacon).await?;
        // Before the first is counted there is no such metric.
        let question = format!("/api/v1/timeseries?app=shop&metric={metric}&from=now-30m");
        while client.get(&question).await.ok().and_then(|timed| timed.answer["series"][0]["n"].as_u64()) != Some(sent as u64) {
            tokio::time::sleep(ASK_EVERY).await;
        }
        times.push(watch.elapsed());
    }
    println!("from sending a beacon to its count in the API: {}", Times::new(times));
    Ok(())
}
