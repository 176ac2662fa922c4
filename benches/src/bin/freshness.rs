//! How long it takes from sending a beacon until the API counts it: `cargo run --release -p benches --bin
//! freshness [-- URL]`, against a running server such as the demo's.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::time::Duration;

use benches::{client::Client, markers};

const BEACONS: usize = 300;
/// How often it is asked whether a beacon is counted: as exact as the figures are.
const ASK_EVERY: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::of_arguments()?;
    let times = markers::freshness(&client, &client, ASK_EVERY, |sent| sent >= BEACONS).await?;
    println!("from sending a beacon to its count in the API: {times}");
    Ok(())
}
