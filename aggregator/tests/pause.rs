//! A worker that is slow or paused between its intent and what it sends under it.
#![expect(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "made for tests in which workers die")]
mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aggregator::{
    config::{Config, Limits},
    worker::Worker,
};
use async_trait::async_trait;
use bytes::Bytes;
use event_log::{AppendError, Appended, Assignment, Committed, Consumer, EventLog, Extent, LogError, LogRecord, Offset, Partition, Polled};
use schemas::{
    app::{App, AppId},
    record::{BeaconRecord, Message},
    time::Timestamp,
};
use service::{clock::Clock, health::Health};
use support::RangeStore;
use tokio::sync::watch;

/// How many partitions there are: one more than are written at once.
const PARTITIONS: u32 = 9;

/// A log with a record in each partition, whose reader owns them for so many commits.
#[derive(Clone)]
struct Borrowed {
    owned: usize,
    commits: watch::Sender<usize>,
    polls: Arc<Mutex<Vec<Polled>>>,
}

const RECEIVED: Timestamp = Timestamp::from_ms(1_763_719_200_000);
const EXTENT: Extent = Extent { start: Offset(0), end: Offset(1) };

fn record() -> Bytes {
    BeaconRecord { app: "shop".into(), received_ms: RECEIVED.as_ms().unsigned_abs(), weight: 1, ..BeaconRecord::default() }
        .encode_to_vec()
        .into()
}

impl Borrowed {
    fn new(owned: usize) -> Self {
        let partitions = || (0..PARTITIONS).map(Partition);
        let assigned = partitions().map(|partition| Assignment { partition, committed: None, extent: EXTENT }).collect();
        let records =
            |partition| Polled::Records { partition, records: vec![LogRecord { offset: Offset(0), appended: RECEIVED, bytes: record() }] };
        // The last first.
        let polls = partitions().map(records).chain([Polled::Assigned(assigned)]).collect();
        Self { owned, commits: watch::Sender::new(0), polls: Arc::new(Mutex::new(polls)) }
    }
}

#[async_trait]
impl EventLog for Borrowed {
    fn partitions(&self) -> u32 {
        PARTITIONS
    }

    async fn append(&self, _: Partition, _: Bytes) -> Result<Appended, AppendError> {
        panic!("nobody writes here")
    }

    async fn extent(&self, _: Partition) -> Result<Extent, LogError> {
        Ok(EXTENT)
    }

    async fn consumer(&self, _: &str) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Consumer for Borrowed {
    async fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        let next = self.polls.lock().unwrap().pop();
        if next.is_none() {
            tokio::time::sleep(wait).await;
        }
        Ok(next.unwrap_or(Polled::Idle))
    }

    async fn seek(&mut self, _: Partition, _: Offset) -> Result<(), LogError> {
        Ok(())
    }

    async fn commit(&mut self, positions: &[(Partition, Committed)]) -> Result<(), LogError> {
        self.commits.send_modify(|commits| *commits += 1);
        if *self.commits.borrow() <= self.owned { Ok(()) } else { Err(LogError::NotAssigned(positions[0].0)) }
    }
}

/// What a worker has written at the end of its third commit, when the first write takes so long, and it owns its
/// partitions for so many commits.
async fn written(pause: Duration, owned: usize) -> Vec<(u32, u64, u64)> {
    let (log, store) = (Arc::new(Borrowed::new(owned)), Arc::new(RangeStore::pausing(pause)));
    let config = Config { flush_interval: Duration::from_secs(5), flush_cells_max: 1_000, duplicate_window: 10, limits: Limits::default() };
    let apps = vec![App::new(AppId::new("shop").unwrap(), Vec::new())];
    let worker =
        Worker::new(log.clone(), store.clone(), apps, config, Clock::manual(RECEIVED.as_ms()), Health::default().part("aggregator"));
    let mut commits = log.commits.subscribe();
    tokio::select! {
        ended = worker.run(std::future::pending()) => panic!("{ended:?}"),
        third = commits.wait_for(|commits| *commits >= 3) => drop(third.unwrap()),
    }
    store.ranges()
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_grew_old_is_committed_anew_before_anything_is_sent_under_it() {
    let (short, long) = (Duration::from_secs(1), Duration::from_secs(120));
    let all: Vec<_> = (0..PARTITIONS).map(|partition| (partition, 0, 1)).collect();
    assert_eq!(written(short, 99).await, all);
    assert_eq!(written(long, 99).await, all);
    // The last batch was sent before anybody could know that the partition was taken away.
    assert_eq!(written(short, 1).await, all);
    // After a long pause it asks first, and leaves the batch to the partition's next owner.
    assert_eq!(written(long, 1).await, all[..all.len() - 1]);
}
