//! The suite that every implementation passes, on the embedded log.

use std::{collections::HashMap, sync::Mutex};

use tempfile::TempDir;

use super::*;
use crate::{
    Jobs,
    suite::{Bed, JobsBed},
};

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

/// The log, and its directory.
struct JobsInDir;

#[async_trait]
impl JobsBed for JobsInDir {
    async fn jobs(&self) -> Arc<dyn Jobs> {
        // What has no records needs no directory once it is open.
        let dir = tempfile::tempdir().unwrap();
        Arc::new(open(&small(), dir.path()).unwrap())
    }
}

crate::jobs_conformance!(JobsInDir);

#[tokio::test]
async fn a_member_learns_that_the_log_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&small(), dir.path()).unwrap();
    let clock = crate::Elapsed::new(|| std::time::Duration::ZERO);
    let mut owner = log.member("job", clock.clone()).await.unwrap();
    owner.changed().await.unwrap();
    let mut heir = log.member("job", clock).await.unwrap();
    assert!(heir.changed().await.unwrap().shares.is_empty());
    log.close();
    assert!(matches!(owner.changed().await, Err(LogError::Closed)));
    assert!(matches!(heir.changed().await, Err(LogError::Closed)));
}
