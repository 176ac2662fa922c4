//! The lag of a worker that stands still.
#![expect(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "made for tests in which workers die")]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aggregator::{
    config::{Config, Limits},
    metrics::LAG_RECORDS,
    worker::Worker,
};
use async_trait::async_trait;
use bytes::Bytes;
use event_log::{AppendError, Appended, Assignment, Committed, Consumer, EventLog, Extent, LogError, LogRecord, Offset, Partition, Polled};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use schemas::{
    record::{BeaconRecord, Message},
    time::Timestamp,
};
use service::{clock::Clock, health::Health};
use support::RangeStore;

const RECEIVED: Timestamp = Timestamp::from_ms(1_763_719_200_000);

/// A log of one partition that grows, of which one record can be read before it is away.
#[derive(Clone, Default)]
struct Growing {
    end: Arc<AtomicU64>,
    polls: u32,
}

impl Growing {
    fn extent(&self) -> Extent {
        Extent { start: Offset(0), end: Offset(self.end.load(Ordering::SeqCst)) }
    }
}

#[async_trait]
impl EventLog for Growing {
    fn partitions(&self) -> u32 {
        1
    }

    async fn append(&self, _: Partition, _: Bytes) -> Result<Appended, AppendError> {
        panic!("nobody writes here")
    }

    async fn extent(&self, _: Partition) -> Result<Extent, LogError> {
        Ok(self.extent())
    }

    async fn consumer(&self, _: &str) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Consumer for Growing {
    async fn poll(&mut self, _: Duration) -> Result<Polled, LogError> {
        self.polls += 1;
        let partition = Partition(0);
        match self.polls {
            1 => Ok(Polled::Assigned(vec![Assignment { partition, committed: None, extent: self.extent() }])),
            2 => {
                let record =
                    BeaconRecord { app: "shop".into(), received_ms: RECEIVED.as_ms().unsigned_abs(), weight: 1, ..BeaconRecord::default() };
                let record = LogRecord { offset: Offset(0), appended: RECEIVED, bytes: record.encode_to_vec().into() };
                Ok(Polled::Records { partition, records: vec![record] })
            }
            _ => Err(LogError::Unavailable { context: "as a test".to_owned(), source: std::io::ErrorKind::TimedOut.into() }),
        }
    }

    async fn seek(&mut self, _: Partition, _: Offset) -> Result<(), LogError> {
        Ok(())
    }

    async fn commit(&mut self, _: &[(Partition, Committed)]) -> Result<(), LogError> {
        Ok(())
    }
}

fn worker(log: &Growing, store: RangeStore, flush_cells_max: usize) -> Worker {
    let config = Config { flush_interval: Duration::from_secs(3_600), flush_cells_max, duplicate_window: 10, limits: Limits::default() };
    let part = Health::default().part("aggregator");
    Worker::new(Arc::new(log.clone()), Arc::new(store), Vec::new(), config, Clock::manual(RECEIVED.as_ms()), part)
}

async fn told(recorder: &PrometheusHandle, lag: u64) {
    let line = format!("{LAG_RECORDS} {lag}");
    let so = async {
        while !recorder.render().lines().any(|told| told == line) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3 * 3_600), so).await.unwrap_or_else(|_| panic!("not {line}, but {}", recorder.render()));
}

/// Runs `worker`, and lets the log grow behind it.
async fn follows(log: &Growing, worker: Worker) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _until_the_end = metrics::set_default_local_recorder(&recorder);
    tokio::select! {
        ended = worker.run(std::future::pending()) => panic!("{ended:?}"),
        () = async {
            for end in [5, 17, 4_000] {
                log.end.store(end, Ordering::SeqCst);
                told(&handle, end).await;
            }
        } => {}
    }
}

#[tokio::test(start_paused = true)]
async fn the_lag_grows_with_the_log_while_the_store_does_not_answer() {
    let log = Growing::default();
    // Whatever is folded is written at once, which takes for ever.
    follows(&log, worker(&log, RangeStore::pausing(Duration::from_secs(1 << 30)), 0)).await;
}

#[tokio::test(start_paused = true)]
async fn the_lag_grows_with_the_log_while_nothing_can_be_read() {
    let log = Growing::default();
    follows(&log, worker(&log, RangeStore::new(), 1_000)).await;
}
