//! A database on the engine for each test.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use clickhouse::Client;
use store::{
    Store,
    clickhouse::{ClickHouseStore, config::Config, migrate},
    suite::{World, engine},
};

/// A database of its own on the server of all tests.
pub(crate) struct Database(pub(crate) Option<Config>);

/// The script's rollups are of 2025, and the server deletes by its own clock.
pub(crate) const KEPT: Duration = Duration::from_secs(7_000 * 24 * 3_600);

pub(crate) fn config(url: &str) -> Config {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let database = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    Config { database, minute_retention: KEPT, hour_retention: KEPT, ..Config::new(url) }
}

#[allow(dead_code, reason = "not every test file asks by itself")]
pub(crate) fn client(config: &Config) -> Client {
    Client::default().with_url(&config.urls[0]).with_database(&config.database).with_compression(clickhouse::Compression::None)
}

impl Database {
    pub(crate) fn new() -> Self {
        Self(engine::shared().map(config))
    }
}

#[async_trait]
impl World for Database {
    async fn open(&self) -> Arc<dyn Store> {
        let config = self.0.clone().unwrap();
        migrate(config.clone()).await.unwrap();
        Arc::new(ClickHouseStore::open(config).await.unwrap())
    }

    fn missing(&self) -> bool {
        self.0.is_none()
    }
}
