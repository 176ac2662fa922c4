//! The suite on the embedded store.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use async_trait::async_trait;
use schemas::time::Timestamp;
use store::{
    Store,
    embedded::{EmbeddedStore, config::Config},
    suite::World,
};

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl World for Disk {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(EmbeddedStore::open(Config::new(self.0.path().to_owned()), Timestamp::from_ms(1_763_719_200_000)).unwrap())
    }
}

store::store_suite!(Disk::new());
