//! What a rollup takes on disk: `cargo run --release -p benches --bin footprint -- demo/data/store`, while no
//! server has that store open. Merges all tables first.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::PathBuf;

use schemas::time::Timestamp;
use service::clock::Clock;
use store::{
    Store,
    embedded::{EmbeddedStore, config::Config},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).map(PathBuf::from).filter(|dir| dir.is_dir()).ok_or("name the folder of a store")?;
    let store = EmbeddedStore::open(Config::new(dir), Timestamp::from_ms(Clock::system().now_ms()))?;
    store.compact().await?;
    let size = store.size().await?;
    println!("{} series-minutes of {} groups", size.series_minutes, size.groups);
    println!(
        "{} bytes in tables of minutes: {:.1} bytes a series-minute",
        size.minute_bytes,
        size.minute_bytes as f64 / size.series_minutes as f64
    );
    println!("{} bytes in all, with hours, catalogue and journals", size.disk_bytes);
    Ok(())
}
