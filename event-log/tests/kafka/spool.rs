//! The spool before a broker that dies, hangs and comes back.

use std::{
    path::Path,
    sync::atomic::AtomicBool,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use event_log::{
    Appended, Offset,
    embedded::Clock,
    spool::{self, Spool},
};
use schemas::time::Timestamp;
use tokio::task::JoinHandle;

use super::*;

const PARTITIONS: u32 = 2;
/// How long the log is waited for.
const AFTER: Duration = Duration::from_millis(300);

#[expect(clippy::disallowed_methods, reason = "the spool's clock in a test is the machine's")]
fn clock() -> Clock {
    let begun = Instant::now();
    let ms = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    Clock::new(move || Timestamp::from_ms(ms()), move || begun.elapsed())
}

/// A topic of its own.
async fn world(broker: &Broker) -> RawConfig {
    let raw = RawConfig {
        append_timeout: Duration::from_secs(3),
        request_timeout: Duration::from_secs(2),
        ..small(&broker.address(), PARTITIONS)
    };
    made(&raw).await;
    raw
}

async fn spooled(raw: &RawConfig, dir: &Path) -> Arc<Spool> {
    let log = Arc::new(Kafka::connect(checked(raw)).unwrap());
    let raw = spool::RawConfig { after: AFTER, drain: Duration::ZERO, ..spool::RawConfig::default() };
    let config = raw.check(dir, PARTITIONS, 256 << 10).unwrap();
    Arc::new(Spool::open(log, config, clock()).await.unwrap())
}

/// Appends numbered records to all partitions, without a pause but with a bound, until it is stopped.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Told>>,
}

/// What one partition's sender was told.
#[derive(Debug, Default)]
struct Told {
    appended: u64,
    spooled: u64,
}

impl Load {
    fn begin(spool: &Arc<Spool>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = |partition| tokio::spawn(load(Arc::clone(spool), Partition(partition), Arc::clone(&stop)));
        Self { tasks: (0..PARTITIONS).map(task).collect(), stop }
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

/// Four hundred records under way at each time; each has its place before the next is begun.
async fn load(spool: Arc<Spool>, partition: Partition, stop: Arc<AtomicBool>) -> Told {
    let (mut told, mut under_way) = (Told::default(), tokio::task::JoinSet::new());
    while !stop.load(Ordering::SeqCst) || !under_way.is_empty() {
        while !stop.load(Ordering::SeqCst) && under_way.len() < 400 {
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
        if let Some(done) = within("an answer", under_way.join_next()).await {
            told.spooled += u64::from(done.unwrap().expect("nothing is refused") == Appended::Spooled);
        }
        tokio::task::yield_now().await;
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

/// The numbers that a partition holds.
async fn numbers(log: &Arc<dyn EventLog>, partition: u32) -> Vec<u64> {
    let end = log.extent(Partition(partition)).await.unwrap().end;
    let mut reader = Member::join(log, &unique("group")).await;
    until(&mut [&mut reader], "the partitions", |members| members[0].assigned.len() == PARTITIONS as usize).await;
    reader.consumer.seek(Partition(partition), Offset(0)).await.unwrap();
    let mut numbers = Vec::new();
    within("the records", async {
        while (numbers.len() as u64) < end.0 {
            if let Some((_, records)) = reader.step().await {
                numbers.extend(records.iter().map(|record| String::from_utf8_lossy(&record.bytes).parse::<u64>().unwrap()));
            }
        }
    })
    .await;
    numbers
}

/// All are there, in order; those that are there twice were under way when the log was left, at most `left` times.
fn assert_in_order(numbers: &[u64], told: &Told, left: u64) {
    let mut seen = vec![false; told.appended as usize];
    let mut last: Vec<_> = numbers.iter().rev().filter(|&&number| !std::mem::replace(&mut seen[number as usize], true)).copied().collect();
    last.reverse();
    assert_eq!(last, (0..told.appended).collect::<Vec<_>>(), "every record, in the order in which they were appended");
    let doubles = numbers.len() as u64 - told.appended;
    assert!(doubles <= left * 400, "{doubles} doubles");
}

async fn check(log: &Arc<Spool>, told: &[Told], left: u64) {
    let log: Arc<dyn EventLog> = Arc::clone(log) as _;
    for (partition, told) in (0..).zip(told) {
        assert!(told.spooled > 0, "{told:?}");
        assert_in_order(&numbers(&log, partition).await, told, left);
    }
}

async fn acknowledged_by_log(spool: &Spool) {
    within("the return to the log", async {
        for partition in 0..PARTITIONS {
            while spool.append(Partition(partition), "0".into()).await.unwrap() == Appended::Spooled {}
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_refused_while_the_broker_is_dead_and_all_is_there_afterwards_in_order() {
    let Some(broker) = usable(start()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let spool = spooled(&world(&broker).await, dir.path()).await;
    let load = Load::begin(&spool);
    tokio::time::sleep(Duration::from_millis(300)).await;
    broker.kill();
    // Longer than the client takes to give a record up.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(spool.waiting().records > 0);
    assert_eq!(event_log::EventLog::failing(&*spool), None);
    broker.resume();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let told = load.end().await;
    until_empty(&spool).await;
    check(&spool, &told, 1).await;
    acknowledged_by_log(&spool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_is_left_in_time_and_returned_to() {
    let Some(broker) = usable(start()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let spool = spooled(&world(&broker).await, dir.path()).await;
    acknowledged_by_log(&spool).await;
    broker.pause();
    let begun = tokio::time::timeout(20 * AFTER, spool.append(Partition(0), "0".into())).await;
    assert_eq!(begun.expect("an answer comes soon after the time given").unwrap(), Appended::Spooled);
    let quick = tokio::time::timeout(AFTER, spool.append(Partition(0), "0".into())).await;
    assert_eq!(quick.expect("and the next at once").unwrap(), Appended::Spooled);
    broker.unpause();
    until_empty(&spool).await;
    acknowledged_by_log(&spool).await;
}

/// The process starts while the broker is away, stops, and starts again: nothing is lost on the way.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_on_by_the_next_process() {
    let Some(broker) = usable(start()) else { return };
    let (dir, raw) = (tempfile::tempdir().unwrap(), world(&broker).await);
    broker.kill();
    let spool = spooled(&raw, dir.path()).await;
    let load = Load::begin(&spool);
    tokio::time::sleep(2 * AFTER).await;
    let told = load.end().await;
    let waiting = spool.waiting().records;
    assert_eq!(waiting, told.iter().map(|told| told.appended).sum::<u64>());
    drop(spool);
    broker.resume();
    let spool = spooled(&raw, dir.path()).await;
    until_empty(&spool).await;
    check(&spool, &told, 1).await;
}
