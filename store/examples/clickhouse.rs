//! What the store on ClickHouse takes: rows a second through `write`, bytes a row after merges, and how
//! long a chart of a day takes. `cargo run --release -p store --example clickhouse --features suite`
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement")]

use std::{sync::Arc, time::Instant};

use clickhouse::{Client, Compression};
use schemas::{
    app::AppId,
    cuboid::Cuboid,
    metric::{Metric, MetricName},
    query::{RollupQuery, Windows},
    rollup::{Cell, GroupRollups, Rollup},
    series::Group,
    time::{MINUTES_PER_DAY, Minute, MinuteRange, Resolution, Timestamp},
    unit::Unit,
};
use store::{
    Batch, Source, Store,
    clickhouse::{ClickHouseStore, config::Config, migrate},
    suite::engine::Engine,
};

const GROUPS: u32 = 400;
const SAMPLES: u64 = 11;
/// Minutes in one flush.
const FLUSH: u32 = 20;

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path()).unwrap();
    let config = Config::new(&engine.url());
    migrate(config.clone()).await.unwrap();
    let store = ClickHouseStore::open(config.clone()).await.unwrap();
    let metric = Arc::new(Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration });
    let app = AppId::new("shop").unwrap();
    let cuboid: Cuboid = "route,device,country".parse().unwrap();
    let group = |i: u32| {
        let values = [
            format!("/page/{}", i % 40),
            ["DE", "BR", "US", "IN", "JP"][(i / 40 % 5) as usize].into(),
            ["desktop", "mobile"][(i / 200) as usize].into(),
        ];
        Arc::new(Group { app: app.clone(), cuboid: cuboid.clone(), values: values.map(Into::into).into() })
    };
    let groups: Vec<_> = (0..GROUPS).map(group).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let end = Timestamp::from_ms(i64::try_from(now).unwrap()).minute().hour().first_minute();
    let start = end.minus(MINUTES_PER_DAY);
    let mut seed = 1u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    let batches: Vec<_> = (0..MINUTES_PER_DAY / FLUSH)
        .map(|flush| {
            let minutes = flush * FLUSH..(flush + 1) * FLUSH;
            let mut cell = |minute: u32| {
                let mut rollup = Rollup::default();
                for _ in 0..SAMPLES {
                    // About log-normal around 2 s.
                    let octaves = (0..6).map(|_| next() % 1_000).sum::<u64>();
                    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some value")]
                    rollup.record((2_000_000.0 * ((octaves as f64 - 3_000.0) / 1_000.0).exp2()) as u64, 1);
                }
                Cell { metric: Arc::clone(&metric), minute: Minute(start.0 + minute), rollup }
            };
            let rollups =
                groups.iter().map(|group| GroupRollups { group: Arc::clone(group), cells: minutes.clone().map(&mut cell).collect() });
            let source = Source { partition: 0, start: flush.into(), end: u64::from(flush) + 1 };
            Arc::new(Batch { sources: vec![source], rollups: rollups.collect(), ..Batch::default() })
        })
        .collect();
    let began = Instant::now();
    for batch in &batches {
        store.write(Arc::clone(batch)).await.unwrap();
    }
    let rows = GROUPS * MINUTES_PER_DAY;
    let took = began.elapsed();
    println!(
        "{rows} rows of minutes in {} batches: {:.0} rows/s through write, hours included",
        batches.len(),
        f64::from(rows) / took.as_secs_f64()
    );
    let query = RollupQuery {
        app: app.clone(),
        metric: (*metric).clone(),
        cuboid: cuboid.clone(),
        range: MinuteRange::new(start, end),
        windows: Windows::Step { minutes: 1, resolution: Resolution::Minute },
        filters: Vec::new(),
        group_by: None,
    };
    let five = RollupQuery { windows: Windows::Step { minutes: 5, resolution: Resolution::Minute }, ..query.clone() };
    let whole = RollupQuery { windows: Windows::Whole, ..query.clone() };
    let client = Client::default().with_url(engine.url()).with_database(&config.database).with_compression(Compression::None);
    for state in ["as written", "merged"] {
        if state == "merged" {
            for table in ["rollup_minute", "rollup_hour"] {
                client.query(&format!("optimize table {table} final")).execute().await.unwrap();
            }
        }
        for (name, query) in [("day by the minute", &query), ("day by 5 minutes", &five), ("day as one", &whole)] {
            let mut times: Vec<_> = Vec::new();
            let mut answered = 0;
            for _ in 0..9 {
                let began = Instant::now();
                answered = store.rollups(query).await.unwrap().len();
                times.push(began.elapsed());
            }
            times.sort();
            println!("{state}: {name}, {answered} rows of {GROUPS} groups: median {:.0} ms", times[4].as_secs_f64() * 1e3);
        }
    }
    let sql = "select table, sum(rows), sum(data_compressed_bytes) from system.parts where active and database = currentDatabase() group by table order by table";
    for (table, rows, bytes) in client.query(sql).fetch_all::<(String, u64, u64)>().await.unwrap() {
        #[expect(clippy::cast_precision_loss, reason = "a figure")]
        let each = bytes as f64 / rows.max(1) as f64;
        println!("{table}: {rows} rows, {bytes} bytes, {each:.1} a row");
    }
    let sql = "select name, sum(data_compressed_bytes) from system.columns where database = currentDatabase() and table = 'rollup_minute' group by name having sum(data_compressed_bytes) > 0 order by 2 desc";
    for (column, bytes) in client.query(sql).fetch_all::<(String, u64)>().await.unwrap() {
        #[expect(clippy::cast_precision_loss, reason = "a figure")]
        let each = bytes as f64 / f64::from(rows);
        println!("  rollup_minute.{column}: {each:.2} bytes a row");
    }
}
