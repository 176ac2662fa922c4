//! What every store must do, whatever it is made of. [`crate::store_suite`] makes a test of each
//! function here for one implementation.

pub mod contents;
pub mod engine;
mod model;
pub mod proxy;
mod samples;

use std::sync::Arc;

use async_trait::async_trait;
use model::{APPS, Model, NOW, Script};
use schemas::{
    alert::{Alert, AlertChange, AlertState, Delivery},
    app::AppId,
    dimension::Dimension,
    fate::{FateCount, FateKind},
    flag::{Flag, Rule},
    metric::{Metric, MetricName},
    query::{RollupQuery, RollupRow},
    sample::{SLOTS, StrataQuery},
    series::{Group, Series},
    time::{Minute, MinuteRange, Timestamp},
    unit::Unit,
};

use crate::{AlertQuery, Batch, Source, Store};

/// A place where a store lives on when it is closed.
#[async_trait]
pub trait World: Send + Sync {
    /// Opens the store of this world, as at a start of the process.
    async fn open(&self) -> Arc<dyn Store>;

    /// Whether there can't be such a world here; whoever says so prints why.
    fn missing(&self) -> bool {
        false
    }
}

/// Makes the suite's tests for the worlds that `$world` makes, an expression of type
/// `impl World`.
#[macro_export]
macro_rules! store_suite {
    ($world:expr) => {
        $crate::store_suite!($world;
            random_questions_get_the_answers_of_a_plain_model,
            a_batch_sent_again_changes_nothing,
            a_gap_in_the_log_is_refused,
            fates_add_up_and_remember_the_newest,
            a_tested_minute_replaces_its_flags,
            alerts_are_replaced_and_found,
            metrics_and_values_are_listed,
            an_empty_store_answers_with_nothing
        );
    };
    ($world:expr; $($name:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let world = $world;
                if !$crate::suite::World::missing(&world) {
                    $crate::suite::$name(&world).await;
                }
            }
        )+
    };
}

fn app(name: &str) -> AppId {
    AppId::new(name).expect("a constant")
}

/// A minute of the script's time: stores delete what is old.
fn minute(of: u32) -> Minute {
    NOW.minute().minus(10_000).plus(of)
}

fn batch(start: u64, end: u64) -> Batch {
    Batch { sources: vec![Source { partition: 0, start, end }], ..Batch::default() }
}

/// Seeded batches and questions, with upkeep and restarts in between.
pub async fn random_questions_get_the_answers_of_a_plain_model(world: &dyn World) {
    for seed in 0..4 {
        let (mut script, mut model) = (Script::new(seed), Model::default());
        let mut store = world.open().await;
        // Each seed has apps of its own, so that one world serves all; the log goes on. A store that keeps
        // no offsets knows a batch by its range: there each seed has its own.
        let first = match store.applied().await.unwrap() {
            Some(applied) => applied.get(&0).copied().unwrap_or(0),
            None => seed * 1_000,
        };
        for (round, next) in (0..30).zip(first..) {
            let batch = script.batch(seed, next);
            model.add(&batch);
            store.write(Arc::new(batch)).await.unwrap();
            if round % 7 == 3 {
                store.upkeep(NOW.plus(std::time::Duration::from_secs(round * 300))).await.unwrap();
            }
            if round % 11 == 5 {
                drop(store);
                store = world.open().await;
            }
            for _ in 0..8 {
                let query = script.query(seed);
                assert_eq!(store.rollups(&query).await.unwrap(), model.rollups(&query), "seed {seed}, round {round}, {query:?}");
            }
            let (cube, resolution, windows) = script.cube(seed);
            assert_eq!(
                store.cube(&cube, resolution, &windows).await.unwrap(),
                model.cube(&cube, resolution, &windows),
                "seed {seed}, round {round}"
            );
            let (query, slots) = script.strata_query(seed);
            assert_eq!(store.strata(&query).await.unwrap(), model.samples.strata(&query), "seed {seed}, round {round}, {query:?}");
            let samples = store.samples(&query, slots).await.unwrap();
            assert_eq!(samples, model.samples.samples(&query, slots), "seed {seed}, round {round}, {slots} slots, {query:?}");
        }
    }
}

/// Also after a restart, and in another company of partitions.
pub async fn a_batch_sent_again_changes_nothing(world: &dyn World) {
    let (mut script, mut model) = (Script::new(7), Model::default());
    let batch = Arc::new(script.batch(100, 0));
    model.add(&batch);
    let store = world.open().await;
    store.write(Arc::clone(&batch)).await.unwrap();
    store.write(Arc::clone(&batch)).await.unwrap();
    drop(store);
    let store = world.open().await;
    store.write(batch).await.unwrap();
    let query = script.total(100);
    assert_eq!(store.rollups(&query).await.unwrap(), model.rollups(&query));
    let mut found = 0;
    for app in APPS.map(|name| model::app(name, 100)) {
        let strata = StrataQuery { app, range: query.range, routes: None };
        let (beacons, samples) = (model.samples.strata(&strata), model.samples.samples(&strata, SLOTS));
        found += beacons.len().min(samples.len());
        assert_eq!(store.strata(&strata).await.unwrap(), beacons);
        assert_eq!(store.samples(&strata, SLOTS).await.unwrap(), samples);
    }
    assert!(found > 0);
}

/// The same batches and questions to two stores: their answers are equal to the bit. `rounds` of 40
/// questions each.
pub async fn two_stores_give_the_same_answers(one: &dyn Store, other: &dyn Store, rounds: u64) {
    const OF: u64 = 400;
    let mut script = Script::new(11);
    let (mut rows, mut sampled) = (0, 0);
    for round in 0..rounds {
        let batch = Arc::new(script.batch(OF, round));
        one.write(Arc::clone(&batch)).await.unwrap();
        other.write(batch).await.unwrap();
        for _ in 0..40 {
            let query = script.query(OF);
            let answer = one.rollups(&query).await.unwrap();
            rows += answer.len();
            assert_eq!(answer, other.rollups(&query).await.unwrap(), "round {round}, {query:?}");
        }
        let (cube, resolution, windows) = script.cube(OF);
        assert_eq!(
            one.cube(&cube, resolution, &windows).await.unwrap(),
            other.cube(&cube, resolution, &windows).await.unwrap(),
            "{cube:?}"
        );
        let (query, slots) = script.strata_query(OF);
        assert_eq!(one.strata(&query).await.unwrap(), other.strata(&query).await.unwrap(), "round {round}, {query:?}");
        let answer = one.samples(&query, slots).await.unwrap();
        sampled += answer.len();
        assert_eq!(answer, other.samples(&query, slots).await.unwrap(), "round {round}, {slots} slots, {query:?}");
    }
    for app in APPS.map(|name| model::app(name, OF)) {
        assert_eq!(one.metrics(&app).await.unwrap(), other.metrics(&app).await.unwrap());
        assert_eq!(one.values(&app, &Dimension::Route).await.unwrap(), other.values(&app, &Dimension::Route).await.unwrap());
    }
    assert!(rows > 0 && sampled > 0, "the questions ask about what there is");
}

/// A batch of one record of a script, and the question for the total of one of its apps' metrics: for
/// tests of one store alone.
pub fn a_batch_and_its_total(seed: u64, partition: u32, start: u64) -> (Arc<Batch>, RollupQuery, Vec<RollupRow>) {
    let (mut script, mut model) = (Script::new(seed), Model::default());
    let mut batch = script.batch(500 + seed, start);
    batch.sources = vec![Source { partition, start, end: start + 1 }];
    model.add(&batch);
    let query = script.total(500 + seed);
    let rows = model.rollups(&query);
    (Arc::new(batch), query, rows)
}

/// The first `count` batches of a partition of an imagined log, one after another, and the range of all their events.
pub fn batches(seed: u64, partition: u32, count: usize) -> (Vec<Arc<Batch>>, MinuteRange) {
    let of = 600 + seed;
    let mut script = Script::new(seed << 16 | u64::from(partition));
    let mut start = 0;
    let batches = std::iter::repeat_with(|| {
        let end = start + script.records();
        let sources = vec![Source { partition, start, end }];
        start = end;
        Arc::new(Batch { sources, fates: script.fates(of), ..script.batch(of, 0) })
    });
    (batches.take(count).collect(), MinuteRange::new(NOW.minute().minus(model::MINUTES_BACK), NOW.minute().plus(1)))
}

/// Records that were neither applied nor follow what was.
pub async fn a_gap_in_the_log_is_refused(world: &dyn World) {
    let store = world.open().await;
    store.write(Arc::new(batch(0, 5))).await.unwrap();
    if store.applied().await.unwrap().is_some() {
        store.write(Arc::new(batch(6, 8))).await.unwrap_err();
        store.write(Arc::new(batch(3, 8))).await.unwrap_err();
        store.write(Arc::new(batch(5, 8))).await.unwrap();
        assert_eq!(store.applied().await.unwrap().unwrap()[&0], 8);
    }
}

/// Counts of one minute, kind and reason add up over batches.
pub async fn fates_add_up_and_remember_the_newest(world: &dyn World) {
    let store = world.open().await;
    let fate = |kind, reason: &str, events, newest| FateCount {
        app: app("shop"),
        minute: minute(100),
        kind,
        reason: reason.into(),
        events,
        newest: Timestamp::from_ms(newest),
    };
    store
        .write(Arc::new(Batch { fates: vec![fate(FateKind::RolledUp, "", 5, 20), fate(FateKind::Rejected, "bot", 1, 20)], ..batch(0, 1) }))
        .await
        .unwrap();
    store.write(Arc::new(Batch { fates: vec![fate(FateKind::RolledUp, "", 2, 10)], ..batch(1, 2) })).await.unwrap();
    let all = MinuteRange::new(minute(100), minute(101));
    assert_eq!(
        store.fates(&app("shop"), all).await.unwrap(),
        [fate(FateKind::RolledUp, "", 7, 20), fate(FateKind::Rejected, "bot", 1, 20)]
    );
    assert_eq!(store.fates(&app("shop"), MinuteRange::new(minute(101), minute(200))).await.unwrap(), []);
    assert_eq!(store.fates(&app("blog"), all).await.unwrap(), []);
}

fn flag(app: &str, tested: u32) -> Flag {
    let metric = Metric { name: MetricName::new("LCP").expect("a constant"), unit: Unit::Duration };
    let group =
        Group { app: self::app(app), cuboid: "route,browser".parse().expect("a constant"), values: ["/".into(), "Safari".into()].into() };
    Flag {
        series: Series { metric, group },
        window: MinuteRange::new(minute(tested - 4), minute(tested + 1)),
        rule: Rule::Shift,
        observed: 4_120.0,
        expected: 2_310.0,
        effect: 0.78,
        n: 1_234,
        p_value: 1e-9,
    }
}

/// Testing a minute again replaces what was flagged in it, and marks how far tests have come.
pub async fn a_tested_minute_replaces_its_flags(world: &dyn World) {
    let store = world.open().await;
    assert_eq!(store.tested(&app("shop")).await.unwrap(), None);
    store.write_flags(&app("shop"), minute(50), &[flag("shop", 50)]).await.unwrap();
    store.write_flags(&app("shop"), minute(51), &[flag("shop", 51), flag("shop", 51)]).await.unwrap();
    store.write_flags(&app("shop"), minute(50), &[]).await.unwrap();
    store.write_flags(&app("blog"), minute(60), &[flag("blog", 60)]).await.unwrap();
    let all = MinuteRange::new(minute(0), minute(1_000));
    assert_eq!(store.flags(&app("shop"), all).await.unwrap(), [flag("shop", 51), flag("shop", 51)]);
    assert_eq!(store.tested(&app("shop")).await.unwrap(), Some(minute(51)));
    assert_eq!(store.flags(&app("shop"), MinuteRange::new(minute(0), minute(51))).await.unwrap(), []);
}

fn alert(app: &str, id: u64, state: AlertState, began: u32, delivery: Delivery) -> Alert {
    Alert {
        id,
        app: self::app(app),
        state,
        began: minute(began),
        last_flagged: minute(began + 5),
        minutes_flagged: 6,
        lead: flag(app, began + 5),
        series_max: 3,
        changes: vec![AlertChange { state, at: minute(began).start(), delivery }],
    }
}

/// An alert of an app that is firing, with a change that is to be told.
pub fn a_firing_alert(app: &str, id: u64) -> Alert {
    alert(app, id, AlertState::Firing, 100, Delivery::Due)
}

/// A flag of an app in the minute that its number names.
pub fn a_flag(app: &str, tested: u32) -> (Minute, Flag) {
    (minute(tested), flag(app, tested))
}

/// Alerts are found by app, range and openness.
pub async fn alerts_are_replaced_and_found(world: &dyn World) {
    let store = world.open().await;
    let done = Delivery::Done { at: Timestamp::from_ms(1) };
    let first = alert("shop", 1, AlertState::Resolved, 100, done);
    let second = alert("shop", 2, AlertState::Firing, 200, Delivery::Due);
    store.write_alerts(&app("shop"), Some(minute(205)), &[alert("shop", 1, AlertState::Firing, 100, done), second.clone()]).await.unwrap();
    store.write_alerts(&app("shop"), None, std::slice::from_ref(&first)).await.unwrap();
    store.write_alerts(&app("blog"), Some(minute(7)), &[alert("blog", 1, AlertState::Pending, 100, done)]).await.unwrap();
    let of = |query: AlertQuery| {
        let store = &store;
        async move { store.alerts(&query).await.unwrap().into_iter().map(|alert| (alert.app.to_string(), alert.id)).collect::<Vec<_>>() }
    };
    assert_eq!(of(AlertQuery::default()).await, [("blog".to_owned(), 1), ("shop".to_owned(), 2), ("shop".to_owned(), 1)]);
    let shop = AlertQuery { app: Some(app("shop")), ..AlertQuery::default() };
    assert_eq!(store.alerts(&shop).await.unwrap(), [second, first]);
    assert_eq!(of(AlertQuery { open: true, ..shop.clone() }).await, [("shop".to_owned(), 2)]);
    let range = |from, to| Some(MinuteRange::new(minute(from), minute(to)));
    assert_eq!(of(AlertQuery { range: range(0, 101), ..shop.clone() }).await, [("shop".to_owned(), 1)]);
    assert_eq!(of(AlertQuery { range: range(106, 500), ..shop.clone() }).await, [("shop".to_owned(), 2)]);
    assert_eq!(of(AlertQuery { range: range(105, 500), ..shop }).await.len(), 2);
    assert_eq!((store.grouped(&app("shop")).await.unwrap(), store.grouped(&app("none")).await.unwrap()), (Some(minute(205)), None));
}

/// What an app has values of.
pub async fn metrics_and_values_are_listed(world: &dyn World) {
    let (mut script, mut model) = (Script::new(9), Model::default());
    let store = world.open().await;
    for offset in 0..5 {
        let batch = script.batch(200, offset);
        model.add(&batch);
        store.write(Arc::new(batch)).await.unwrap();
    }
    for app in APPS.map(|name| model::app(name, 200)) {
        assert_eq!(store.metrics(&app).await.unwrap(), model.metrics(&app));
        for dimension in [Dimension::Route, Dimension::Browser, Dimension::Os] {
            assert_eq!(store.values(&app, &dimension).await.unwrap(), model.values(&app, &dimension), "{dimension}");
        }
    }
}

/// Nothing is no error.
pub async fn an_empty_store_answers_with_nothing(world: &dyn World) {
    let store = world.open().await;
    let query = Script::new(1).total(300);
    assert_eq!(store.rollups(&query).await.unwrap(), []);
    assert_eq!(store.metrics(&app("none")).await.unwrap(), []);
    let strata = StrataQuery { app: query.app, range: query.range, routes: None };
    assert_eq!(store.strata(&strata).await.unwrap(), []);
    assert_eq!(store.samples(&strata, SLOTS).await.unwrap(), []);
    assert_eq!(store.alerts(&AlertQuery::default()).await.unwrap(), []);
    store.upkeep(NOW).await.unwrap();
    store.size().await.unwrap();
}
