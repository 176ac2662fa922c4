//! The suite that every implementation passes, on an embedded log with a spool before it.

use std::{collections::HashMap, sync::Mutex};

use tempfile::TempDir;

use super::*;
use crate::suite::Bed;

#[derive(Debug, Default)]
struct SpooledBed {
    /// By the address of the spool that stands there.
    open: Mutex<HashMap<usize, (TempDir, Arc<Spool>)>>,
}

fn address(log: &Arc<dyn EventLog>) -> usize {
    Arc::as_ptr(log).cast::<()>().addr()
}

impl SpooledBed {
    async fn open(&self, dir: TempDir, partitions: u32) -> Arc<dyn EventLog> {
        let default = crate::config::RawConfig::default();
        let raw = crate::config::RawConfig { partitions, segment_bytes: 64 << 10, record_bytes_max: 32 << 10, ..default };
        let log: Arc<dyn EventLog> = Arc::new(Embedded::open(raw.check(dir.path()).unwrap(), clock()).unwrap());
        let config = roomy().check(dir.path(), partitions, 32 << 10).unwrap();
        let spool = Arc::new(Spool::open(log, config, clock()).await.unwrap());
        let log: Arc<dyn EventLog> = Arc::clone(&spool) as _;
        self.open.lock().unwrap().insert(address(&log), (dir, spool));
        log
    }
}

#[async_trait]
impl Bed for SpooledBed {
    async fn fresh(&self, partitions: u32) -> Arc<dyn EventLog> {
        self.open(tempfile::tempdir().unwrap(), partitions).await
    }

    async fn reopen(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        let (dir, spool) = self.open.lock().unwrap().remove(&address(&log)).unwrap();
        let partitions = log.partitions();
        drop(log);
        assert_eq!(Arc::strong_count(&spool), 1, "nobody else has the log open");
        // Its tasks have the log, too.
        spool.close().await;
        drop(spool);
        self.open(dir, partitions).await
    }

    fn record_bytes_max(&self) -> usize {
        32 << 10
    }
}

crate::conformance!(SpooledBed::default());
