//! How fast records are acknowledged by real brokers, by compression; and how fast they are read back.
//!
//! ```sh
//! cargo run --release -p event-log --example kafka_throughput -- --brokers 127.0.0.1:9092
//! ```
//! It makes a topic of its own for each compression and round. The compressions take turns, so that they
//! meet the same machine.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and tells")]

use std::{
    error::Error,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use event_log::{
    EventLog, Offset, Partition, Polled,
    kafka::{Compression, Kafka, RawConfig},
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use schemas::record::{BeaconRecord, Event, Message, Unit};

#[derive(Debug, Clone)]
struct Load {
    brokers: String,
    records: u64,
    in_flight: u64,
    partitions: u32,
    rounds: u32,
}

fn load() -> Result<Load, Box<dyn Error>> {
    let mut load = Load { brokers: "127.0.0.1:9092".to_owned(), records: 300_000, in_flight: 2_000, partitions: 4, rounds: 3 };
    let mut args = std::env::args().skip(1);
    while let (Some(flag), Some(value)) = (args.next(), args.next()) {
        match flag.as_str() {
            "--brokers" => load.brokers = value,
            "--records" => load.records = value.parse()?,
            "--in-flight" => load.in_flight = value.parse()?,
            "--partitions" => load.partitions = value.parse()?,
            "--rounds" => load.rounds = value.parse()?,
            other => return Err(format!("{other}: use --brokers, --records, --in-flight, --partitions, --rounds").into()),
        }
    }
    Ok(load)
}

const METRICS: [&str; 10] = [
    "LCP",
    "FCP",
    "TTFB",
    "INP",
    "CLS",
    "navigation.dns",
    "navigation.connect",
    "navigation.request",
    "navigation.response",
    "navigation.load",
];

/// Encoded records of page views with random values, of about 800 B each.
fn records(n: usize) -> Vec<Bytes> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    (0..n).map(|_| Bytes::from(record(&mut rng).encode_to_vec())).collect()
}

fn record(rng: &mut ChaCha8Rng) -> BeaconRecord {
    let (route, country, browser) = (rng.random_range(0..70), rng.random_range(0..40), rng.random_range(0..6));
    let one_of = |rng: &mut ChaCha8Rng, of: &[&str]| of.choose(rng).copied().unwrap_or_default().to_owned();
    let event = |rng: &mut ChaCha8Rng, metric: &str| {
        let (value, age_ms) = (rng.random_range(1_000..9_000_000_u64), rng.random_range(0..90_000));
        let id = format!("v6-{value}-{age_ms}");
        Event { metric: metric.to_owned(), unit: Unit::UNIT_DURATION.into(), value, age_ms, id, ..Event::default() }
    };
    BeaconRecord {
        app: "shop".to_owned(),
        beacon_id: rng.random::<u128>().to_le_bytes().to_vec(),
        received_ms: 1_763_719_200_000 + rng.random_range(0..1_000),
        lateness_max_s: 172_800,
        weight: 1,
        route: format!("/section/{route}/:id"),
        country: format!("C{country}"),
        network: format!("AS{}", country * 10 + rng.random_range(0..3)),
        browser: format!("Browser {browser}"),
        browser_version: format!("Browser {browser} {}", 140 + rng.random_range(0..3)),
        os: format!("OS {}", rng.random_range(0..3)),
        device: one_of(rng, &["desktop", "mobile", "tablet"]),
        connection: one_of(rng, &["4g", "3g", "2g", "slow-2g"]),
        release: format!("4.12.{}", rng.random_range(0..3)),
        navigation_type: "navigate".to_owned(),
        view_id: format!("{:032x}", rng.random::<u128>()),
        session_id: format!("{:032x}", rng.random::<u128>()),
        url: format!("https://shop.example/section/{route}/4711"),
        events: METRICS.iter().map(|metric| event(rng, metric)).collect(),
        ..BeaconRecord::default()
    }
}

/// CPU time of this process so far, user and system.
fn cpu() -> Result<Duration, Box<dyn Error>> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir("/proc/self/task")? {
        let on_cpu = fs::read_to_string(task?.path().join("schedstat"))?;
        total += Duration::from_nanos(on_cpu.split(' ').next().unwrap_or("0").parse()?);
    }
    Ok(total)
}

/// Appends all records, `in_flight` at a time, and returns how long each waited, in microseconds.
async fn append(log: &Arc<Kafka>, load: &Load, records: &Arc<Vec<Bytes>>) -> Result<Vec<u32>, Box<dyn Error>> {
    let next = Arc::new(AtomicU64::new(0));
    let appenders = (0..load.in_flight).map(|_| {
        let (log, records, next, load) = (Arc::clone(log), Arc::clone(records), Arc::clone(&next), load.clone());
        tokio::spawn(async move {
            let mut waits = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= load.records {
                    return Ok::<_, event_log::AppendError>(waits);
                }
                let (record, partition) = (&records[i as usize % records.len()], Partition((i % u64::from(load.partitions)) as u32));
                let begun = Instant::now();
                log.append(partition, record.clone()).await?;
                waits.push(begun.elapsed().as_micros() as u32);
            }
        })
    });
    let mut waits = Vec::new();
    for appender in appenders.collect::<Vec<_>>() {
        waits.extend(appender.await??);
    }
    waits.sort_unstable();
    Ok(waits)
}

async fn read_back(log: &Arc<Kafka>, group: &str, records: u64) -> Result<Duration, Box<dyn Error>> {
    let mut consumer = log.consumer(group).await?;
    let (mut begun, mut read) = (Instant::now(), 0);
    while read < records {
        match consumer.poll(Duration::from_secs(60)).await? {
            Polled::Assigned(assignments) => {
                begun = Instant::now();
                for assignment in assignments {
                    consumer.seek(assignment.partition, Offset(0)).await?;
                }
            }
            Polled::Records { records, .. } => read += records.len() as u64,
            Polled::Revoked(_) | Polled::Idle => return Err("the records don't come".into()),
        }
    }
    Ok(begun.elapsed())
}

async fn measure(load: &Load, records: &Arc<Vec<Bytes>>, compression: Compression, topic: String) -> Result<(), Box<dyn Error>> {
    let raw = RawConfig { brokers: load.brokers.clone(), topic, partitions: load.partitions, compression, ..RawConfig::default() };
    let config = raw.check().map_err(|errors| format!("{errors:?}"))?;
    let log = Arc::new(Kafka::connect(config)?);
    log.create_topic().await?;
    log.check().await?;
    // Connections are made, and the topic's leaders known.
    for partition in 0..load.partitions {
        log.append(Partition(partition), records[0].clone()).await?;
    }
    let (begun, cpu_before) = (Instant::now(), cpu()?);
    let waits = append(&log, load, records).await?;
    let (took, cpu_took) = (begun.elapsed(), cpu()? - cpu_before);
    let quantile = |q: f64| f64::from(waits[((waits.len() - 1) as f64 * q) as usize]) / 1e3;
    let read = read_back(&log, &raw.topic, load.records).await?;
    println!(
        "{compression:?}: {:.0} records/s acknowledged, wait p50 {:.1} ms, p99 {:.1} ms, {:.1} us of CPU a record here; read back: {:.0} records/s",
        load.records as f64 / took.as_secs_f64(),
        quantile(0.5),
        quantile(0.99),
        cpu_took.as_secs_f64() * 1e6 / load.records as f64,
        load.records as f64 / read.as_secs_f64(),
    );
    Ok(())
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let load = load()?;
    let records = Arc::new(records(20_000));
    println!("{load:?}, {} B a record on average", records.iter().map(Bytes::len).sum::<usize>() / records.len());
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    for round in 0..load.rounds {
        for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
            let topic = format!("throughput-{run}-{round}-{compression:?}").to_lowercase();
            measure(&load, &records, compression, topic).await?;
        }
    }
    Ok(())
}
