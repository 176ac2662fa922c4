//! What the audit says about ClickHouse's engine when all is well, and when something was lost or counted twice.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use schemas::time::MinuteRange;
use store::{
    Audit, Batch, Source, Store,
    clickhouse::{ClickHouseStore, config::Config},
    suite::{World, batches},
};

use self::support::{Database, client};

async fn command(config: &Config, sql: &str) {
    client(config).query(sql).execute().await.unwrap();
}

async fn audit(store: &dyn Store, range: MinuteRange) -> Audit {
    store.audit(range).await.unwrap().unwrap()
}

/// The events of a batch in the total, of one day or of all.
fn samples(batch: &Batch, day: Option<u32>) -> u64 {
    let total = batch.rollups.iter().filter(|group| group.group.cuboid.dimensions().is_empty());
    let cells = total.flat_map(|group| &group.cells).filter(|cell| day.is_none_or(|day| cell.minute.hour().day() == day));
    cells.map(|cell| cell.rollup.samples).sum()
}

fn fates(batch: &Batch) -> u64 {
    batch.fates.iter().map(|fate| fate.events).sum()
}

fn cut(batch: &Batch, start: u64, end: u64) -> Arc<Batch> {
    let sources = vec![Source { start, end, ..batch.sources[0] }];
    Arc::new(Batch { sources, ..batch.clone() })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_differs_after_random_batches_each_sent_once_or_several_times() {
    let world = Database::new();
    if world.missing() {
        return;
    }
    let store = world.open().await;
    let (mut events, mut sent, mut ends, mut all) = (0, 0, Vec::new(), None);
    for partition in 0..3 {
        let (batches, range) = batches(1, partition, 12);
        for (at, batch) in batches.iter().enumerate() {
            for _ in 0..=at % 3 {
                store.write(Arc::clone(batch)).await.unwrap();
            }
            events += samples(batch, None);
        }
        sent += 12;
        ends.push((partition, batches[11].sources[0].end));
        all = Some(range);
    }
    let audited = audit(&*store, all.unwrap()).await;
    assert!(events > 0);
    assert_eq!((audited.drift(), audited.events, audited.batches), (0, events, sent), "{audited:?}");
    assert_eq!(audited.ends.into_iter().collect::<Vec<_>>(), ends);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_on_their_way_are_no_difference() {
    let world = Database::new();
    if world.missing() {
        return;
    }
    let store = world.open().await;
    let range = batches(2, 0, 1).1;
    let (left, done) = (Arc::new(AtomicUsize::new(4)), Arc::new(AtomicBool::new(false)));
    for partition in 0..4 {
        let (store, left, done) = (Arc::clone(&store), Arc::clone(&left), Arc::clone(&done));
        tokio::spawn(async move {
            for batch in batches(2, partition, 15).0 {
                store.write(batch).await.unwrap();
            }
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                done.store(true, Ordering::SeqCst);
            }
        });
    }
    let mut under_load = 0;
    while !done.load(Ordering::SeqCst) {
        let audited = audit(&*store, range).await;
        assert_eq!(audited.drift(), 0, "{audited:?}");
        under_load += 1;
    }
    assert!(under_load > 1);
    assert_eq!(audit(&*store, range).await.batches, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_were_lost_are_told_by_table() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    let (batches, range) = batches(3, 0, 6);
    for batch in &batches {
        store.write(Arc::clone(batch)).await.unwrap();
    }
    let day = range.start.plus(24 * 60).hour().day();
    let of_day: u64 = batches.iter().map(|batch| samples(batch, Some(day))).sum();
    assert!(of_day > 0);
    let partition: String =
        client(&config).query("select toString(toYYYYMMDD(toDate(?)))").bind(u16::try_from(day).unwrap()).fetch_one().await.unwrap();
    command(&config, &format!("alter table rollup_minute drop partition id '{partition}'")).await;
    let audited = audit(&*store, range).await;
    assert_eq!((audited.minutes, audited.drift()), (of_day, of_day), "{audited:?}");
    command(&config, "truncate table fates").await;
    command(&config, "truncate table rollup_hour").await;
    let audited = audit(&*store, range).await;
    let all = |of: fn(&Batch) -> u64| batches.iter().map(|batch| of(batch)).sum::<u64>();
    assert_eq!((audited.minutes, audited.hours, audited.fates), (of_day, all(|batch| samples(batch, None)), all(fates)), "{audited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_deduplication_a_batch_sent_twice_is_told() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    let (batches, range) = batches(4, 0, 6);
    for batch in &batches {
        store.write(Arc::clone(batch)).await.unwrap();
    }
    assert_eq!(audit(&*store, range).await.drift(), 0);
    let batch = batches.iter().find(|batch| samples(batch, None) > 0 && fates(batch) > 0).unwrap();
    let (samples, fates) = (samples(batch, None), fates(batch));
    // The windows stay off, so that what is told adds up; but what it is compared with does not double with the rest.
    for (round, table) in (0..).zip(["rollup_minute", "rollup_hour", "fates", "applied"]) {
        command(&config, &format!("alter table {table} modify setting non_replicated_deduplication_window = 0")).await;
        store.write(Arc::clone(batch)).await.unwrap();
        let audited = audit(&*store, range).await;
        let told = (audited.minutes, audited.hours, audited.fates, audited.drift());
        let (minutes, hours, fates) = ((round + 1) * samples, round * samples, u64::saturating_sub(round, 1) * fates);
        assert_eq!(told, (minutes, hours, fates, minutes + hours + fates), "{table}: {audited:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_in_no_batch_or_in_two_are_told() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    let (batches, range) = batches(5, 0, 6);
    // From 10 on, as a log goes on whose first records are gone; then 5 are left out, and 7 stand in two.
    let ends = [(10, 20), (25, 40), (33, 50), (50, 60)];
    for (batch, (start, end)) in batches.iter().zip(ends) {
        store.write(cut(batch, start, end)).await.unwrap();
    }
    let audited = audit(&*store, range).await;
    assert_eq!((audited.missing, audited.repeated, audited.drift(), audited.ends[&0]), (5, 7, 12, 60), "{audited:?}");
    // A batch that begins as another did, which merges must not hide.
    store.write(cut(&batches[4], 25, 33)).await.unwrap();
    command(&config, "optimize table applied final").await;
    let audited = audit(&*store, range).await;
    assert_eq!((audited.missing, audited.repeated, audited.minutes), (5, 15, 0), "{audited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_kept_is_not_compared() {
    let Some(config) = Database::new().0 else { return };
    let kept = Config { minute_retention: std::time::Duration::from_secs(24 * 3_600), ..config };
    store::clickhouse::migrate(kept.clone()).await.unwrap();
    let store = ClickHouseStore::open(kept).await.unwrap();
    let (batches, range) = batches(6, 0, 4);
    for batch in batches {
        store.write(batch).await.unwrap();
    }
    // The script's minutes are long past their retention, and the server deletes them when it likes.
    let audited = audit(&store, range).await;
    assert!(audited.range.is_empty() && audited.range.start > range.end, "{audited:?}");
    assert_eq!(audited.drift(), 0);
}
