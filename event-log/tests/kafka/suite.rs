//! The suite that every implementation passes, on Kafka.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use event_log::{EventLog, kafka::RawConfig, suite::Bed};

use super::*;

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
        let raw = small(&self.brokers, partitions);
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
        256 << 10
    }

    fn group(&self, name: &str) -> String {
        unique(name)
    }
}

event_log::conformance!(match shared() {
    Some(brokers) => KafkaBed { brokers, configs: Mutex::default() },
    None => return,
});
