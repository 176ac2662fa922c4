//! Exactly once on a store that knows batches by their range alone: whatever dies when, every event counts once.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{sync::Arc, time::Duration};

use aggregator::{
    config::{Config, Limits},
    worker::Worker,
};
use bytes::Bytes;
use event_log::{EventLog, Partition};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use schemas::{
    app::{App, AppId},
    record::{BeaconRecord, Event, Message, Unit},
    time::Timestamp,
};
use service::{clock::Clock, health::Health};
use support::{Deaths, Mortal, RangeStore, open};

const PARTITIONS: u32 = 3;
const RECORDS: u64 = 400;
/// What is not counted after this time is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// A record of beacon `id` with one event.
fn record(n: u64, id: u64) -> Bytes {
    let event = Event { metric: "LCP".into(), unit: Unit::UNIT_DURATION.into(), value: 1_000 * n, ..Event::default() };
    let record = BeaconRecord {
        app: "shop".into(),
        beacon_id: id.to_le_bytes().to_vec(),
        received_ms: 1_763_719_200_000 + n * 100,
        lateness_max_s: 172_800,
        weight: 1,
        route: "/".into(),
        events: vec![event],
        ..BeaconRecord::default()
    };
    record.encode_to_vec().into()
}

fn worker(log: &Arc<Mortal>, store: &Arc<RangeStore>) -> Worker {
    let config =
        Config { flush_interval: Duration::from_millis(1), flush_cells_max: 20, duplicate_window: 1_000, limits: Limits::default() };
    let apps = vec![App::new(AppId::new("shop").unwrap(), Vec::new())];
    let clock = Clock::manual(Timestamp::from_ms(1_763_719_300_000).as_ms());
    Worker::new(log.clone(), store.clone(), apps, config, clock, Health::default().part("aggregator"))
}

/// Folds while workers die, two at a time. Returns how many events must have been counted, and how many were.
async fn run(seed: u64, store: RangeStore) -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let deaths = Deaths::new(seed);
    let log = Arc::new(Mortal::new(open(dir.path(), PARTITIONS), deaths.clone()));
    let store = Arc::new(store.mortal(deaths.clone()));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // One in twenty repeats a beacon, in its first copy's partition, as an intake puts it.
    let (mut expected, mut id, mut partition) = (0, 0, 0);
    for n in 0..RECORDS {
        if n == 0 || rng.random_bool(0.95) {
            (id, partition) = (n, rng.random_range(0..PARTITIONS));
            expected += 1;
        }
        log.append(Partition(partition), record(n, id)).await.unwrap();
        if n % 20 == 19 {
            let mut one = tokio::spawn(worker(&log, &store).run(std::future::pending()));
            let mut other = tokio::spawn(worker(&log, &store).run(std::future::pending()));
            tokio::select! {
                () = deaths.next() => {}
                () = store.has_counted(expected) => {}
                ended = &mut one => panic!("{ended:?}"),
                ended = &mut other => panic!("{ended:?}"),
            }
            one.abort();
            other.abort();
            assert!(one.await.unwrap_err().is_cancelled() && other.await.unwrap_err().is_cancelled());
        }
    }
    deaths.end();
    // The last one folds what is left, and stops.
    let enough = Arc::clone(&store);
    let last = worker(&log, &store).run(async move { enough.has_counted(expected).await });
    tokio::time::timeout(PATIENCE, last)
        .await
        .unwrap_or_else(|_| panic!("seed {seed}: {} of {expected} are counted", store.counted()))
        .unwrap();
    (expected, store.counted())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_counts_once_however_often_workers_die_between_intent_and_commit() {
    for seed in 0..12 {
        let (expected, counted) = run(seed, RangeStore::new()).await;
        assert_eq!(counted, expected, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ranges_that_are_known_again_the_same_deaths_count_twice() {
    let mut too_many = 0;
    for seed in 0..12 {
        let (expected, counted) = run(seed, RangeStore::forgetful()).await;
        assert!(counted >= expected, "seed {seed}: {counted} of {expected}");
        too_many += counted - expected;
    }
    assert!(too_many > 0);
}
