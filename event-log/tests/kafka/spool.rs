//! The spool before a broker that dies, hangs and comes back.

use std::{
    path::Path,
    sync::atomic::AtomicBool,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use event_log::{
    Appended, LogError, Offset,
    embedded::Clock,
    kafka::Compression,
    spool::{self, Spool},
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use schemas::time::Timestamp;
use tokio::task::JoinHandle;

use super::*;

const PARTITIONS: u32 = 2;
/// How long the log is waited for.
const AFTER: Duration = Duration::from_secs(1);
/// How many records of a partition may be under way.
const UNDER_WAY: usize = 400;

#[expect(clippy::disallowed_methods, reason = "the spool's clock in a test is the machine's")]
fn clock() -> Clock {
    let begun = Instant::now();
    let ms = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    Clock::new(move || Timestamp::from_ms(ms()), move || begun.elapsed())
}

/// The broker that these tests hurt, one at a time; it ends with the process.
async fn broker() -> Option<tokio::sync::MappedMutexGuard<'static, Broker>> {
    static BROKER: tokio::sync::Mutex<Option<Broker>> = tokio::sync::Mutex::const_new(None);
    let mut broker = BROKER.lock().await;
    if broker.is_none() {
        *broker = Some(usable(start())?);
    }
    tokio::sync::MutexGuard::try_map(broker, Option::as_mut).ok()
}

/// A topic of its own.
async fn world(broker: &Broker) -> RawConfig {
    let raw = RawConfig {
        append_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(1),
        ..small(&broker.address(), PARTITIONS)
    };
    made(&raw).await;
    raw
}

async fn try_spooled(raw: &RawConfig, dir: &Path) -> Result<Arc<Spool>, LogError> {
    let log = checked(raw);
    let raw = spool::RawConfig { after: AFTER, drain: Duration::ZERO, ..spool::RawConfig::default() };
    let config = raw.check(dir, PARTITIONS, log.record_bytes_max()).unwrap();
    Ok(Arc::new(Spool::open(Arc::new(Kafka::connect(log).unwrap()), config, clock()).await?))
}

async fn spooled(raw: &RawConfig, dir: &Path) -> Arc<Spool> {
    try_spooled(raw, dir).await.unwrap()
}

/// Appends numbered records to all partitions until it is stopped.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Told>>,
}

/// What one partition's sender was told.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    appended: u64,
    spooled: u64,
}

impl Load {
    /// Goes on where those ended who were told this.
    fn begin(spool: &Arc<Spool>, told: Vec<Told>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = |(partition, told)| tokio::spawn(load(Arc::clone(spool), Partition(partition), told, Arc::clone(&stop)));
        Self { tasks: (0..).zip(told).map(task).collect(), stop }
    }

    async fn end(self) -> Vec<Told> {
        self.stop.store(true, Ordering::SeqCst);
        let mut told = Vec::new();
        for task in self.tasks {
            told.push(within("the load's end", task).await.unwrap());
        }
        told
    }
}

/// Some records every few milliseconds; each has its place before the next is begun.
async fn load(spool: Arc<Spool>, partition: Partition, mut told: Told, stop: Arc<AtomicBool>) -> Told {
    let mut under_way = tokio::task::JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while !stop.load(Ordering::SeqCst) || !under_way.is_empty() {
        ticks.tick().await;
        for _ in 0..20.min(UNDER_WAY - under_way.len()) {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let (spool, number, (begun, begins)) = (Arc::clone(&spool), told.appended, tokio::sync::oneshot::channel());
            told.appended += 1;
            under_way.spawn(async move {
                let mut appending = spool.append(partition, Bytes::from(number.to_string()));
                let first = std::future::poll_fn(|context| std::task::Poll::Ready(appending.as_mut().poll(context))).await;
                begun.send(()).unwrap();
                match first {
                    std::task::Poll::Ready(done) => done,
                    std::task::Poll::Pending => appending.await,
                }
            });
            begins.await.unwrap();
        }
        while let Some(done) = under_way.try_join_next() {
            told.spooled += u64::from(done.unwrap().expect("nothing is refused") == Appended::Spooled);
        }
    }
    told
}

async fn until_empty(spool: &Spool) {
    within("the spool's end", async {
        while spool.waiting().records > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The numbers that each partition holds.
async fn numbers(log: &Arc<dyn EventLog>) -> BTreeMap<Partition, Vec<u64>> {
    let mut reader = Member::join(log, &unique("group")).await;
    until(&mut [&mut reader], "the partitions", |members| members[0].assigned.len() == PARTITIONS as usize).await;
    let (mut numbers, mut left) = (BTreeMap::<_, Vec<_>>::new(), 0);
    for partition in (0..PARTITIONS).map(Partition) {
        reader.consumer.seek(partition, Offset(0)).await.unwrap();
        left += usize::try_from(log.extent(partition).await.unwrap().end.0).unwrap();
    }
    within("the records", async {
        while left > 0 {
            if let Some((partition, records)) = reader.step().await {
                left -= records.len();
                let number = |record: &event_log::LogRecord| String::from_utf8_lossy(&record.bytes).parse::<u64>().ok();
                // Empty ones are not of the load.
                numbers.entry(partition).or_default().extend(records.iter().filter_map(number));
            }
        }
    })
    .await;
    numbers
}

/// All are there, in order; those that are there twice were under way when the log was left.
fn assert_in_order(numbers: &[u64], told: &Told) {
    let mut seen = vec![false; told.appended as usize];
    let mut last: Vec<_> = numbers.iter().rev().filter(|&&number| !std::mem::replace(&mut seen[number as usize], true)).copied().collect();
    last.reverse();
    assert_eq!(last, (0..told.appended).collect::<Vec<_>>(), "every record, in the order in which they were appended");
    let doubles = numbers.len() as u64 - told.appended;
    assert!(doubles <= UNDER_WAY as u64, "{doubles} doubles");
}

/// Appends such records until the log takes them.
async fn acknowledged_by_log(spool: &Spool, record: &'static str) {
    within("the return to the log", async {
        for partition in 0..PARTITIONS {
            while spool.append(Partition(partition), record.into()).await.unwrap() == Appended::Spooled {}
        }
    })
    .await;
}

/// The process ends and starts again while the broker is dead, with records that wait.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_refused_while_the_broker_is_dead_and_all_is_there_afterwards_in_order() {
    let Some(broker) = broker().await else { return };
    let (dir, raw) = (tempfile::tempdir().unwrap(), world(&broker).await);
    let spool = spooled(&raw, dir.path()).await;
    let load = Load::begin(&spool, vec![Told::default(); PARTITIONS as usize]);
    acknowledged_by_log(&spool, "").await;
    broker.kill();
    // Longer than the client takes to give a record up.
    tokio::time::sleep(2 * AFTER).await;
    let told = load.end().await;
    assert!(told.iter().all(|told| told.spooled > 0), "{told:?}");
    assert_eq!(spool.failing(), None, "beacons are taken");
    let waiting = spool.waiting().records;
    assert!(waiting > 0);
    drop(spool);

    let spool = spooled(&raw, dir.path()).await;
    assert_eq!(spool.waiting().records, waiting);
    let load = Load::begin(&spool, told);
    broker.resume();
    until_empty(&spool).await;
    acknowledged_by_log(&spool, "").await;
    let told = load.end().await;
    until_empty(&spool).await;
    let log: Arc<dyn EventLog> = spool;
    let numbers = numbers(&log).await;
    for (partition, told) in (0..).zip(&told) {
        assert_in_order(&numbers[&Partition(partition)], told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_is_left_in_time_and_returned_to() {
    let Some(broker) = broker().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let spool = spooled(&world(&broker).await, dir.path()).await;
    acknowledged_by_log(&spool, "").await;
    broker.pause();
    let begun = tokio::time::timeout(20 * AFTER, spool.append(Partition(0), "0".into())).await;
    assert_eq!(begun.expect("an answer comes soon after the time given").unwrap(), Appended::Spooled);
    let quick = tokio::time::timeout(AFTER, spool.append(Partition(0), "0".into())).await;
    assert_eq!(quick.expect("and the next at once").unwrap(), Appended::Spooled);
    broker.unpause();
    until_empty(&spool).await;
    acknowledged_by_log(&spool, "").await;
}

/// What nothing compresses, in a topic that is made only when it waits: the batch around it has its room there, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_record_that_the_spool_takes_is_taken_by_the_topic() {
    let Some(brokers) = shared() else { return };
    let mut largest = vec![0; 256 << 10];
    ChaCha8Rng::seed_from_u64(1).fill(&mut largest[..]);
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let dir = tempfile::tempdir().unwrap();
        let raw = RawConfig { compression, append_timeout: Duration::from_secs(1), ..small(&brokers, PARTITIONS) };
        let spool = spooled(&raw, dir.path()).await;
        assert_eq!(within("the spool", spool.append(Partition(0), largest.clone().into())).await.unwrap(), Appended::Spooled);
        made(&raw).await;
        until_empty(&spool).await;
        assert_eq!(spool.extent(Partition(0)).await.unwrap().end, Offset(1), "{compression:?}");
    }
}

/// A record that waits, and a limit that is lowered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_not_lowered_below_what_waits_nor_raised_above_what_the_topic_takes() {
    let Some(brokers) = shared() else { return };
    let (dir, raw) = (tempfile::tempdir().unwrap(), small(&brokers, PARTITIONS));
    let lower = RawConfig { record_bytes_max: 64 << 10, ..raw.clone() };
    let largest = Bytes::from(vec![1; 256 << 10]);
    let spool = spooled(&raw, dir.path()).await;
    assert_eq!(within("the spool", spool.append(Partition(0), largest)).await.unwrap(), Appended::Spooled);
    spool.close().await;
    drop(spool);
    let told = try_spooled(&lower, dir.path()).await.unwrap_err().to_string();
    assert!(told.contains("set record_bytes_max = 262144 until they are sent on"), "{told}");

    made(&lower).await;
    let told = within("an answer", Kafka::open(checked(&raw))).await.unwrap_err().to_string();
    assert!(told.contains("--add-config max.message.bytes=263168"), "{told}");
}
