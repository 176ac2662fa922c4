//! What an outage of the brokers does to those who append: who acknowledges, how long it takes, and what
//! the log has afterwards.
//!
//! ```sh
//! cargo run --release -p event-log --features suite --example outage -- --rate 5000 --seconds 300 --away 180
//! ```
//! It starts a broker of its own, appends at a steady rate, kills the broker after a fifth of the time that it
//! is not away, and starts it again.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and tells")]

use std::{
    collections::HashMap,
    error::Error,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use event_log::{
    Appended, EventLog, Offset, Partition, Polled,
    embedded::Clock,
    kafka::{self, Kafka},
    spool::{self, Spool},
    suite::broker::Broker,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::time::Timestamp;
use tokio::sync::mpsc;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PHASES: [&str; 3] = ["before", "away", "after"];
/// How often each partition's sender begins some records.
const TICK: Duration = Duration::from_millis(5);

#[derive(Debug, Clone)]
struct Load {
    /// Records a second, of all partitions.
    rate: u32,
    seconds: u64,
    away: u64,
    partitions: u32,
    bytes: usize,
}

fn arguments() -> Outcome<Load> {
    let mut load = Load { rate: 5_000, seconds: 300, away: 180, partitions: 4, bytes: 800 };
    let mut args = std::env::args().skip(1);
    while let (Some(flag), Some(value)) = (args.next(), args.next()) {
        match flag.as_str() {
            "--rate" => load.rate = value.parse()?,
            "--seconds" => load.seconds = value.parse()?,
            "--away" => load.away = value.parse()?,
            "--partitions" => load.partitions = value.parse()?,
            "--bytes" => load.bytes = value.parse::<usize>()?.max(8),
            other => return Err(format!("{other}: use --rate, --seconds, --away, --partitions, --bytes").into()),
        }
    }
    Ok(load)
}

/// What became of one record.
struct Told {
    phase: usize,
    took: Duration,
    by: Result<Appended, String>,
}

/// Appends numbered records to a partition at its share of the rate, each with its place before the next,
/// and returns how many.
async fn send(spool: Arc<Spool>, load: Load, partition: Partition, phase: Arc<AtomicUsize>, tell: mpsc::UnboundedSender<Told>) -> u64 {
    let mut padding = vec![0; load.bytes - 8];
    ChaCha8Rng::seed_from_u64(7).fill_bytes(&mut padding);
    let (begun, mut number) = (Instant::now(), 0_u64);
    let mut ticks = tokio::time::interval(TICK);
    while begun.elapsed().as_secs() < load.seconds {
        ticks.tick().await;
        let due = (begun.elapsed().as_secs_f64() * f64::from(load.rate) / f64::from(load.partitions)) as u64;
        while number < due {
            let record = Bytes::from([&number.to_le_bytes()[..], &padding].concat());
            number += 1;
            let (spool, tell, phase) = (Arc::clone(&spool), tell.clone(), phase.load(Ordering::Relaxed));
            let started = Instant::now();
            let mut appending = Box::pin(async move { spool.append(partition, record).await });
            let first = poll_fn(|context| Poll::Ready(appending.as_mut().poll(context))).await;
            tokio::spawn(async move {
                let done = match first {
                    Poll::Ready(done) => done,
                    Poll::Pending => appending.await,
                };
                let _ = tell.send(Told { phase, took: started.elapsed(), by: done.map_err(|error| error.to_string()) });
            });
        }
    }
    number
}

/// What those were told who appended, by phase.
#[derive(Default)]
struct Sums {
    by_log: u64,
    by_spool: u64,
    refused: u64,
    why: Option<String>,
    took: Vec<Duration>,
}

async fn sum(mut told: mpsc::UnboundedReceiver<Told>) -> [Sums; 3] {
    let mut sums = <[Sums; 3]>::default();
    while let Some(Told { phase, took, by }) = told.recv().await {
        let sum = &mut sums[phase];
        match by {
            Ok(Appended::At(_)) => sum.by_log += 1,
            Ok(Appended::Spooled) => sum.by_spool += 1,
            Err(why) => {
                sum.refused += 1;
                sum.why = Some(why);
            }
        }
        sum.took.push(took);
    }
    sums
}

/// What the log has of a partition: records, missing, twice, and out of order.
async fn read_back(log: &Kafka, ends: &HashMap<Partition, u64>, appended: &[u64]) -> Outcome<()> {
    let mut consumer = log.consumer("outage-check").await?;
    let mut numbers: HashMap<Partition, Vec<u64>> = HashMap::new();
    while numbers.values().map(Vec::len).sum::<usize>() < usize::try_from(ends.values().sum::<u64>())? {
        match consumer.poll(Duration::from_secs(60)).await? {
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    consumer.seek(assignment.partition, Offset(0)).await?;
                }
            }
            Polled::Records { partition, records } => {
                let of = |record: &event_log::LogRecord| record.bytes.first_chunk().map_or(u64::MAX, |number| u64::from_le_bytes(*number));
                numbers.entry(partition).or_default().extend(records.iter().map(of));
            }
            Polled::Revoked(_) | Polled::Idle => return Err("the records don't come".into()),
        }
    }
    for (number, &appended) in (0..).zip(appended) {
        let found = numbers.remove(&Partition(number)).unwrap_or_default();
        let mut seen = vec![false; usize::try_from(appended)?];
        let mut last: Vec<_> = found.iter().rev().filter(|&&n| !std::mem::replace(&mut seen[n as usize], true)).copied().collect();
        last.reverse();
        let missing = seen.iter().filter(|seen| !**seen).count();
        let disorder = last.windows(2).filter(|two| two[1] <= two[0]).count();
        println!("partition {number}: {appended} appended, {missing} missing, {} twice, {disorder} out of order", found.len() - last.len());
    }
    Ok(())
}

fn clock() -> Clock {
    let begun = Instant::now();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    Clock::new(move || Timestamp::from_ms(now()), move || begun.elapsed())
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Outcome<()> {
    let load = arguments()?;
    println!("{load:?}");
    let (broker_dir, dir) = (tempfile::tempdir()?.keep(), tempfile::tempdir()?);
    let broker = Arc::new(Broker::start(&broker_dir)?);
    let raw = kafka::RawConfig { brokers: broker.address(), partitions: load.partitions, ..kafka::RawConfig::default() };
    let log = Arc::new(Kafka::connect(raw.check().map_err(|errors| format!("{errors:?}"))?)?);
    log.create_topic().await?;
    let config = spool::RawConfig::default().check(dir.path(), load.partitions, 1 << 20).map_err(|errors| format!("{errors:?}"))?;
    let spool = Arc::new(Spool::open(Arc::clone(&log) as Arc<dyn EventLog>, config, clock()).await?);

    let (phase, (tell, told)) = (Arc::new(AtomicUsize::new(0)), mpsc::unbounded_channel());
    let sums = tokio::spawn(sum(told));
    let sender = |partition| tokio::spawn(send(Arc::clone(&spool), load.clone(), Partition(partition), Arc::clone(&phase), tell.clone()));
    let senders: Vec<_> = (0..load.partitions).map(sender).collect();
    drop(tell);
    tokio::time::sleep(Duration::from_secs(load.seconds.saturating_sub(load.away) / 5)).await;
    phase.store(1, Ordering::Relaxed);
    broker.kill();
    tokio::time::sleep(Duration::from_secs(load.away)).await;
    let starting = Arc::clone(&broker);
    tokio::task::spawn_blocking(move || starting.resume()).await?;
    phase.store(2, Ordering::Relaxed);
    let (back, waiting) = (Instant::now(), spool.waiting());
    println!("the broker is back: {waiting:?}");
    while spool.waiting().records > 100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = back.elapsed().as_secs_f64();
    println!(
        "sent on in {took:.2} s, while records kept coming: {:.0} records/s",
        (waiting.records as f64 + took * f64::from(load.rate)) / took
    );
    let mut appended = Vec::new();
    for sender in senders {
        appended.push(sender.await?);
    }
    for (name, mut sums) in PHASES.iter().zip(sums.await?) {
        sums.took.sort_unstable();
        let quantile = |q: f64| sums.took.get(((sums.took.len() as f64 * q) as usize).min(sums.took.len().saturating_sub(1))).copied();
        println!(
            "{name}: {} by the log, {} by the spool, {} refused {:?}; acknowledged after p50 {:?}, p99 {:?}, at most {:?}",
            sums.by_log,
            sums.by_spool,
            sums.refused,
            sums.why,
            quantile(0.5),
            quantile(0.99),
            sums.took.last()
        );
    }
    spool.close().await;
    let mut ends = HashMap::new();
    for partition in (0..load.partitions).map(Partition) {
        ends.insert(partition, log.extent(partition).await?.end.0);
    }
    read_back(&log, &ends, &appended).await
}
