//! What only the embedded store does: merges that are cut off, retention, the bound on disk.

use std::{sync::Arc, time::Duration};

use schemas::{
    app::AppId,
    cuboid::Cuboid,
    metric::{Metric, MetricName},
    query::Windows,
    rollup::{Cell, GroupRollups, Rollup},
    sample::{Rank, SLOTS, SampledBeacon},
    series::Group,
    unit::Unit,
};

use super::{keys::Kind, *};
use crate::Source;

const NOW: Timestamp = Timestamp::from_ms(1_763_719_200_000);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn open(dir: &tempfile::TempDir, change: impl FnOnce(&mut Config)) -> Result<EmbeddedStore, StoreError> {
    let mut config = Config::new(dir.path().to_owned());
    change(&mut config);
    EmbeddedStore::open(config, NOW)
}

fn app() -> AppId {
    AppId::new("shop").unwrap()
}

fn metric(name: &str) -> Metric {
    Metric { name: MetricName::new(name).unwrap(), unit: Unit::Duration }
}

/// A batch of record `offset` with one value of each metric on each route at `minute`.
fn batch(offset: u64, metrics: &[&str], routes: &[&str], minute: Minute) -> Batch {
    let mut rollup = Rollup::default();
    rollup.record(1_000 + offset, 1);
    let cells: Vec<Cell> = metrics.iter().map(|name| Cell { metric: Arc::new(metric(name)), minute, rollup: rollup.clone() }).collect();
    let group = |route: &&str| Group { app: app(), cuboid: "route".parse().unwrap(), values: [(*route).into()].into() };
    Batch {
        sources: vec![Source { partition: 0, start: offset, end: offset + 1 }],
        rollups: routes.iter().map(|route| GroupRollups { group: Arc::new(group(route)), cells: cells.clone() }).collect(),
        fates: vec![FateCount { app: app(), minute, kind: schemas::fate::FateKind::RolledUp, reason: "".into(), events: 1, newest: NOW }],
        ..Batch::default()
    }
}

/// The batch with a stratum of `minute` and a sample of it.
fn with_a_sample(batch: Batch, minute: Minute) -> Batch {
    let beacon = SampledBeacon {
        received: minute.end(),
        weight: 1,
        dimensions: BTreeMap::new(),
        experiments: BTreeMap::new(),
        view_id: "".into(),
        session_id: "".into(),
        url: "".into(),
        events: Vec::new(),
    };
    let strata = vec![Stratum { app: app(), minute, route: "/".into(), beacons: 3 }];
    Batch { strata, samples: vec![Sample { app: app(), minute, route: "/".into(), rank: Rank(7), beacon }], ..batch }
}

/// How many strata there are, and how many samples.
fn sampled(store: &EmbeddedStore) -> (usize, usize) {
    let ever = StrataQuery { app: app(), range: MinuteRange::new(Minute(0), NOW.minute().plus(60)), routes: None };
    (store.0.strata(&ever).unwrap().len(), store.0.samples(&ever, SLOTS).unwrap().len())
}

fn count(store: &EmbeddedStore, name: &str, windows: Windows) -> u64 {
    let query = RollupQuery {
        app: app(),
        metric: metric(name),
        cuboid: "route".parse::<Cuboid>().unwrap(),
        range: MinuteRange::new(Minute(NOW.minute().0 / 60 * 60).minus(30 * 24 * 60), Minute(NOW.minute().0 / 60 * 60).plus(60)),
        windows,
        filters: Vec::new(),
        group_by: None,
    };
    store.0.rollups(&query).unwrap().iter().map(|row| row.rollup.count()).sum()
}

const BY_HOUR: Windows = Windows::Step { minutes: 60, resolution: Resolution::Hour };
const BY_MINUTE: Windows = Windows::Step { minutes: 1, resolution: Resolution::Minute };

#[test]
fn a_merge_that_is_cut_off_after_any_cube_counts_every_row_once() {
    let metrics = ["a", "b", "c", "d"];
    for done in 0..=metrics.len() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir, |_| {}).unwrap();
        for offset in 0..5 {
            store.0.write_batch(&batch(offset, &metrics, &["/", "/x"], NOW.minute())).unwrap();
        }
        // As merge_fresh does, but for the first cubes only.
        let rows = Arc::new(std::mem::take(&mut store.0.change().active));
        let last_flush = store.0.read().next_flush - 1;
        store.0.change().sealed = Some(Sealed { rows: Arc::clone(&rows), last_flush, merged: None });
        for (cube, rows) in rows.cubes().take(done) {
            store.0.merge_cube(cube, rows, last_flush).unwrap();
        }
        for name in metrics {
            assert_eq!(count(&store, name, BY_MINUTE), 10, "{name} while {done} cubes are merged");
        }
        store.0.write_batch(&batch(5, &metrics, &["/"], NOW.minute())).unwrap();
        drop(store);
        let store = open(&dir, |_| {}).unwrap();
        for name in metrics {
            assert_eq!((count(&store, name, BY_MINUTE), count(&store, name, BY_HOUR)), (11, 11), "{name} after {done} cubes and a restart");
        }
        assert!(store.0.read().sealed.is_none());
    }
}

#[test]
fn rows_are_merged_when_they_are_many_and_when_they_are_old() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, |config| config.fresh_rows_max = 10).unwrap();
    store.0.write_batch(&batch(0, &["a", "b", "c"], &["/", "/x", "/y"], NOW.minute())).unwrap();
    assert_eq!(store.0.read().active.rows(), 9);
    store.0.write_batch(&batch(1, &["a"], &["/z"], NOW.minute())).unwrap();
    assert_eq!((store.0.read().active.rows(), store.0.fresh.iter().count()), (0, 0));
    store.0.write_batch(&batch(2, &["a"], &["/z"], NOW.minute())).unwrap();
    store.0.upkeep(NOW.plus(Duration::from_secs(599))).unwrap();
    assert_eq!(store.0.read().active.rows(), 1);
    store.0.upkeep(NOW.plus(Duration::from_secs(600))).unwrap();
    assert_eq!((store.0.read().active.rows(), count(&store, "a", BY_MINUTE)), (0, 5));
    assert_eq!(store.0.size().unwrap().series_minutes, 10);
}

#[test]
fn what_is_older_than_the_retention_of_minutes_is_kept_by_the_hour() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, |_| {}).unwrap();
    store.0.write_batch(&batch(0, &["a"], &["/"], NOW.minute().minus(9 * 24 * 60))).unwrap();
    store.0.write_batch(&batch(1, &["a"], &["/"], NOW.minute().minus(7 * 24 * 60))).unwrap();
    for _ in 0..2 {
        assert_eq!((count(&store, "a", BY_MINUTE), count(&store, "a", BY_HOUR)), (1, 2));
        store.0.merge_fresh().unwrap();
    }
}

#[test]
fn stretches_past_their_retention_are_deleted_with_what_only_they_had() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, |config| config.hour_retention = 10 * DAY).unwrap();
    store.0.write_batch(&batch(0, &["a"], &["/old"], NOW.minute())).unwrap();
    store.0.merge_fresh().unwrap();
    let later = NOW.plus(45 * DAY);
    store.0.upkeep(NOW.plus(5 * DAY)).unwrap();
    assert_eq!(count(&store, "a", BY_MINUTE), 1);
    let now_later = later.minute();
    store.0.write_batch(&batch(1, &["a"], &["/new"], now_later)).unwrap();
    assert_eq!(store.0.upkeep(later).unwrap(), Upkeep { expired: 2, evicted: 0 });
    assert_eq!((count(&store, "a", BY_MINUTE), count(&store, "a", BY_HOUR)), (0, 0));
    assert_eq!(store.0.read().catalog.values(&app(), &Dimension::Route), ["/new"]);
    let ever = MinuteRange::new(Minute(0), now_later.plus(1));
    assert_eq!(store.0.fates(&app(), ever).unwrap().len(), 1);
    drop(store);
    let store = open(&dir, |_| {}).unwrap();
    assert_eq!(store.0.read().catalog.values(&app(), &Dimension::Route), ["/new"]);
}

#[test]
fn past_the_bound_on_disk_the_oldest_samples_go_first_then_minutes_and_the_present_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, |config| config.disk_bytes_max = 1).unwrap();
    for (offset, days) in [(0, 3), (1, 2), (2, 0)] {
        let minute = NOW.minute().minus(days * 24 * 60);
        store.0.write_batch(&with_a_sample(batch(offset, &["a"], &["/"], minute), minute)).unwrap();
    }
    store.0.merge_fresh().unwrap();
    let day = NOW.minute().hour().day();
    let order = [(Kind::Samples, day - 3), (Kind::Samples, day - 2), (Kind::Minutes, day - 3), (Kind::Minutes, day - 2)];
    for (kind, number) in order {
        let next = store.0.evictable(NOW).unwrap();
        assert_eq!(next, Stretch { kind, number });
        store.0.delete_stretch(next).unwrap();
    }
    assert_eq!(store.0.evictable(NOW), None);
    assert_eq!((count(&store, "a", BY_MINUTE), count(&store, "a", BY_HOUR), sampled(&store)), (1, 3, (1, 1)));
}

#[test]
fn upkeep_deletes_what_is_over_the_bound_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, |config| config.disk_bytes_max = 1).unwrap();
    for (offset, days) in [(0, 2), (1, 0)] {
        let minute = NOW.minute().minus(days * 24 * 60);
        store.0.write_batch(&with_a_sample(batch(offset, &["a"], &["/"], minute), minute)).unwrap();
    }
    store.0.merge_fresh().unwrap();
    assert_eq!(store.0.upkeep(NOW).unwrap(), Upkeep { expired: 0, evicted: 2 });
    assert_eq!((count(&store, "a", BY_MINUTE), sampled(&store)), (1, (1, 1)));
    // The groups of what is left are known still.
    assert_eq!(store.0.read().catalog.values(&app(), &Dimension::Route), ["/"]);
}

#[test]
fn samples_are_kept_as_long_as_minutes_and_not_taken_after() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, |_| {}).unwrap();
    let ago = |days: u32| NOW.minute().minus(days * 24 * 60);
    store.0.write_batch(&with_a_sample(batch(0, &["a"], &["/"], ago(7)), ago(7))).unwrap();
    assert_eq!(sampled(&store), (1, 1));
    // Past the retention of minutes: rows count by the hour, nothing else is kept.
    store.0.write_batch(&with_a_sample(batch(1, &["a"], &["/"], ago(9)), ago(9))).unwrap();
    assert_eq!((sampled(&store), count(&store, "a", BY_HOUR)), ((1, 1), 2));
    drop(store);
    let store = open(&dir, |_| {}).unwrap();
    assert_eq!(sampled(&store), (1, 1));
    store.0.merge_fresh().unwrap();
    // The samples' day and the minutes'.
    assert_eq!(store.0.upkeep(NOW.plus(3 * DAY)).unwrap(), Upkeep { expired: 2, evicted: 0 });
    assert_eq!((sampled(&store), count(&store, "a", BY_HOUR)), ((0, 0), 2));
}

#[test]
fn a_store_of_another_format_or_another_process_is_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, |_| {}).unwrap();
    assert!(open(&dir, |_| {}).unwrap_err().to_string().contains("another process"));
    store.0.meta.insert("format", 99u32.to_be_bytes()).unwrap();
    drop(store);
    assert!(open(&dir, |_| {}).unwrap_err().to_string().contains("format 99"));
}
