//! A partition that has records, none of which come.
#![expect(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "made for tests in which workers die")]
mod support;

use std::{sync::Arc, time::Duration};

use aggregator::{
    config::{Config, Limits},
    worker::Worker,
};
use async_trait::async_trait;
use bytes::Bytes;
use event_log::{AppendError, Appended, Assignment, Committed, Consumer, EventLog, Extent, LogError, LogRecord, Offset, Partition, Polled};
use schemas::{
    app::{App, AppId},
    record::{BeaconRecord, Event, Message, Unit},
    time::Timestamp,
};
use service::{clock::Clock, health::Health};
use support::RangeStore;

const RECEIVED: Timestamp = Timestamp::from_ms(1_763_719_200_000);
const EXTENT: Extent = Extent { start: Offset(0), end: Offset(1) };

/// A log of one partition with one record, which comes only after the second seek.
#[derive(Default)]
struct Deaf {
    assigned: bool,
    seeks: u32,
    delivered: bool,
}

struct DeafLog;

#[async_trait]
impl EventLog for DeafLog {
    fn partitions(&self) -> u32 {
        1
    }

    async fn append(&self, _: Partition, _: Bytes) -> Result<Appended, AppendError> {
        panic!("nobody writes here")
    }

    async fn extent(&self, _: Partition) -> Result<Extent, LogError> {
        Ok(EXTENT)
    }

    async fn consumer(&self, _: &str) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(Deaf::default()))
    }
}

#[async_trait]
impl Consumer for Deaf {
    async fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        if !std::mem::replace(&mut self.assigned, true) {
            return Ok(Polled::Assigned(vec![Assignment { partition: Partition(0), committed: None, extent: EXTENT }]));
        }
        if self.seeks >= 2 && !std::mem::replace(&mut self.delivered, true) {
            let event = Event { metric: "LCP".into(), unit: Unit::UNIT_DURATION.into(), value: 1_000, ..Event::default() };
            let record = BeaconRecord {
                app: "shop".into(),
                received_ms: RECEIVED.as_ms().unsigned_abs(),
                lateness_max_s: 172_800,
                weight: 1,
                events: vec![event],
                ..BeaconRecord::default()
            };
            let records = vec![LogRecord { offset: Offset(0), appended: RECEIVED, bytes: record.encode_to_vec().into() }];
            return Ok(Polled::Records { partition: Partition(0), records });
        }
        tokio::time::sleep(wait).await;
        Ok(Polled::Idle)
    }

    async fn seek(&mut self, _: Partition, _: Offset) -> Result<(), LogError> {
        self.seeks += 1;
        Ok(())
    }

    async fn commit(&mut self, _: &[(Partition, Committed)]) -> Result<(), LogError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_partition_whose_records_do_not_come_is_sought_anew() {
    let store = Arc::new(RangeStore::new());
    let config = Config { flush_interval: Duration::from_secs(1), flush_cells_max: 1_000, duplicate_window: 10, limits: Limits::default() };
    let apps = vec![App::new(AppId::new("shop").unwrap(), Vec::new())];
    let part = Health::default().part("aggregator");
    let worker = Worker::new(Arc::new(DeafLog), store.clone(), apps, config, Clock::manual(RECEIVED.as_ms()), part);
    tokio::select! {
        ended = worker.run(std::future::pending()) => panic!("{ended:?}"),
        counted = tokio::time::timeout(Duration::from_secs(60), store.has_counted(1)) => counted.unwrap(),
    }
}
