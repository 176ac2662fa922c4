//! The suite on ClickHouse's engine, and what is particular to it.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;

use schemas::{
    app::AppId,
    dimension::Dimension,
    histogram::{BUCKETS, midpoint, quantile_of},
    metric::{Metric, MetricName},
    sample::{Rank, Sample, SampledBeacon, SampledEvent, Stratum},
    time::{Minute, Timestamp},
    unit::Unit,
};
use store::{
    Batch, Source, Store, StoreError,
    clickhouse::{ClickHouseStore, config::Config, migrate},
    embedded::{EmbeddedStore, config::Config as EmbeddedConfig},
    suite::{World, a_batch_and_its_total, contents::tsv, engine, engine::Engine, two_stores_give_the_same_answers},
};

use self::support::{Database, KEPT, client, config};

store::store_suite!(Database::new());

#[tokio::test(flavor = "multi_thread")]
async fn it_gives_the_answers_of_the_embedded_store_to_the_bit() {
    let world = Database::new();
    if world.missing() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let embedded = EmbeddedStore::open(EmbeddedConfig::new(dir.path().to_owned()), Timestamp::from_ms(1_763_719_200_000)).unwrap();
    two_stores_give_the_same_answers(&embedded, &*world.open().await, 25).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_several_days_counts_once_across_kills_of_the_server() {
    // A server that someone else runs is not ours to kill.
    if engine::shared().is_none() || engine::is_given() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path()).unwrap();
    let config = config(&engine.url());
    migrate(config.clone()).await.unwrap();
    let store = ClickHouseStore::open(config.clone()).await.unwrap();
    let (batch, query, rows) = a_batch_and_its_total(3, 0, 0);
    store.write(Arc::clone(&batch)).await.unwrap();
    let days: u64 = client(&config).query("select uniqExact(toDate(time)) from rollup_minute").fetch_one().await.unwrap();
    assert!(days > 1, "the batch spans {days} partitions");
    assert!(!rows.is_empty());
    engine.kill().unwrap();
    assert!(matches!(store.write(Arc::clone(&batch)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.rollups(&query).await, Err(StoreError::Unavailable(_))));
    engine.restart().unwrap();
    store.write(Arc::clone(&batch)).await.unwrap();
    assert_eq!(store.rollups(&query).await.unwrap(), rows);
    // Another process sends it; then it is lost in the middle of many.
    for round in 0..3 {
        let writing = tokio::spawn({
            let (config, batch) = (config.clone(), Arc::clone(&batch));
            async move {
                let store = ClickHouseStore::open(config).await?;
                store.write(batch).await
            }
        });
        engine.kill().unwrap();
        let _ = writing.await.unwrap();
        engine.restart().unwrap();
        let (other, query, rows) = a_batch_and_its_total(20 + round, 1, round);
        store.write(Arc::clone(&other)).await.unwrap();
        store.write(other).await.unwrap();
        assert_eq!(store.rollups(&query).await.unwrap(), rows);
    }
    store.write(batch).await.unwrap();
    assert_eq!(store.rollups(&query).await.unwrap(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_missing_days_of_a_torn_batch_are_added_and_the_rest_is_not_counted_again() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    let (batch, query, rows) = a_batch_and_its_total(3, 0, 0);
    // What a server that died between two partitions has: the batch's first day under the batch's name.
    let days = |batch: &Batch| batch.rollups.iter().flat_map(|group| &group.cells).map(|cell| cell.minute.hour().day()).min().unwrap();
    let first = days(&batch);
    let mut torn = (*batch).clone();
    torn.rollups.iter_mut().for_each(|group| group.cells.retain(|cell| cell.minute.hour().day() == first));
    store.write(Arc::new(torn)).await.unwrap();
    store.write(Arc::clone(&batch)).await.unwrap();
    store.write(batch).await.unwrap();
    let minutes: Vec<u64> = client(&config)
        .query("select sum(samples) from rollup_minute group by app, metric, cuboid order by app, metric, cuboid")
        .fetch_all()
        .await
        .unwrap();
    let parts: u64 = client(&config)
        .query("select uniqExact(partition_id) from system.parts where active and table = 'rollup_minute' and database = currentDatabase()")
        .fetch_one()
        .await
        .unwrap();
    assert!(parts > 1 && !minutes.is_empty());
    let by_minute = schemas::query::RollupQuery {
        windows: schemas::query::Windows::Step { minutes: 1, resolution: schemas::time::Resolution::Minute },
        ..query
    };
    let samples: u64 = store.rollups(&by_minute).await.unwrap().iter().map(|row| row.rollup.samples).sum();
    assert_eq!(samples, rows.iter().map(|row| row.rollup.samples).sum::<u64>());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_deduplication_window_or_without_syncs_a_store_is_refused_with_the_remedy() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    for table in ["rollup_minute", "rollup_hour", "fates", "strata", "samples", "applied", "tested", "alerts"] {
        let set = |window| format!("alter table {table} modify setting non_replicated_deduplication_window = {window}");
        // One that is smaller than is reckoned with is no better than none.
        for window in [0, 99_999] {
            client(&config).query(&set(window)).execute().await.unwrap();
            let refused = ClickHouseStore::open(config.clone()).await.map(drop);
            let remedy = format!("alter table {}.{table} modify setting non_replicated_deduplication_window = 100000", config.database);
            assert!(matches!(&refused, Err(StoreError::Mismatch(text)) if text.ends_with(&remedy)), "{refused:?}");
        }
        client(&config).query(&set(100_000)).execute().await.unwrap();
    }
    for table in
        ["rollup_minute", "rollup_hour", "fates", "strata", "samples", "applied", "tested", "alerts", "metrics", "dimension_values"]
    {
        client(&config).query(&format!("alter table {table} modify setting fsync_after_insert = 0")).execute().await.unwrap();
        // Then the server's own default holds, which is none.
        client(&config).query(&format!("alter table {table} reset setting fsync_part_directory")).execute().await.unwrap();
        let Err(StoreError::Mismatch(text)) = ClickHouseStore::open(config.clone()).await.map(drop) else { panic!("{table} is taken") };
        assert!(matches!(migrate(config.clone()).await, Err(StoreError::Mismatch(again)) if again == text));
        let remedy = format!("alter table {}.{table} modify setting fsync_after_insert = 1, fsync_part_directory = 1", config.database);
        assert!(text.ends_with(&format!(": {remedy}")), "{text}");
        client(&config).query(&remedy).execute().await.unwrap();
    }
    ClickHouseStore::open(config.clone()).await.unwrap();
    // What the check is for: a window that goes after it lets a batch count twice.
    client(&config).query("alter table rollup_minute modify setting non_replicated_deduplication_window = 0").execute().await.unwrap();
    let (batch, _, _) = a_batch_and_its_total(3, 0, 0);
    let samples: u64 = batch.rollups.iter().flat_map(|group| &group.cells).map(|cell| cell.rollup.samples).sum();
    store.write(Arc::clone(&batch)).await.unwrap();
    store.write(batch).await.unwrap();
    let counted: u64 = client(&config).query("select sum(samples) from rollup_minute").fetch_one().await.unwrap();
    assert_eq!(counted, 2 * samples);
}

/// The questions in the documentation, about the tests' own database.
fn documented() -> Vec<String> {
    let texts = include_str!("../../docs/sql.md").split("```sql\n").skip(1).map(|text| text.split("```").next().unwrap());
    let asked = |text: &str| {
        text.replace("icarus.", "").replace("$__timeInterval(time)", "toStartOfMinute(time)").replace("$__timeFilter(time)", "true")
    };
    texts.map(asked).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_questions_in_the_documentation_can_be_asked() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    world.open().await;
    let questions = documented();
    assert!(questions.len() >= 6);
    for question in questions {
        let explained = format!("explain {question}");
        client(&config).query_raw(&explained).fetch_all::<String>().await.unwrap_or_else(|error| panic!("{question}: {error}"));
    }
    client(&config).query("explain select metric, rule, effect from flags where app = 'shop'").fetch_all::<String>().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_again_changes_nothing_but_the_retention_that_was_changed() {
    let Some(config) = Database::new().0 else { return };
    let missing = ClickHouseStore::open(config.clone()).await.map(drop);
    assert!(matches!(&missing, Err(StoreError::Mismatch(text)) if text.contains("run `icarus migrate`")), "{missing:?}");
    assert_eq!(
        migrate(config.clone()).await.unwrap().made,
        ["1 rollups", "2 counts_and_documents", "3 functions_and_views", "4 applied", "5 samples"]
    );
    assert_eq!(migrate(config.clone()).await.unwrap(), store::clickhouse::Migrated::default());
    let shorter = Config { minute_retention: KEPT / 7, ..config.clone() };
    assert_eq!(migrate(shorter).await.unwrap().retained, ["applied", "rollup_minute", "samples", "strata"]);
    client(&config).query("insert into migrations (version, name, checksum) values (99, 'later', 0)").execute().await.unwrap();
    let newer = ClickHouseStore::open(config).await.map(drop);
    assert!(matches!(&newer, Err(StoreError::Mismatch(text)) if text.contains("newer than this program")), "{newer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_two_partitions_is_refused() {
    let world = Database::new();
    if world.missing() {
        return;
    }
    let sources = [0, 1].map(|partition| Source { partition, start: 0, end: 1 }).to_vec();
    let refused = world.open().await.write(Arc::new(Batch { sources, ..Batch::default() })).await;
    assert!(matches!(refused, Err(StoreError::Mismatch(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_and_percentiles_of_sql_are_those_of_the_histogram() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    let buckets = u16::try_from(BUCKETS).unwrap();
    for unit in Unit::ALL {
        let sql = "select icarusBucketValue(toUInt16(number), ?) from numbers(?)";
        let values: Vec<f64> = client(&config).query(sql).bind(unit.name()).bind(buckets).fetch_all().await.unwrap();
        assert_eq!(values, (0..buckets).map(|bucket| unit.shown(midpoint(bucket))).collect::<Vec<_>>(), "{unit}");
    }
    let (batch, query, rows) = a_batch_and_its_total(3, 0, 0);
    store.write(batch).await.unwrap();
    let sql = "select arrayMap(bucket -> icarusBucketValue(bucket, 'ms'), \
               quantilesExactWeightedArray(0.5, 0.75, 0.95, 0.99)(histMap.bucket, histMap.count)) \
               from rollup_minute where app = ? and metric = 'LCP' and cuboid = ''";
    let quantiles: Vec<f64> = client(&config).query(sql).bind(query.app.as_str()).fetch_one().await.unwrap();
    let ours = [0.5, 0.75, 0.95, 0.99].map(|q| Unit::Duration.shown(quantile_of(&rows[0].rollup.histogram, q).unwrap()));
    assert_eq!(quantiles, ours);
    let routes: Vec<String> = client(&config)
        .query("select distinct route from rollup_minute where cuboid = 'route,browser' order by route")
        .fetch_all()
        .await
        .unwrap();
    let named: Vec<String> = client(&config)
        .query("select distinct v1 from rollup_minute where cuboid = 'route,browser' order by v1")
        .fetch_all()
        .await
        .unwrap();
    assert!(routes.len() > 1);
    assert_eq!(routes, named);
}

/// A sample of `/checkout` or another route, with one value of LCP in milliseconds.
fn sample(minute: Minute, route: &str, rank: u64, country: &str, lcp_ms: u64) -> Sample {
    let metric = Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration };
    let attribution = format!(r#"{{"target":"img.hero","url":"https://cdn.example/{lcp_ms}"}}"#).into();
    let beacon = SampledBeacon {
        received: minute.end(),
        weight: 2,
        dimensions: [(Dimension::Country, country), (Dimension::Os, "iOS 26"), (Dimension::Release, "412")]
            .map(|(dimension, value)| (dimension, value.into()))
            .into(),
        experiments: [("price".into(), "low".into())].into(),
        view_id: format!("view-{rank}").into(),
        session_id: "".into(),
        url: "https://shop.example/checkout".into(),
        events: vec![SampledEvent { metric, value: lcp_ms * 1_000, age_ms: 1_000, attribution }],
    };
    Sample { app: AppId::new("shop").unwrap(), minute, route: route.into(), rank: Rank(rank), beacon }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_questions_about_samples_weigh_each_by_what_it_stands_for() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let store = world.open().await;
    // The questions are about the last hour of the server's clock.
    let now: u32 = client(&config).query("select toUnixTimestamp(now())").fetch_one().await.unwrap();
    let minute = Minute(now / 60).minus(5);
    let stratum = |route: &str, beacons| Stratum { app: AppId::new("shop").unwrap(), minute, route: route.into(), beacons };
    // A beacon of a greater rank comes later, and takes the slot (3) of one that had it.
    let first = Batch {
        sources: vec![Source { partition: 0, start: 0, end: 1 }],
        strata: vec![stratum("/checkout", 30), stratum("/", 4)],
        samples: vec![
            sample(minute, "/checkout", 16 + 3, "BR", 90_000),
            sample(minute, "/", 0, "BR", 1_000),
            sample(minute, "/", 1, "BR", 1_100),
        ],
        ..Batch::default()
    };
    let second = Batch {
        sources: vec![Source { partition: 0, start: 1, end: 2 }],
        strata: vec![stratum("/checkout", 30)],
        samples: [(32 + 3, "BR", 5_000), (4, "BR", 3_000), (5, "DE", 9_000)]
            .map(|(rank, country, lcp_ms)| sample(minute, "/checkout", rank, country, lcp_ms))
            .into(),
        ..Batch::default()
    };
    store.write(Arc::new(first)).await.unwrap();
    store.write(Arc::new(second)).await.unwrap();
    let of = |text: &str| documented().into_iter().find(|question| question.contains(text)).unwrap();
    // Of 60 beacons on /checkout 3 are kept, of 4 on the other route 2: in Brazil 2 stand for 20 times 2 page views each, and 2 for 4.
    let percentiles = tsv(&config, &of("quantileExactWeighted(0.75)")).await.unwrap();
    assert_eq!(percentiles, "412\t5000\t88\t4\n");
    let slowest = tsv(&config, &of("as lcp_ms")).await.unwrap();
    let shown: Vec<Vec<&str>> = slowest.lines().map(|line| line.split('\t').skip(1).collect()).collect();
    let line = |lcp_ms, country, resource, view| vec!["https://shop.example/checkout", lcp_ms, "", country, "img.hero", resource, view];
    assert_eq!(
        shown,
        [
            line("9000", "DE", "https://cdn.example/9000", "view-5"),
            line("5000", "BR", "https://cdn.example/5000", "view-35"),
            line("3000", "BR", "https://cdn.example/3000", "view-4"),
        ]
    );
}
