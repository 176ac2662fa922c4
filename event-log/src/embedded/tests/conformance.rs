//! The suite that every implementation passes, on the embedded log.

use std::{collections::HashMap, sync::Mutex};

use tempfile::TempDir;

use super::*;
use crate::suite::Bed;

/// Logs in directories of their own.
#[derive(Debug, Default)]
struct EmbeddedBed {
    /// By the address of the log that stands there.
    dirs: Mutex<HashMap<usize, (TempDir, u32)>>,
}

fn address(log: &Arc<dyn EventLog>) -> usize {
    Arc::as_ptr(log).cast::<()>().addr()
}

impl EmbeddedBed {
    fn open(&self, dir: TempDir, partitions: u32) -> Arc<dyn EventLog> {
        let raw = RawConfig { partitions, ..small() };
        let log: Arc<dyn EventLog> = Arc::new(open(&raw, dir.path()).unwrap());
        self.dirs.lock().unwrap().insert(address(&log), (dir, partitions));
        log
    }
}

#[async_trait]
impl Bed for EmbeddedBed {
    async fn fresh(&self, partitions: u32) -> Arc<dyn EventLog> {
        self.open(tempfile::tempdir().unwrap(), partitions)
    }

    async fn reopen(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        let (dir, partitions) = self.dirs.lock().unwrap().remove(&address(&log)).unwrap();
        assert_eq!(Arc::strong_count(&log), 1, "nobody else has the log open");
        drop(log);
        self.open(dir, partitions)
    }

    fn record_bytes_max(&self) -> usize {
        32 << 10
    }
}

crate::conformance!(EmbeddedBed::default());
