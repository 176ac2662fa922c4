//! The suite that every implementation passes, on Kafka.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use event_log::{
    EventLog, Jobs,
    kafka::{Compression, RawConfig},
    suite::{Bed, JobsBed},
};

use super::*;

/// Half of it is half of what one fetch brings of a partition.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Topics of their own on the shared broker.
#[derive(Debug)]
struct KafkaBed {
    brokers: String,
    /// By the address of the log.
    configs: Mutex<HashMap<usize, RawConfig>>,
}

fn address(log: &Arc<dyn EventLog>) -> usize {
    Arc::as_ptr(log).cast::<()>().addr()
}

#[async_trait]
impl Bed for KafkaBed {
    async fn fresh(&self, partitions: u32) -> Arc<dyn EventLog> {
        // The suite's large records are zeros: compressed, all of them are less than one fetch, and none would
        // have its turn before the others.
        let raw =
            RawConfig { compression: Compression::None, record_bytes_max: RECORD_BYTES_MAX as u64, ..small(&self.brokers, partitions) };
        let log: Arc<dyn EventLog> = Arc::new(made(&raw).await);
        self.configs.lock().unwrap().insert(address(&log), raw);
        log
    }

    async fn reopen(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        let raw = self.configs.lock().unwrap().remove(&address(&log)).unwrap();
        assert_eq!(Arc::strong_count(&log), 1, "nobody else has the log open");
        drop(log);
        let log: Arc<dyn EventLog> = Arc::new(Kafka::open(checked(&raw)).await.unwrap());
        self.configs.lock().unwrap().insert(address(&log), raw);
        log
    }

    fn record_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX
    }

    fn group(&self, name: &str) -> String {
        unique(name)
    }
}

event_log::conformance!(match shared() {
    Some(brokers) => KafkaBed { brokers, configs: Mutex::default() },
    None => return,
});

#[async_trait]
impl JobsBed for KafkaBed {
    async fn jobs(&self) -> Arc<dyn Jobs> {
        Arc::new(made(&RawConfig { takeover_timeout: Duration::from_secs(1), ..small(&self.brokers, 1) }).await)
    }
}

event_log::jobs_conformance!(match shared() {
    Some(brokers) => KafkaBed { brokers, configs: Mutex::default() },
    None => return,
});
