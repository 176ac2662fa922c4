//! The log on a real broker of Apache Kafka. Where Java or Maven is missing, nothing is tested, and a
//! line says so.

#![expect(clippy::unwrap_used, reason = "a test")]

mod jobs;
mod outage;
mod rebalance;
#[cfg(feature = "kafka-tls")]
mod security;
mod spool;
mod suite;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    process,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use event_log::{
    Assignment, Consumer, EventLog, Partition, Polled,
    kafka::{Config, Kafka, RawConfig},
    suite::{PATIENCE, broker::Broker},
};

/// The broker that all tests share which don't hurt it. It ends with the test's process.
static SHARED: OnceLock<Result<Broker, String>> = OnceLock::new();
static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The shared broker's address; `None` where there can't be a broker, which is told once.
fn shared() -> Option<String> {
    usable(SHARED.get_or_init(start).as_ref().map(Broker::address).map_err(Clone::clone))
}

/// A broker of its own, in a new directory that goes with it.
fn start() -> Result<Broker, String> {
    Broker::start(&tempfile::tempdir().unwrap().keep())
}

/// What a broker can be had for, or the line about what is skipped.
fn usable<T>(broker: Result<T, String>) -> Option<T> {
    broker.map_err(|why| tell(&format!("SKIPPED: all tests of the log on Kafka: {why}"))).ok()
}

/// Prints the line, once.
fn tell(line: &str) {
    if TOLD.lock().unwrap().insert(line.to_owned()) {
        // Past the harness, which keeps what passing tests print to itself.
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// A name that nobody else has on the broker.
fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Small and quick.
fn small(brokers: &str, partitions: u32) -> RawConfig {
    RawConfig {
        brokers: brokers.to_owned(),
        topic: unique("topic"),
        partitions,
        record_bytes_max: 256 << 10,
        linger: Duration::from_millis(1),
        append_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(5),
        ..RawConfig::default()
    }
}

fn checked(raw: &RawConfig) -> Config {
    raw.check().unwrap()
}

/// The log with its topic made.
async fn made(raw: &RawConfig) -> Kafka {
    let log = Kafka::connect(checked(raw)).unwrap();
    log.create_topic().await.unwrap();
    log.check().await.unwrap();
    log
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// A consumer and what it has.
struct Member {
    consumer: Box<dyn Consumer>,
    assigned: BTreeMap<Partition, Assignment>,
}

impl Member {
    async fn join(log: &Arc<dyn EventLog>, group: &str) -> Self {
        Self { consumer: log.consumer(group).await.unwrap(), assigned: BTreeMap::new() }
    }

    /// Polls once, and returns what came if it were records.
    async fn step(&mut self) -> Option<(Partition, Vec<event_log::LogRecord>)> {
        match within("a poll's end", self.consumer.poll(Duration::from_millis(50))).await.unwrap() {
            Polled::Assigned(assignments) => {
                self.assigned.extend(assignments.into_iter().map(|assignment| (assignment.partition, assignment)));
            }
            Polled::Revoked(partitions) => self.assigned.retain(|partition, _| !partitions.contains(partition)),
            Polled::Records { partition, records } => return Some((partition, records)),
            Polled::Idle => {}
        }
        None
    }
}

/// Lets all poll in turn until it is so.
async fn until(members: &mut [&mut Member], what: &str, so: impl Fn(&[&mut Member]) -> bool) {
    within(what, async {
        while !so(members) {
            for member in &mut *members {
                member.step().await;
            }
        }
    })
    .await;
}
