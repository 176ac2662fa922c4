//! Every batch counts once on a way to ClickHouse that fails.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemas::{app::AppId, time::Minute};
use store::{
    Batch, Store, StoreError,
    clickhouse::{ClickHouseStore, config::Config},
    suite::{
        World, batches,
        contents::{Contents, FateKey, RollupKey, RollupSums, StratumKey, contents, tsv},
        proxy::{Faults, Proxy},
    },
};

use self::support::Database;

/// What the tables must have.
fn truth(batches: &[Arc<Batch>]) -> Contents {
    let mut truth = Contents::default();
    let mut slots = BTreeSet::new();
    let add = |sums: &mut BTreeMap<RollupKey, RollupSums>, key: RollupKey, rollup: &schemas::rollup::Rollup| {
        let sum = sums.entry(key).or_default();
        sum.samples += rollup.samples;
        sum.count += rollup.count();
        sum.sum += u128::from(rollup.sum);
        sum.buckets += rollup.count();
    };
    for batch in batches {
        for group in &batch.rollups {
            for cell in &group.cells {
                let key = |window: Minute| RollupKey {
                    app: group.group.app.to_string(),
                    metric: cell.metric.name.as_str().to_owned(),
                    cuboid: group.group.cuboid.to_string(),
                    window,
                };
                add(&mut truth.minutes, key(cell.minute), &cell.rollup);
                add(&mut truth.hours, key(cell.minute.hour().first_minute()), &cell.rollup);
            }
        }
        for fate in &batch.fates {
            let (app, kind, reason) = (fate.app.to_string(), fate.kind.name().to_owned(), fate.reason.to_string());
            *truth.fates.entry(FateKey { app, minute: fate.minute, kind, reason }).or_default() += fate.events;
        }
        let key = |app: &AppId, minute, route: &str| StratumKey { app: app.to_string(), minute, route: route.to_owned() };
        for stratum in &batch.strata {
            *truth.strata.entry(key(&stratum.app, stratum.minute, &stratum.route)).or_default() += stratum.beacons;
        }
        slots.extend(batch.samples.iter().map(|sample| (key(&sample.app, sample.minute, &sample.route), sample.rank.slot())));
    }
    for (key, _) in slots {
        *truth.samples.entry(key).or_default() += 1;
    }
    truth
}

/// Sends batches over a way that is cut off at random, each until it is taken; returns how often it was not.
async fn send(config: &Config, seed: u64, batches: &[Arc<Batch>]) -> u32 {
    let proxy = Proxy::start(&config.urls[0], seed).unwrap();
    let store = ClickHouseStore::open(Config { urls: vec![proxy.url()], ..config.clone() }).await.unwrap();
    let mut refused = 0;
    // The client asks once for each table's columns, a long answer.
    store.write(Arc::clone(&batches[0])).await.unwrap();
    for (at, batch) in batches.iter().enumerate() {
        // Both kinds of cuts; in between all is well.
        proxy.set(match at % 3 {
            0 => Faults { cut_requests: Some(1..60_000), ..Faults::default() },
            1 => Faults { cut_answers: Some(1..1_500), ..Faults::default() },
            _ => Faults::default(),
        });
        for tries in 1.. {
            match store.write(Arc::clone(batch)).await {
                Ok(()) => break,
                Err(StoreError::Unavailable(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            if tries % 10 == 0 {
                proxy.set(Faults::default());
            }
        }
    }
    assert!(proxy.cuts() > 0);
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_counts_once_though_connections_end_in_the_middle_of_inserts_and_answers() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    let (batches, range) = batches(1, 0, 18);
    assert!(send(&config, 1, &batches).await > 0);
    assert_eq!(contents(&config).await.unwrap(), truth(&batches));
    let audited = store.audit(range).await.unwrap().unwrap();
    assert_eq!((audited.drift(), audited.batches), (0, 18));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_deduplication_the_same_faults_count_twice() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    world.open().await;
    let (batches, _) = batches(1, 0, 18);
    // The store looks at the windows when it is opened, which is before they go.
    let proxy = Proxy::start(&config.urls[0], 1).unwrap();
    let store = ClickHouseStore::open(Config { urls: vec![proxy.url()], ..config.clone() }).await.unwrap();
    for table in ["rollup_minute", "rollup_hour", "fates", "strata", "applied"] {
        tsv(&config, &format!("alter table {table} modify setting non_replicated_deduplication_window = 0")).await.unwrap();
    }
    let mut refused = 0;
    store.write(Arc::clone(&batches[0])).await.unwrap();
    for batch in &batches[1..] {
        proxy.set(Faults { cut_answers: Some(1..1_500), ..Faults::default() });
        while let Err(error) = store.write(Arc::clone(batch)).await {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 0);
    let (is, should) = (contents(&config).await.unwrap(), truth(&batches));
    let samples = |contents: &Contents| contents.minutes.values().map(|sums| sums.samples).sum::<u64>();
    assert!(samples(&is) > samples(&should), "{} and {}", samples(&is), samples(&should));
    let beacons = |contents: &Contents| contents.strata.values().sum::<u64>();
    assert!(beacons(&is) > beacons(&should), "{} and {}", beacons(&is), beacons(&should));
    // A sample that comes again takes the slot that it has.
    assert_eq!(is.samples, should.samples);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_is_unavailable_until_it_does_not() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    world.open().await;
    let proxy = Proxy::start(&config.urls[0], 1).unwrap();
    let store = ClickHouseStore::open(Config { urls: vec![proxy.url()], ..config.clone() }).await.unwrap();
    let (batches, _) = batches(2, 0, 2);
    store.write(Arc::clone(&batches[0])).await.unwrap();
    proxy.set(Faults { refuse: true, ..Faults::default() });
    assert!(matches!(store.write(Arc::clone(&batches[1])).await, Err(StoreError::Unavailable(_))));
    proxy.set(Faults::default());
    store.write(Arc::clone(&batches[1])).await.unwrap();
    assert_eq!(contents(&config).await.unwrap(), truth(&batches));
}
