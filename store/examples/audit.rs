//! What an audit costs with a day of batches listed: 24 partitions, a batch of each every 5 s, each with events of
//! three hours. `cargo run --release -p store --example audit --features suite`
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement")]

use std::time::{Duration, Instant};

use clickhouse::{Client, Compression};
use schemas::time::{MINUTES_PER_DAY, MinuteRange, Timestamp};
use store::{
    Store,
    clickhouse::{ClickHouseStore, config::Config, migrate},
    suite::engine::Engine,
};

const PARTITIONS: u32 = 24;
const FLUSH_SECONDS: u32 = 5;

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path()).unwrap();
    let config = Config::new(&engine.url());
    migrate(config.clone()).await.unwrap();
    let store = ClickHouseStore::open(config.clone()).await.unwrap();
    let client = Client::default().with_url(engine.url()).with_database(&config.database).with_compression(Compression::None);
    let batches = MINUTES_PER_DAY * 60 / FLUSH_SECONDS;
    // 7 events of each kind in each of three hours; the tables get the same in as many rows as there are minutes.
    let sql = format!(
        "insert into applied (log, log_partition, start_offset, end_offset, counts.kind, counts.hour, counts.events, at) \
         select 'events', number % {PARTITIONS}, intDiv(number, {PARTITIONS}) * 50, intDiv(number, {PARTITIONS}) * 50 + 50, \
         ['samples', 'samples', 'samples', 'rolled_up', 'duplicate'], \
         arrayMap(back -> toStartOfHour(sent - back * 3600), [0, 1, 2, 0, 0]), [7, 7, 7, 21, 1], \
         now() - {MINUTES_PER_DAY} * 60 + intDiv(number, {PARTITIONS}) * {FLUSH_SECONDS} as sent from numbers({})",
        batches * PARTITIONS
    );
    client.query(&sql).execute().await.unwrap();
    for (table, columns) in [("rollup_minute", "time, samples"), ("rollup_hour", "time, samples"), ("fates", "minute, kind, events")] {
        let kinds = if table == "fates" { "in ('rolled_up', 'duplicate')" } else { "= 'samples'" };
        let kind = if table == "fates" { "kind, " } else { "" };
        let sql = format!(
            "insert into {table} ({columns}) select hour, {kind}sum(events) from applied array join counts.kind as kind, counts.hour as hour, \
             counts.events as events where kind {kinds} group by hour, kind, log_partition"
        );
        client.query(&sql).execute().await.unwrap();
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let end = Timestamp::from_ms(i64::try_from(now).unwrap()).minute().plus(1);
    for hours in [6, 26] {
        let mut times: Vec<Duration> = Vec::new();
        let mut audited = None;
        for _ in 0..9 {
            let began = Instant::now();
            audited = store.audit(MinuteRange::new(end.minus(hours * 60), end)).await.unwrap();
            times.push(began.elapsed());
        }
        times.sort();
        let audited = audited.unwrap();
        println!(
            "the last {hours} hours: {} events in {} batches, drift {}: median {:.0} ms",
            audited.events,
            audited.batches,
            audited.drift(),
            times[4].as_secs_f64() * 1e3
        );
    }
    client.query("optimize table applied final").execute().await.unwrap();
    let sql = "select sum(rows), sum(data_compressed_bytes) from system.parts where active and database = currentDatabase() and table = 'applied'";
    let (rows, bytes) = client.query(sql).fetch_one::<(u64, u64)>().await.unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let each = bytes as f64 / rows as f64;
    println!("applied: {rows} rows, {bytes} bytes, {each:.1} a row");
}
