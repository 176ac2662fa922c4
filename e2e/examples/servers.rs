//! A real Kafka and a real ClickHouse engine for trying things by hand; both end with this process.
//!
//! ```text
//! cargo run --release -p e2e --example servers -- [DIR]
//! ```
//! Prints a configuration for them. The folder, a temporary one if none is given, keeps what ClickHouse has; Kafka's part of it goes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::{io, path::PathBuf};

use event_log::suite::broker::Broker;
use store::suite::engine::Engine;

fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = std::env::args_os().nth(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let broker = Broker::start(&dir.join("kafka")).unwrap();
    let engine = Engine::start(&dir.join("clickhouse")).unwrap();
    println!("[log]\nengine = \"kafka\"\n[log.kafka]\nbrokers = \"{}\"", broker.address());
    println!("[store]\nengine = \"clickhouse\"\n[store.clickhouse]\nurls = [\"{}\"]", engine.url());
    println!("# Both end when this process's standard input does.");
    io::copy(&mut io::stdin(), &mut io::sink()).unwrap();
}
